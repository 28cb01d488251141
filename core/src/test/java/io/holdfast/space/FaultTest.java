// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.Region;
import io.holdfast.SpaceStatistics;
import io.holdfast.epoch.StripedRetireList;
import io.holdfast.epoch.Waiting;
import io.holdfast.memory.FaultInjectingMemory.Call;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.memory.RestoreResult;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every call to the system that an operation makes fails once, with each error and each damage that it can do: the
 * operation completes or leaves the space as it was, and past the point of no return it completes (G9). Here are those
 * that begin differently each time: with larger zones, new files, longer files, or a new space; all others are in
 * {@link OperationFaultTest}.
 */
class FaultTest extends SpaceFixture {
    private static final int EINTR = 4;
    private static final int EIO = 5;
    private static final int EAGAIN = 11;
    private static final int ENOMEM = 12;
    private static final int EACCES = 13;
    private static final int EINVAL = 22;
    private static final int EMFILE = 24;
    private static final int ENOSPC = 28;
    private static final int MANY = 1000;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private Path data;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).capacity(256L << 20);
    }

    @BeforeEach
    void warmUp() {
        data = file("data", 20_000);
        space.map(PAGE).unmap();
        space.map(FileBacking.readOnly(data)).unmap();
    }

    static Stream<Arguments> faults() {
        final List<Arguments> all = new ArrayList<>();
        for (final int errno : new int[] {ENOMEM, EAGAIN, EINVAL, EIO, ENOSPC, EACCES, EMFILE, EINTR}) {
            for (final Damage damage : new Damage[] {Damage.NONE, Damage.HOLE}) {
                all.add(Arguments.of(errno, damage));
            }
        }
        return all.stream();
    }

    /** A failing close does its work all the same; it has its own tests below. */
    private static boolean isNoClose(final Call call) {
        return call.kind() != NativeCall.CLOSE;
    }

    /** Something that may throw what the system's refusals become. */
    private interface Operation {
        Region run();
    }

    /** Lets the operation fail at each of its calls; what it gives, if it completes, is unmapped. */
    private int failAtEachCall(final Predicate<Call> calls, final int errno, final Damage damage,
                               final Operation operation) {
        for (int n = 1; n < MANY; n++) {
            final Resources before = Resources.of(space, directory);
            final long faults = memory.faults();
            memory.arm(calls, n, n, errno, damage);
            try {
                final Region region = operation.run();
                memory.disarm();
                region.unmap();
            } catch (final MappingException | UncheckedIOException e) {
                memory.disarm();
                assertThat(e.getMessage()).as("call " + n).contains("errno=" + errno);
            }
            final Resources after = Resources.of(space, directory);
            assertThat(after.listing()).as("call " + n).isEqualTo(before.listing());
            assertThat(after.records()).as("records, call " + n).isEqualTo(before.records());
            assertThat(after.bytes()).as("addresses, call " + n).isEqualTo(before.bytes());
            assertThat(after.descriptors()).as("descriptors, call " + n).isEqualTo(before.descriptors());
            assertThat(after.files()).as("mappings of files, call " + n).isEqualTo(before.files());
            assertThat(after.mappings()).as("kernel mappings, call " + n).hasSizeLessThanOrEqualTo(
                Math.max(3, before.mappings().size()));
            assertThat(space.statistics().quarantinedBytes()).as("quarantine, call " + n).isZero();
            assertThat(space.statistics().lostBytes()).as("lost, call " + n).isZero();
            assertWorks();
            if (memory.faults() == faults) {
                return n - 1;
            }
        }
        throw new AssertionError("the operation makes more than " + MANY + " calls");
    }

    private void assertWorks() {
        final Region anonymous = space.map(3 * PAGE);
        assertThat(AnonymousRegionTest.isFilled(anonymous, (byte) 0)).isTrue();
        AnonymousRegionTest.fill(anonymous, (byte) 0x33);
        final Region mapped = space.map(FileBacking.readOnly(data).range(3, 15_000));
        try (Guard guard = mapped.share()) {
            assertThat(guard.segment().get(JAVA_BYTE, 14_999)).isEqualTo(byteAt(15_002));
        }
        mapped.unmap();
        anonymous.unmap();
    }

    @ParameterizedTest
    @MethodSource("faults")
    void mapOfAnonymousMemory(final int errno, final Damage damage) {
        final long[] size = {0};
        final int calls = failAtEachCall(FaultTest::isNoClose, errno, damage, () -> {
            size[0] += 12L << 20; // so that the zone has to grow
            return space.map(size[0]);
        });
        assertThat(calls).isPositive();
    }

    @ParameterizedTest
    @MethodSource("faults")
    void mapOfFileThatIsCreated(final int errno, final Damage damage) throws IOException {
        final int[] number = {0};
        final int calls = failAtEachCall(FaultTest::isNoClose, errno, damage, () -> {
            final Path path = directory.resolve("new" + number[0]++);
            return space.map(FileBacking.readWrite(path).range(0, 50_000).growableTo(1 << 20));
        });
        assertThat(calls).isGreaterThanOrEqualTo(5);
        try (Stream<Path> files = Files.list(directory)) {
            assertThat(files.filter(path -> path.getFileName().toString().startsWith("new"))
                .mapToLong(FaultTest::sizeOf)).as("files for nothing are empty").containsOnly(0L, 50_000L);
        }
    }

    private static long sizeOf(final Path path) {
        try {
            return Files.size(path);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest
    @MethodSource("faults")
    void growth(final int errno, final Damage damage) throws IOException {
        final Path path = file("log", 10_000);
        final Region log = space.map(FileBacking.readWrite(path).growableTo(4 << 20));
        final long[] size = {log.size()};
        for (int n = 1; n < MANY; n++) {
            final Resources before = Resources.of(space, directory);
            final long faults = memory.faults();
            memory.arm(FaultTest::isNoClose, n, n, errno, damage);
            try {
                log.grow(size[0] + 10_000);
                size[0] += 10_000;
                memory.disarm();
            } catch (final MappingException | UncheckedIOException e) {
                memory.disarm();
                assertThat(e.getMessage()).contains("errno=" + errno);
                before.assertUnchanged(space, directory);
            }
            assertThat(log.size()).isEqualTo(size[0]);
            assertThat(Files.size(path)).as("the file, call " + n).isEqualTo(size[0]);
            try (Guard guard = log.shareWritable()) {
                assertBytesOf(guard.segment().asSlice(0, 9_999), 0);
                guard.segment().set(JAVA_BYTE, size[0] - 1, (byte) n);
                assertThat(guard.segment().get(JAVA_BYTE, size[0] - 1)).isEqualTo((byte) n);
            }
            assertThat(space.statistics().lostBytes()).isZero();
            if (memory.faults() == faults) {
                assertThat(n).isGreaterThan(2);
                return;
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {ENOMEM, EAGAIN, EINVAL})
    void unmapWhileTheKernelTakesNothingBack(final int errno) {
        final Resources before = Resources.of(space, directory);
        final long[] addresses = new long[20];
        for (int i = 0; i < addresses.length; i++) {
            final Region region = space.map(FileBacking.copyOnWrite(data));
            addresses[i] = region.address();
            final long address = inside(space).base() + region.address();
            memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == address, 1, 1, errno, Damage.NONE);
            region.unmap();
            memory.disarm();
            assertThat(region.isMapped()).isFalse();
            assertThat(space.statistics().regions()).isZero();
        }
        assertThat(space.statistics().quarantinedBytes()).isPositive();
        try (Pin pin = space.pin()) {
            for (final long address : addresses) {
                assertThat(pin.find(address)).isNull();
            }
        }
        assertWorks();
        assertThat(space.statistics().quarantinedBytes()).isZero();
        before.assertUnchanged(space, directory);
    }

    /** The kernel takes the pages back after all, for somebody who tries before the unmap is among those that wait. */
    @Test
    void anUnmapThatIsQuarantinedTooLateMustBeFreedAllTheSame() throws Exception {
        final Resources before = Resources.of(space, directory);
        final Unmapper unmapper = inside(space).unmapper();
        final RegionRegistry registry = inside(space).registry();
        final Quarantine quarantine = inside(space).core().quarantine();
        final Region region = space.map(FileBacking.copyOnWrite(data));
        try (Waiting waiting = inside(space).waiting(Waiting.FOREVER, false)) {
            final PendingUnmap unmapping = unmapper.prepare();
            assertThat(unmapper.announce(unmapping, inside(region), waiting, true)).isTrue();
            assertThat(unmapper.drain(unmapping, waiting)).isTrue();
            unmapping.shows(Objects.requireNonNull(registry.takeFile(new RecordKey(unmapping.record()))));
            final long first = inside(space).base() + region.address();
            memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == first, 1, 1,
                ENOMEM, Damage.NONE);
            final RestoreResult refused = inside(space).giveBack().restorePages(unmapping);
            memory.disarm();
            assertThat(refused).isEqualTo(RestoreResult.QUARANTINED);
            quarantine.retry();
            assertThat(space.statistics().quarantinedBytes()).isZero();
            inside(space).giveBack().settle(unmapping, refused);
            registry.unaccount(unmapping.length());
            unmapping.over();
        }
        assertThat(quarantine.isEmpty()).isTrue();
        assertWorks();
        before.assertUnchanged(space, directory);
    }

    @ParameterizedTest
    @MethodSource("faults")
    void close(final int errno, final Damage damage) {
        for (int n = 1; n < MANY; n++) {
            final long base = inside(space).base();
            for (int i = 0; i < 3; i++) {
                put(space.map(1 << 20), 0, 7);
                space.map(FileBacking.readWrite(data).growableTo(1 << 20));
                space.map(FileBacking.copyOnWrite(data));
            }
            final long faults = memory.faults();
            memory.arm(FaultTest::isNoClose, n, n, errno, damage);
            space.close();
            memory.disarm();
            final boolean done = memory.faults() == faults;
            assertThat(space.isOpen()).isFalse();
            space = configure(AddressSpace.builder().name("test").idleStrategy(idle)).open();
            assertThat(inside(space).base()).as("call " + n).isEqualTo(base);
            final SpaceStatistics statistics = space.statistics();
            assertThat(statistics.recordsInUse()).as("records, call " + n).isZero();
            assertThat(statistics.quarantinedBytes()).isZero();
            assertThat(statistics.lostBytes()).isZero();
            assertThat(Resources.mappings(directory)).isZero();
            assertThat(Resources.descriptors(directory)).isZero();
            assertWorks();
            final Region whole = space.map(space.capacity());
            whole.unmap();
            if (done) {
                return;
            }
        }
    }

    /** G9: a record that is given back twice would be two regions' later. */
    @Test
    void aRecordMustBeGivenBackOnceWhereTheHeapEndsBehindThat() throws Exception {
        final class Emptied extends ConcurrentLinkedQueue<PendingUnmap> {
            private static final long serialVersionUID = 1;
            private final AtomicBoolean asked = new AtomicBoolean();

            @Override
            public boolean isEmpty() {
                return asked.get();
            }

            @Override
            public @Nullable PendingUnmap peek() {
                if (asked.getAndSet(true)) {
                    return null;
                }
                throw new OutOfMemoryError("on purpose");
            }
        }

        final Field field = Quarantine.class.getDeclaredField("restored");
        field.setAccessible(true);
        final Region region = space.map(FileBacking.copyOnWrite(data));
        final StripedRetireList records = inside(space).core().retiredRecords();
        final long before = records.pending();
        field.set(inside(space).core().quarantine(), new Emptied());
        assertThatThrownBy(region::unmap).isInstanceOf(OutOfMemoryError.class);
        while (space.statistics().regions() > 0) { // counted until the reclaimer has given it back
            Thread.onSpinWait();
        }
        assertThat(records.pending()).isEqualTo(before + 1);
    }

    /** The next retry finds it where it was. */
    @Test
    void anUnmapMustNotBeLostWhereTheHeapEndsWhileItIsTakenOutOfQuarantine() {
        final Region file = space.map(FileBacking.readWrite(data));
        final long address = file.address();
        final StripedRetireList records = inside(space).core().retiredRecords();
        final long before = records.pending();
        memory.failNth(NativeCall.MMAP, 1, ENOMEM, Damage.NONE);
        file.unmap();
        memory.afterDamage(() -> {
            throw new OutOfMemoryError("on purpose");
        });
        memory.failNth(NativeCall.CLOSE, 1, EINVAL, Damage.NONE);
        assertThatThrownBy(inside(space).core().quarantine()::retry).isInstanceOf(OutOfMemoryError.class);
        memory.disarm();
        inside(space).core().quarantine().retry();
        assertThat(records.pending()).isEqualTo(before + 1);
        assertThat(Resources.descriptors(directory)).isZero();
        space.map(MapRequest.anonymous(1).at(address)).unmap();
    }

    /** G9: the virtual machine makes objects on the way into a native call, so heap and stack may end there. */
    @Test
    void aFileThatCouldNotBeClosedForWantOfHeapMustBeClosedInTheBackground() {
        final Region file = space.map(FileBacking.readWrite(data));
        memory.afterDamage(() -> {
            throw new OutOfMemoryError("on purpose");
        });
        memory.failNth(NativeCall.CLOSE, 1, EINVAL, Damage.NONE);
        assertThatThrownBy(file::unmap).isInstanceOf(OutOfMemoryError.class);
        while (space.statistics().regions() > 0) { // counted until the reclaimer has given it back
            Thread.onSpinWait();
        }
        assertThat(Resources.descriptors(directory)).isZero();
    }

    /** What had to be mended, and what the kernel did not take back, can be seen. */
    @Test
    void repairsAndStrandedMappingsMustBeCounted() {
        memory.arm(call -> call.kind() == NativeCall.MMAP, 1, 1, ENOMEM, Damage.HOLE);
        assertThatThrownBy(() -> space.map(FileBacking.readOnly(data))).isInstanceOf(MappingException.class);
        assertThat(space.statistics().repairs()).isEqualTo(1);
        assertThat(space.statistics().strandedBytes()).isZero();
        memory.arm(call -> call.kind() == NativeCall.MREMAP || call.kind() == NativeCall.MUNMAP, 1, 2, ENOMEM, Damage.NONE);
        assertThatThrownBy(() -> space.map(FileBacking.copyOnWrite(data))).isInstanceOf(MappingException.class);
        memory.disarm();
        assertThat(space.statistics().strandedBytes()).isEqualTo((20_000 + PAGE - 1) / PAGE * PAGE);
        space.map(FileBacking.copyOnWrite(data)).unmap();
        assertThat(space.statistics().strandedBytes()).isZero();
        assertThat(space.statistics().repairs()).isEqualTo(1);
    }

    /** A close that gives up for want of a barrier can be called again. */
    @Test
    void aCloseWhoseBarrierFailsMustBeGoneOnWith() throws Exception {
        space.map(FileBacking.readWrite(data).growableTo(1 << 20));
        put(space.map(1 << 20), 0, 7);
        boolean thrown = false;
        try (Threads.Holder light = Threads.hold(() -> {
            for (int i = 0; i < MANY; i++) {
                space.pin().close();
            }
            return () -> { };
        })) {
            assertThat(light.thread().isAlive()).isTrue();
            memory.failFrom(NativeCall.MEMBARRIER, 1, EINVAL, Damage.NONE);
            space.close();
        } catch (final IllegalStateException e) {
            thrown = true;
            assertThat(e).hasMessageContaining("membarrier failed");
            assertThat(space.isOpen()).isFalse();
            memory.disarm();
            space.close();
        }
        assertThat(thrown).as("the barrier failed").isEqualTo(space.barrier() == Barrier.MEMBARRIER);
        assertNothingLeft(space, directory);
    }

    @ParameterizedTest
    @MethodSource("operationsThatClose")
    void failingCloseOfADescriptorMustFailNothing(final FileBacking.Access access, final boolean growable) {
        final FileBacking backing = switch (access) {
            case READ_ONLY -> FileBacking.readOnly(data);
            case READ_WRITE -> growable ? FileBacking.readWrite(data).growableTo(1 << 20) : FileBacking.readWrite(data);
            case COPY_ON_WRITE -> FileBacking.copyOnWrite(data);
        };
        final Resources before = Resources.of(space, directory);
        final long faults = memory.faults();
        memory.failFrom(NativeCall.CLOSE, 1, EIO, Damage.DONE);
        final Region region = space.map(backing);
        try (Guard guard = region.share()) {
            assertBytesOf(guard.segment(), 0);
        }
        region.unmap();
        memory.disarm();
        assertThat(memory.faults()).isGreaterThan(faults);
        before.assertUnchanged(space, directory);
    }

    static Stream<Arguments> operationsThatClose() {
        return Stream.of(Arguments.of(FileBacking.Access.READ_ONLY, false),
            Arguments.of(FileBacking.Access.READ_WRITE, false), Arguments.of(FileBacking.Access.READ_WRITE, true),
            Arguments.of(FileBacking.Access.COPY_ON_WRITE, false));
    }
}
