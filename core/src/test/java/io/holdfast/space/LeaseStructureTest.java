// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What leases see of each change of their region's shape, and that pages stay while they can be seen (G3). */
class LeaseStructureTest extends SpaceFixture {
    private static final int LENGTH = 10_000;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.eras(Duration.ofDays(1), Duration.ZERO);
    }

    private Region mapped() {
        return space.map(FileBacking.readWrite(file("data", LENGTH)));
    }

    @Test
    void partsOfASplitRegionMustWaitForItsLeases() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final List<Region> parts = region.split(PAGE);
        assertThat(lease.getByte(PAGE)).as("in the old era").isEqualTo(byteAt(PAGE));
        parts.getLast().unmap();
        assertThat(space.statistics().eras()).as("a part that was never leased itself").isEqualTo(1);
        LeaseTest.assertRefused(() -> lease.getByte(PAGE), Refusal.MOVED);
        LeaseTest.assertRefused(() -> lease.getByte(0), Refusal.MOVED);
        parts.getFirst().unmap();
        assertThat(space.statistics().eras()).as("for all that is known, somebody renewed").isEqualTo(2);
    }

    @Test
    void mergedRegionMustWaitForTheLeasesOfBoth() {
        final Region region = space.map(4 * PAGE);
        final List<Region> parts = region.split(2 * PAGE);
        final Lease lease = parts.getLast().lease();
        final Region merged = parts.getFirst().merge(parts.getLast());
        assertThat(lease.getByte(0)).isZero();
        merged.trimTail(PAGE);
        assertThat(space.statistics().eras()).isEqualTo(1);
        LeaseTest.assertRefused(() -> lease.getByte(0), Refusal.MOVED);
    }

    @Test
    void trimmedPartsMustStayUntilTheEraHasEnded() {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Region rest = region.trimTail(LENGTH - PAGE);
        LeaseTest.assertRefused(() -> lease.getByte(2 * PAGE), Refusal.MOVED);
        final Lease ofRest = rest.lease();
        assertThat(ofRest.size()).isEqualTo(PAGE);
        assertThat(ofRest.getByte(5)).isEqualTo(byteAt(5));
        assertThat(space.statistics().eras()).isEqualTo(1);
    }

    @Test
    void fileMustBeCutAfterTheEraAlsoWhereNoPageGoes() throws IOException {
        final Region region = mapped();
        final Path path = directory.resolve("data");
        final Lease lease = region.lease();
        final Region shorter = region.truncate(LENGTH - 10);
        assertThat(Files.size(path)).isEqualTo(LENGTH - 10);
        assertThat(space.statistics().eras()).isEqualTo(1);
        LeaseTest.assertRefused(() -> lease.getByte(LENGTH - 1), Refusal.MOVED);
        final Lease next = shorter.lease();
        final Region half = shorter.truncate(PAGE);
        assertThat(Files.size(path)).isEqualTo(PAGE);
        assertThat(space.statistics().eras()).isEqualTo(2);
        LeaseTest.assertRefused(() -> next.getByte(PAGE), Refusal.MOVED);
        assertThat(half.lease().getByte(PAGE - 1)).isEqualTo(byteAt(PAGE - 1));
    }

    @Test
    void growthMustShowAtTheNextReadBehindTheEnd() {
        final Region region = space.map(MapRequest.anonymous(PAGE).growableTo(8 * PAGE));
        final Lease lease = region.lease();
        assertThatThrownBy(() -> lease.putLong(PAGE, 1)).isInstanceOf(IndexOutOfBoundsException.class);
        region.grow(4 * PAGE);
        lease.putLong(PAGE, 17);
        assertThat(lease.getLong(PAGE)).isEqualTo(17);
        assertThat(lease.size()).isEqualTo(4 * PAGE);
        assertThat(space.statistics().eras()).isZero();
        region.unmap();
    }

    @Test
    void movedRegionMustBeReadInItsOldPlaceUntilTheEraEnds() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        lease.putByte(3, (byte) 8);
        final Region moved = region.remap(1 << 20);
        LeaseTest.assertRefused(() -> lease.getByte(3), Refusal.MOVED);
        assertThat(moved.lease().getByte(3)).isEqualTo((byte) 8);
        assertThat(space.statistics().eras()).isEqualTo(1);
    }

    @Test
    void protectionMustWaitForWritersThroughLeasesAndSharedSegments() {
        final Region region = space.map(4 * PAGE);
        final Lease lease = region.lease();
        final var segment = region.sharedSegment();
        lease.putLong(8, 4);
        final Region readOnly = region.protect(Protection.READ_ONLY);
        assertThat(space.statistics().eras()).isEqualTo(1);
        LeaseTest.assertRefused(() -> lease.putLong(8, 5), Refusal.MOVED);
        assertThatThrownBy(() -> segment.set(JAVA_BYTE, 0, (byte) 1)).isInstanceOf(IllegalStateException.class);
        final Lease reads = readOnly.lease();
        assertThat(reads.getLong(8)).isEqualTo(4);
        assertThatThrownBy(() -> reads.putLong(8, 5)).isInstanceOf(RegionException.class)
            .hasMessageContaining("read-only region");
        final Region writable = readOnly.protect(0, 4 * PAGE, Protection.READ_WRITE).getFirst();
        assertThat(space.statistics().eras()).as("to allow more takes no era").isEqualTo(1);
        writable.lease().putLong(8, 6);
        assertThatThrownBy(() -> reads.putLong(8, 7)).isInstanceOf(RegionException.class);
        writable.unmap();
    }

    @Test
    void sectionMustWaitBeforeItTakesTheRightToWriteAndMayGoBack() {
        final Region region = space.map(4 * PAGE);
        final Lease lease = region.lease();
        try (WriteSection section = space.write()) {
            final List<Region> parts = section.split(region, 2 * PAGE);
            section.protect(parts.getLast(), Protection.READ_ONLY);
            assertThat(space.statistics().eras()).isEqualTo(1);
            assertThat(lease.getLong(3 * PAGE)).isZero();
            LeaseTest.assertRefused(() -> lease.putLong(3 * PAGE, 1), Refusal.EXCLUDED);
        }
        assertThat(region.isMapped()).isTrue();
        final Region passing = space.map(PAGE);
        passing.lease();
        passing.unmap();
        lease.putLong(3 * PAGE, 1);
        assertThat(lease.getLong(3 * PAGE)).isEqualTo(1);
        try (WriteSection section = space.write()) {
            section.protect(region, Protection.READ_ONLY);
            section.publish();
        }
        LeaseTest.assertRefused(() -> lease.putLong(3 * PAGE, 1), Refusal.MOVED);
    }

    @Test
    void publishedUnmapOfASectionMustWaitForLeases() {
        final Region region = mapped();
        final Lease lease = region.lease();
        try (WriteSection section = space.write()) {
            section.unmap(region);
            section.publish();
            assertThat(lease.getByte(7)).as("until the era ends").isEqualTo(byteAt(7));
        }
        LeaseTest.assertRefused(() -> lease.getByte(7), Refusal.DETACHED);
        assertThat(space.statistics().eras()).isEqualTo(1);
    }

    @Test
    void exclusiveWritersMustShowThroughAndKeepWhatLocksWaiting() throws Exception {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        final Threads.Work<Boolean> copy;
        try (Guard guard = region.exclusive()) {
            guard.segment().set(JAVA_BYTE, 9, (byte) 1);
            final byte[] target = new byte[10];
            lease.getBytes(0, target, 0, 10);
            assertThat(Threads.run(() -> lease.getByte(9))).isEqualTo(target[9]).isEqualTo((byte) 1);
            assertThatThrownBy(() -> lease.putBytes(0, new byte[1], 0, 1)).isInstanceOf(IllegalMonitorStateException.class);
            final byte[] expected = {2};
            copy = Threads.start(() -> lease.mismatch(9, MemorySegment.ofArray(expected), 0, 1) == -1);
            idle.awaitWaiter();
            guard.segment().set(JAVA_BYTE, 9, (byte) 2);
        }
        assertThat(copy.get()).isTrue();
        region.discard(0, PAGE);
        assertThat(lease.getByte(9)).isZero();
        region.unmap();
    }

    @Test
    void closeMustWaitForErasAndRefuseAllLeases() throws Exception {
        final Region region = mapped();
        final Lease lease = region.lease();
        final Lease other = space.map(PAGE).lease();
        assertThat(space.close(1, TimeUnit.DAYS)).isTrue();
        LeaseTest.assertRefused(() -> lease.getByte(0), Refusal.DETACHED);
        LeaseTest.assertRefused(() -> other.getByte(0), Refusal.DETACHED);
        assertThat(lease.isCurrent()).isFalse();
        try (AddressSpace next = AddressSpace.builder().name("next").capacity(CAPACITY).open()) {
            next.map(1 << 20).lease();
            LeaseTest.assertRefused(() -> lease.getByte(0), Refusal.DETACHED);
        }
    }
}
