// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import io.holdfast.SpaceStatistics;
import io.holdfast.WriteSection;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Call;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.NodeShortage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A section of ten mixed changes that fails at every native call and at every allocation: everything is as before, or
 * everything has happened (G7, G9; T10: rollback at every k of N; T11: nothing fails after the point of no return).
 */
class SectionFaultTest extends SpaceFixture {
    private static final int EINTR = 4;
    private static final int MANY = 1000;
    private static final int NODES_AT_ONCE = 4;
    private static final long LENGTH = 4 * PAGE;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private final List<Region> old = new ArrayList<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    private void fill(final Region region) {
        for (long at = 0; at < region.size(); at += PAGE) {
            put(region, at, region.address() + at);
        }
        old.add(region);
    }

    /** Ten regions: the first eight anonymous and adjacent, then a file shared and a file private. */
    private void setUp() {
        old.clear();
        for (int i = 0; i < 8; i++) {
            fill(space.map(LENGTH));
        }
        fill(space.map(FileBacking.readWrite(file("shared", (int) LENGTH))));
        fill(space.map(FileBacking.copyOnWrite(file("private", (int) LENGTH))));
        file("mapped", (int) LENGTH);
    }

    private List<Consumer<WriteSection>> changes() {
        return List.of(
            section -> section.segment(section.map(LENGTH)).set(JAVA_LONG, 0, 1),
            section -> section.map(MapRequest.file(FileBacking.readWrite(directory.resolve("mapped")))),
            section -> section.unmap(old.get(0)),
            section -> section.unmap(old.get(1).address() + PAGE, old.get(2).address() + PAGE),
            section -> section.unmap(section.split(old.get(3), PAGE).getFirst()),
            section -> section.merge(old.get(4), old.get(5)),
            section -> section.move(old.get(8)),
            section -> section.protect(old.get(6), Protection.READ_ONLY),
            section -> section.resize(old.get(9), LENGTH / 2),
            section -> section.exclude(old.get(7)).set(JAVA_LONG, 8, 7));
    }

    private void change(final boolean publish) {
        try (WriteSection section = space.write()) {
            for (final Consumer<WriteSection> change : changes()) {
                change.accept(section);
            }
            if (publish) {
                section.publish();
            }
        }
    }

    private void assertRestored(final SpacePicture before) {
        put(old.get(7), 8, 0); // what was written into a region that was excluded is not restored
        before.assertUnchanged(space, directory);
        assertUsable();
    }

    private void assertUsable() {
        for (final Region region : old) {
            assertThat(region.isMapped()).isTrue();
            for (long at = 0; at < region.size(); at += PAGE) {
                assertThat(get(region, at)).isEqualTo(region.address() + at);
                put(region, at, region.address() + at);
            }
            assertThat(region.validate(region.tryOptimisticRead())).isTrue();
        }
        assertThat(inside(space).gate().ranges().sections()).isEmpty();
    }

    /** What there is after all ten, whatever failed on the way. */
    private void assertChanged() {
        assertThat(space.maps()).hasSize(10);
        assertThat(space.statistics().regions()).isEqualTo(10);
        for (final int changed : new int[] {0, 1, 2, 3, 4, 5, 6, 8, 9}) {
            assertThat(old.get(changed).isMapped()).as("region %d", changed).isFalse();
        }
        assertThat(get(old.get(7), 0)).isEqualTo(old.get(7).address());
        assertThat(get(at(old.get(1).address()), 0)).isEqualTo(old.get(1).address());
        assertThat(get(at(old.get(2).address() + PAGE), 0)).isEqualTo(old.get(2).address() + PAGE);
        assertThat(get(at(old.get(3).address() + PAGE), 0)).isEqualTo(old.get(3).address() + PAGE);
        assertThat(get(at(old.get(4).address()), LENGTH)).isEqualTo(old.get(5).address());
        assertThat(at(old.get(6).address()).isWritable()).isFalse();
        assertThat(get(at(old.get(9).address()), PAGE)).isEqualTo(old.get(9).address() + PAGE);
        assertThat(space.maps()).filteredOn(info -> directory.resolve("shared").equals(info.path())).singleElement()
            .satisfies(info -> assertThat(get(at(info.address()), 0)).isEqualTo(old.get(8).address()));
    }

    private Region at(final long address) {
        try (Pin pin = space.pin()) {
            return Objects.requireNonNull(pin.find(address));
        }
    }

    private void tearDown() {
        for (final RegionInfo info : space.maps()) {
            at(info.address()).unmap();
        }
        inside(space).core().quarantine().retry();
        Resources.settle(space);
        final SpaceStatistics statistics = space.statistics();
        assertThat(statistics.regions()).isZero();
        assertThat(statistics.mappedBytes()).isZero();
        assertThat(statistics.recordsInUse()).isZero();
        assertThat(statistics.quarantinedBytes()).isZero();
        assertThat(statistics.lostBytes()).isZero();
        assertThat(Resources.mappings(directory)).isZero();
        assertThat(Resources.descriptors(directory)).isZero();
    }

    static Stream<Arguments> faults() {
        return Stream.of(Arguments.of(Errno.ENOMEM, Damage.NONE), Arguments.of(Errno.ENOMEM, Damage.HOLE),
            Arguments.of(Errno.EAGAIN, Damage.HOLE), Arguments.of(Errno.EACCES, Damage.NONE),
            Arguments.of(Errno.EMFILE, Damage.NONE), Arguments.of(EINTR, Damage.DONE));
    }

    /** A failing close, or sync, of a descriptor does its work all the same. */
    private static boolean counts(final Call call) {
        return call.kind() != NativeCall.CLOSE;
    }

    /** T10. */
    @ParameterizedTest
    @MethodSource("faults")
    void aSectionThatFailsAtAnyNativeCallMustLeaveEverythingAsItWas(final int errno, final Damage damage)
        throws IOException {
        warmUp();
        int failed = 0;
        for (int n = 1; n < MANY; n++) {
            setUp();
            final SpacePicture before = SpacePicture.of(space, directory);
            final long faults = memory.faults();
            memory.arm(SectionFaultTest::counts, n, n, errno, damage);
            try {
                change(true);
                memory.disarm();
                assertChanged();
            } catch (final MappingException | UncheckedIOException e) {
                memory.disarm();
                failed++;
                assertRestored(before);
            }
            final boolean done = memory.faults() == faults;
            tearDown();
            assertThat(Files.size(directory.resolve("shared"))).isEqualTo(LENGTH);
            if (done) {
                assertThat(failed).as("calls that failed it").isGreaterThan(5);
                return;
            }
        }
        throw new AssertionError("never without a fault");
    }

    /** T10: the k-th of N changes is the last, for every k; nothing failed but the caller. */
    @Test
    void aSectionThatIsLeftAfterAnyChangeMustLeaveEverythingAsItWas() {
        warmUp();
        for (int k = 0; k <= changes().size(); k++) {
            setUp();
            final SpacePicture before = SpacePicture.of(space, directory);
            final int last = k;
            assertThatThrownBy(() -> {
                try (WriteSection section = space.write()) {
                    changes().subList(0, last).forEach(change -> change.accept(section));
                    throw new ArithmeticException("thrown by who changes");
                }
            }).isInstanceOf(ArithmeticException.class);
            assertRestored(before);
            tearDown();
        }
    }

    /** A change that threw has changed nothing: done again it succeeds, and so does the publication. */
    @ParameterizedTest
    @MethodSource("faults")
    void aSectionMustBeUsableAfterAnOperationThatFailed(final int errno, final Damage damage) {
        warmUp();
        int failed = 0;
        for (int n = 1; n < MANY; n++) {
            setUp();
            final long faults = memory.faults();
            memory.arm(SectionFaultTest::counts, n, n, errno, damage);
            final List<Consumer<WriteSection>> changes = changes();
            try (WriteSection section = space.write()) {
                for (final Consumer<WriteSection> change : changes) {
                    try {
                        change.accept(section);
                    } catch (final MappingException | UncheckedIOException e) {
                        failed++;
                        change.accept(section);
                    }
                }
                memory.disarm();
                section.publish();
            }
            final boolean done = memory.faults() == faults;
            assertChanged();
            tearDown();
            if (done) {
                assertThat(failed).isGreaterThan(4);
                return;
            }
        }
        throw new AssertionError("never without a fault");
    }

    private void warmUp() {
        setUp();
        change(true);
        assertChanged();
        tearDown();
        setUp();
        change(false);
        tearDown();
    }

    /** T10: no table of records grows any more, with k records left, for every k. */
    @Test
    void aSectionThatGetsNoRecordMustLeaveEverythingAsItWas() {
        warmUp();
        int failed = 0;
        for (int k = 0;; k++) {
            setUp();
            final List<Long> taken = new ArrayList<>();
            while (inside(space).core().records().inUse() < inside(space).core().records().capacity() - k) {
                taken.add(inside(space).core().records().allocate());
            }
            final boolean done = changesUnderScarcity();
            taken.forEach(inside(space).core().records()::free);
            tearDown();
            failed += done ? 0 : 1;
            if (done) {
                break;
            }
        }
        assertThat(failed).as("records that a section takes").isGreaterThan(10);
    }

    /** T10: no table of nodes grows any more, with k times four nodes left, for every k. */
    @Test
    void aSectionThatGetsNoNodeMustLeaveEverythingAsItWas() {
        warmUp();
        int failed = 0;
        for (int k = 0;; k++) {
            setUp();
            final SpaceResources core = inside(space).core();
            final NodeShortage shortage = new NodeShortage(core.tree(), core.domain());
            shortage.leave(k * NODES_AT_ONCE, this::failTables);
            final boolean done = changesUnderScarcity();
            shortage.giveAllBack();
            tearDown();
            failed += done ? 0 : 1;
            if (done) {
                break;
            }
        }
        assertThat(failed).as("times that nodes were missing").isPositive();
    }

    private void failTables() {
        memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == 0, 1, Long.MAX_VALUE, Errno.ENOMEM,
            Damage.NONE);
    }

    /** Whether the section succeeds without another table. */
    private boolean changesUnderScarcity() {
        final Resources before = Resources.of(space, directory);
        failTables();
        try {
            change(true);
        } catch (final MappingException e) {
            memory.disarm();
            inside(space).core().quarantine().retry(); // addresses that were taken, and wait for nodes to be free again
            before.assertUnchanged(space, directory);
            assertUsable();
            return false;
        }
        memory.disarm();
        assertChanged();
        return true;
    }

    /** After the point of no return a call that fails fails nothing; what it touched is tried again. */
    @Test
    void noFailureAfterThePublicationMustFailTheSection() {
        warmUp();
        for (final NativeCall kind : new NativeCall[] {NativeCall.MMAP, NativeCall.MADVISE, NativeCall.MUNMAP}) {
            setUp();
            try (WriteSection section = space.write()) {
                changes().forEach(change -> change.accept(section));
                section.publish();
                memory.arm(call -> call.kind() == kind, 1, 3, Errno.ENOMEM, Damage.NONE);
            }
            memory.disarm();
            assertChanged();
            tearDown();
        }
    }

    /** The barrier of the grace period fails in every form: the unmaps have happened and are ended by somebody else. */
    @Test
    void whatWasUnmappedMustNotBeLostWhenTheBarrierFails() throws Exception {
        final Region region = space.map(LENGTH);
        boolean thrown = false;
        try (Threads.Holder light = Threads.hold(this::becomeLight)) {
            assertThat(light.thread().isAlive()).isTrue();
            try (WriteSection section = space.write()) {
                section.unmap(region);
                section.publish();
                memory.failFrom(NativeCall.MEMBARRIER, 1, Errno.ENOMEM, Damage.NONE);
            } catch (final IllegalStateException e) {
                thrown = true;
            }
            memory.disarm();
        }
        assertThat(region.isMapped()).isFalse();
        assertThat(thrown).as("the barrier failed").isEqualTo(space.barrier() == Barrier.MEMBARRIER);
        while (space.statistics().regions() != 0) { // by the reclaimer
            Thread.onSpinWait();
        }
    }

    /** Makes the thread one for whose sake writers run the barrier, for as long as it lives. */
    private AutoCloseable becomeLight() {
        for (int i = 0; i < MANY; i++) {
            space.pin().close();
        }
        return () -> { };
    }

    /** Pages whose protection is not known any more must not be written: their region is unmapped by the section. */
    @Test
    void aRegionWhoseProtectionIsUnknownMustBeUnmappedByTheSection() {
        for (final boolean publish : new boolean[] {true, false}) {
            old.clear();
            final Region region = space.map(LENGTH);
            fill(region);
            try (WriteSection section = space.write()) {
                memory.failFrom(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.DONE);
                assertThatThrownBy(() -> section.protect(region, Protection.READ_ONLY))
                    .isInstanceOf(MappingException.class);
                assertThatThrownBy(() -> section.end(region)).isInstanceOf(RegionException.class);
                assertThatThrownBy(section::downgrade).isInstanceOf(RegionException.class);
                if (publish) {
                    memory.disarm();
                    section.publish();
                }
            }
            memory.disarm();
            assertThat(region.isMapped()).isFalse();
            assertThat(space.maps()).isEmpty();
            fill(space.map(LENGTH));
            tearDown();
        }
    }

    /** A protection that was refused is as it was before the section goes on, and costs no nodes. */
    @Test
    void aProtectionThatWasRefusedMustBeTakenBackAtOnce() {
        for (int i = 0; i < 100; i++) {
            old.clear();
            final Region region = space.map(LENGTH);
            fill(region);
            try (WriteSection section = space.write()) {
                memory.failNth(NativeCall.MPROTECT, 1, Errno.ENOMEM, Damage.DONE);
                assertThatThrownBy(() -> section.protect(region, Protection.READ_ONLY))
                    .isInstanceOf(MappingException.class);
                memory.disarm();
                section.segment(region).set(JAVA_LONG, 0, 5);
                section.downgrade();
                put(region, 0, 6);
            }
            put(region, 0, 7);
            tearDown();
        }
    }

    /** A file that is only read, and whose path goes away, fails the move alone; one that is written to is kept open. */
    @Test
    void aMoveWhoseFileIsGoneMustChangeNothing() throws IOException {
        setUp();
        for (final String name : List.of("shared", "private")) {
            Files.move(directory.resolve(name), directory.resolve("elsewhere-" + name));
        }
        final Region moved;
        try (WriteSection section = space.write()) {
            assertThatThrownBy(() -> section.move(old.get(9))).isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith("move failed");
            moved = section.move(old.get(8));
            section.unmap(old.get(0));
            section.publish();
        }
        assertThat(old.get(9).isMapped()).isTrue();
        assertThat(get(old.get(9), 0)).isEqualTo(old.get(9).address());
        assertThat(get(moved, 0)).isEqualTo(old.get(8).address());
        moved.unmap();
        tearDown();
    }
}
