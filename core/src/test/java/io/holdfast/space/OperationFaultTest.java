// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MappingException;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.Region;
import io.holdfast.RegionInfo;
import io.holdfast.WriteSection;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Call;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import io.holdfast.space.OperationTable.Expected;
import io.holdfast.space.OperationTable.Operation;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * For every public operation and every n: the n-th call to the system fails with each error that it can have, before or
 * after its damage. An operation that throws leaves the space in every detail as it was; one that returns has happened,
 * and what the kernel did not take back is counted as quarantined until a retry (G9). The next round shows that
 * everything goes on working: it begins with the same picture, and ends with it.
 */
class OperationFaultTest extends SpaceFixture {
    private static final int MANY = 100;

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).capacity(256L << 20).startReclaimer(false);
    }

    /** What the operation is without faults. */
    private record Reference(SpacePicture before, SpacePicture after, List<Call> calls) {
    }

    static Stream<Operation> operations() {
        return OperationTable.all().stream();
    }

    /** Not barriers, and not pages of tables: whether those can be given back depends on what was done before. */
    private boolean counts(final Call call) {
        final long within = call.address() - inside(space).base();
        return call.kind() != NativeCall.MEMBARRIER &&
            (call.kind() != NativeCall.MADVISE || within >= 0 && within < space.capacity());
    }

    /** Errors that a call can have, as its manual page says, and those of limits and devices. */
    private static int[] errors(final NativeCall kind) {
        return switch (kind) {
            case MMAP -> new int[] {Errno.ENOMEM, Errno.EAGAIN, Errno.EACCES, Errno.EPERM, Errno.EINVAL, Errno.ENFILE};
            case MREMAP -> new int[] {Errno.ENOMEM, Errno.EAGAIN, Errno.EINVAL, Errno.EFAULT};
            case MUNMAP -> new int[] {Errno.ENOMEM, Errno.EINVAL};
            case MPROTECT -> new int[] {Errno.ENOMEM, Errno.EACCES, Errno.EINVAL};
            case MADVISE -> new int[] {Errno.ENOMEM, Errno.EAGAIN, Errno.EINVAL, Errno.EIO, Errno.EPERM, Errno.EACCES};
            case MSYNC -> new int[] {Errno.EIO, Errno.ENOMEM, Errno.EBUSY, Errno.ENOSPC};
            case MLOCK -> new int[] {Errno.ENOMEM, Errno.EAGAIN, Errno.EPERM};
            case MUNLOCK -> new int[] {Errno.ENOMEM, Errno.EPERM};
            case MINCORE -> new int[] {Errno.ENOMEM, Errno.EAGAIN};
            case MEMBARRIER -> new int[] {Errno.EPERM, Errno.ENOSYS, Errno.EINVAL, Errno.ENOMEM};
            case OPEN -> new int[] {Errno.EMFILE, Errno.ENFILE, Errno.EACCES, Errno.EPERM, Errno.EINTR, Errno.EIO,
                Errno.ENOSPC};
            case CLOSE -> new int[] {Errno.EIO, Errno.EINTR, Errno.ENOSPC};
            case STATX -> new int[] {Errno.ENOMEM, Errno.EACCES, Errno.EIO, Errno.EINTR};
            case FSTATFS -> new int[] {Errno.EIO, Errno.EINTR, Errno.ENOMEM, Errno.ENOSYS};
            case FTRUNCATE -> new int[] {Errno.EIO, Errno.EINTR, Errno.EPERM, Errno.EFBIG};
            case FALLOCATE -> new int[] {Errno.ENOSPC, Errno.EINTR, Errno.EIO, Errno.EPERM, Errno.EOPNOTSUPP};
            case PREAD, PWRITE -> new int[] {Errno.EIO, Errno.EINTR, Errno.ENOSPC};
        };
    }

    private static Damage[] damages(final NativeCall kind) {
        return switch (kind) {
            case MMAP, MREMAP -> new Damage[] {Damage.NONE, Damage.HOLE};
            case OPEN, MUNMAP -> new Damage[] {Damage.NONE};
            case CLOSE -> new Damage[] {Damage.DONE}; // a descriptor is gone whatever close reports
            default -> new Damage[] {Damage.NONE, Damage.DONE};
        };
    }

    private SpacePicture picture() {
        return SpacePicture.of(space, directory);
    }

    private Reference reference(final Operation operation) throws Exception {
        for (int i = 0; i < 2; i++) { // what is made once, and zones that grow, are there
            operation.body().run(world(), setUp(operation));
            finishInBackground();
            tearDown();
        }
        final List<Region> regions = setUp(operation);
        final SpacePicture before = picture();
        memory.record(true);
        operation.body().run(world(), regions);
        finishInBackground();
        memory.record(false);
        final SpacePicture after = picture();
        final List<Call> calls = memory.recorded().stream().filter(this::counts).toList();
        tearDown();
        assertThat(calls.isEmpty()).as("makes no calls: %s", operation)
            .isEqualTo(operation.expected() == Expected.WITHOUT_CALLS);
        return new Reference(before, after, calls);
    }

    private List<Region> setUp(final Operation operation) {
        return operation.world().apply(world());
    }

    private OperationTable.World world() {
        return new OperationTable.World(space, directory);
    }

    private void finishInBackground() throws Exception {
        for (int i = 0; i < MANY && space.statistics().backlogUnmaps() != 0; i++) {
            space.reclaimer().doWork();
        }
    }

    private void tearDown() throws Exception {
        for (final RegionInfo info : space.maps()) {
            final Region region;
            try (Pin pin = space.pin()) {
                region = Objects.requireNonNull(pin.find(info.address()));
            }
            region.unmap();
        }
        Resources.magazines(space).evictAll(); // the next one begins where this one did
    }

    @ParameterizedTest
    @MethodSource("operations")
    void anOperationMustHappenOrLeaveEverythingAsItWas(final Operation operation) throws Exception {
        final Reference reference = reference(operation);
        final List<String> failed = new ArrayList<>();
        for (int n = 1; n <= reference.calls.size(); n++) {
            final NativeCall kind = reference.calls.get(n - 1).kind();
            for (final int errno : errors(kind)) {
                for (final Damage damage : damages(kind)) {
                    final String what = operation + ", call " + n + ", " + kind.symbol() + ", errno " +
                        Errno.name(errno) + ", damage " + damage;
                    if (fail(operation, reference, new Fault(n, n, false, errno, damage), what)) {
                        failed.add(what);
                    }
                }
            }
        }
        assertThat(!failed.isEmpty()).as("failing calls that failed it: %s", failed)
            .isEqualTo(operation.expected() == Expected.FAILS);
        putBack();
    }

    /** Which calls fail, barriers or others, and how. */
    private record Fault(int first, int last, boolean barriers, int errno, Damage damage) {
    }

    /** One round; whether the operation threw. */
    private boolean fail(final Operation operation, final Reference reference, final Fault fault, final String what)
        throws Exception {
        final List<Region> regions = setUp(operation);
        assertThat(picture()).as("before %s", what).isEqualTo(reference.before);
        final long faults = memory.faults();
        memory.arm(call -> fault.barriers != counts(call), fault.first, fault.last, fault.errno, fault.damage);
        final Throwable failure = failure(operation, regions);
        memory.disarm();
        assertThat(memory.faults()).as("faults of %s", what).isGreaterThan(faults);
        finishInBackground();
        final SpacePicture now = settled(what);
        if (failure == null) {
            assertThat(now).as("after %s", what).isEqualTo(reference.after);
        } else {
            assertThat(failure).as(what).message().containsAnyOf("errno=" + fault.errno, "the system did not take back");
            assertThat(fault.barriers ? operation.isEither(now, reference.before, reference.after)
                : operation.isAllowed(now, reference.before, reference.after, fault.damage))
                .as("left by %s, which threw %s:%nnow    %s%nbefore %s%nafter  %s", what, failure, now, reference.before,
                    reference.after).isTrue();
        }
        tearDown();
        return failure != null;
    }

    private @Nullable Throwable failure(final Operation operation, final List<Region> regions) throws Exception {
        try {
            operation.body().run(world(), regions);
            return null;
        } catch (final MappingException | UncheckedIOException e) {
            return e;
        } catch (final IllegalStateException e) {
            if (String.valueOf(e.getMessage()).startsWith("membarrier failed")) {
                return e;
            }
            throw e;
        }
    }

    /** What there is when what the kernel did not take has been tried again: it has been counted until then. */
    private SpacePicture settled(final String what) {
        final SpacePicture first = picture();
        if (first.quarantined() == 0 && first.stranded() == 0) {
            return first;
        }
        inside(space).core().quarantine().retry();
        final SpacePicture now = picture();
        assertThat(now.quarantined() + now.stranded()).as("still not given back after %s", what).isZero();
        return now;
    }

    /** Under the flavour with membarriers, and with a thread for whose sake they are made. */
    @ParameterizedTest
    @MethodSource("operations")
    void aFailingBarrierMustBeReplacedOrLeaveEverythingAsItWas(final Operation operation) throws Exception {
        try (Threads.Holder light = Threads.hold(this::becomeLight)) {
            assertThat(light.thread().isAlive()).isTrue();
            final Reference reference = reference(operation);
            final long calls = memory.calls(NativeCall.MEMBARRIER);
            final List<Region> regions = setUp(operation);
            final long begun = memory.calls(NativeCall.MEMBARRIER);
            operation.body().run(world(), regions);
            finishInBackground();
            final long barriers = memory.calls(NativeCall.MEMBARRIER) - begun;
            tearDown();
            if (space.barrier() == Barrier.FENCE) {
                assertThat(memory.calls(NativeCall.MEMBARRIER)).isEqualTo(calls);
                return;
            }
            for (int n = 1; n <= barriers; n++) {
                for (final int errno : errors(NativeCall.MEMBARRIER)) {
                    final String what = operation + ", barrier " + n + ", errno " + Errno.name(errno);
                    assertThat(fail(operation, reference, new Fault(n, n, true, errno, Damage.NONE), what))
                        .as("the other kind of barrier has done it: %s", what).isFalse();
                }
                fail(operation, reference, new Fault(n, n + 1, true, Errno.EPERM, Damage.NONE),
                    operation + ", barrier " + n + ", both kinds");
            }
            putBack();
        }
    }

    /** Makes the thread one for whose sake writers run the barrier, for as long as it lives. */
    private AutoCloseable becomeLight() {
        for (int i = 0; i < 10 * MANY; i++) {
            space.pin().close();
        }
        return () -> { };
    }

    /** At the end all memory of the space can be had, and is zero. */
    private void putBack() throws Exception {
        finishInBackground();
        final Region whole = space.map(space.capacity());
        for (final long at : new long[] {0, 1 << 20, space.capacity() / 2, space.capacity() - 1}) {
            assertThat(whole.optimisticSegment().get(JAVA_BYTE, at)).isZero();
        }
        whole.unmap();
    }

    /** A new method has a row here or among the quiet ones, or is named as one that takes nothing. */
    @Test
    void everyPublicMethodMustHaveARow() {
        final Set<String> rows = Stream.of(OperationTable.all(), QuietOperations.all()).flatMap(List::stream)
            .map(Operation::method).collect(Collectors.toSet());
        final List<String> missing = new ArrayList<>();
        final List<String> unknown = new ArrayList<>(rows);
        for (final Class<?> type : List.of(AddressSpace.class, Region.class, WriteSection.class, ReadSection.class,
            Guard.class, Hold.class)) {
            for (final Method method : type.getMethods()) {
                final String name = type.getSimpleName() + "." + method.getName();
                unknown.remove(name);
                if (!Modifier.isStatic(method.getModifiers()) && method.getDeclaringClass() != Object.class &&
                    !rows.contains(name) && !OperationTable.WITHOUT_ROW.contains(name)) {
                    missing.add(name);
                }
            }
        }
        assertThat(missing).as("methods without a row").isEmpty();
        assertThat(unknown).as("rows of methods that are none").isEmpty();
    }
}
