// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionCursor;
import io.holdfast.WriteSection;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sections and views that their thread took into death: nobody waits for them, and nothing is left of them (G9, G11). */
class DeadOwnersOfRangesTest extends SpaceFixture {
    private static void die(final boolean virtual, final Callable<?> last) throws Exception {
        (virtual ? Threads.startVirtual(last) : Threads.start(last)).get();
    }

    /** What waits for pins and snapshots is bounded: who waits at the bound clears dead ones away. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aDeadSnapshotMustHoldBackNothingForGood(final boolean virtual) throws Exception {
        try (AddressSpace bounded = AddressSpace.builder().capacity(CAPACITY).retiredBytes(1 << 16).open()) {
            final Region stays = bounded.map(PAGE);
            die(virtual, () -> {
                bounded.snapshot();
                return true;
            });
            final long orphans = bounded.statistics().orphanedSlots();
            for (int i = 0; i < 1_000; i++) {
                bounded.map(PAGE).unmap();
            }
            assertThat(bounded.statistics().orphanedSlots()).as("the snapshot was in the way").isGreaterThan(orphans);
            assertThat(bounded.maps()).singleElement().satisfies(info ->
                assertThat(info.address()).isEqualTo(stays.address()));
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aCloseMustNotWaitForADeadSnapshotOrCursor(final boolean virtual) throws Exception {
        final Region region = space.map(PAGE);
        final RegionCursor cursor = space.cursor();
        die(virtual, () -> {
            space.snapshot();
            return cursor.next();
        });
        assertThat(cursor.previous()).as("another thread goes on with it").isEqualTo(region);
        space.close();
    }

    private List<?> listing() {
        return space.maps().stream().map(info -> List.of(info.address(), info.size(), info.writable())).toList();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void readSectionOfADeadThreadMustHoldNobodyUp(final boolean virtual) throws Exception {
        final Region region = space.map(PAGE);
        die(virtual, () -> space.read(0, 1 << 20));
        region.unmap();
        die(virtual, () -> space.read(0, 1 << 20));
        final WriteSection write = space.tryWrite(0, 1 << 20);
        assertThat(write).as("a try is not refused for the dead").isNotNull();
        write.close();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void writeSectionOfADeadThreadMustBeRolledBack(final boolean virtual) throws Exception {
        final Region dropped = space.map(PAGE);
        final Region cut = space.map(4 * PAGE);
        final Region closed = space.map(2 * PAGE);
        final Region moved = space.map(PAGE);
        final List<?> before = listing();
        die(virtual, () -> {
            final WriteSection section = space.write();
            section.unmap(dropped);
            section.split(cut, PAGE);
            section.protect(closed, Protection.READ_ONLY);
            section.move(moved);
            section.segment(section.map(PAGE)).set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            return section;
        });
        try (ReadSection _ = space.read(0, space.capacity())) {
            assertThat(listing()).isEqualTo(before);
        }
        for (final Region region : List.of(dropped, cut, closed, moved)) {
            try (Guard guard = region.exclusive()) {
                guard.segment().set(ValueLayout.JAVA_BYTE, 0, (byte) 1);
            }
        }
        assertThat(space.statistics().regions()).isEqualTo(4);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void regionOfADeadThreadsSectionMustBeReadAgain(final boolean virtual) throws Exception {
        final Region region = space.map(PAGE);
        die(virtual, () -> {
            final WriteSection section = space.write();
            section.exclude(region).set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
            return section;
        });
        assertThat(region.tryShare().isHeld()).as("the section has it still").isFalse();
        try (Guard guard = region.share()) {
            assertThat(guard.segment().get(ValueLayout.JAVA_BYTE, 0)).isEqualTo((byte) 7);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatADeadThreadPublishedMustStayPublished(final boolean virtual) throws Exception {
        final Region dropped = space.map(PAGE);
        die(virtual, () -> {
            final WriteSection section = space.write();
            section.unmap(dropped);
            section.map(MapRequest.anonymous(PAGE));
            section.publish();
            return section;
        });
        try (WriteSection section = space.write()) {
            assertThat(section.isOpen()).isTrue();
        }
        assertThat(dropped.isMapped()).isFalse();
        assertThat(space.maps()).hasSize(1);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void closeMustNotWaitForADeadThreadsSection(final boolean virtual) throws Exception {
        space.map(PAGE);
        die(virtual, space::write);
        assertThat(space.close(60, TimeUnit.SECONDS)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void viewOfADeadThreadMustNotKeepAHold(final boolean virtual) throws Exception {
        final Region region = space.map(PAGE);
        final Hold hold = region.hold();
        final Hold.View mine = hold.view();
        die(virtual, hold::view);
        die(virtual, hold::view);
        mine.close();
        hold.close();
        assertThat(hold.isHeld()).isFalse();
        region.unmap();
    }
}
