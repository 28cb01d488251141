// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Every call of an operation that zeroes a range from inside of a page to inside of another fails once, with each error,
 * before or after it has done its work: the error is reported, no byte changes but those that were to be zeroed, and none
 * at all before the first call has done anything (G9). {@link OperationFaultTest} has all others.
 */
class PageFaultTest extends SpaceFixture {
    private static final int LENGTH = 40_000;
    private static final int FROM = 100;
    private static final int TO = LENGTH - 100;
    private static final int MANY = 50;
    private static final int[] ERRORS = {Errno.ENOMEM, Errno.EAGAIN, Errno.EINVAL, Errno.EIO, Errno.EPERM};

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory);
    }

    private static void fill(final Region region) {
        try (Guard guard = region.exclusive()) {
            for (int i = 0; i < LENGTH; i++) {
                guard.segment().set(JAVA_BYTE, i, byteAt(i));
            }
        }
    }

    /** Bytes between FROM and TO may be zero. */
    private static void check(final String what, final Region region) {
        try (Guard guard = region.share()) {
            for (int i = 0; i < LENGTH; i++) {
                final byte found = guard.segment().get(JAVA_BYTE, i);
                if (found != byteAt(i) && !(found == 0 && i >= FROM && i < TO)) {
                    assertThat(found).as(what + ", byte " + i).isEqualTo(byteAt(i));
                }
            }
        }
    }

    /** Lets the operation fail at each of its calls, in each way. */
    private void failEveryCall(final MapRequest request, final Consumer<Region> operation) {
        final Region region = space.map(request);
        fill(region);
        final SpacePicture before = SpacePicture.of(space, directory);
        int failed = 0;
        for (final int errno : ERRORS) {
            for (final Damage damage : new Damage[] {Damage.NONE, Damage.DONE}) {
                for (int n = 1; failCall(n, errno, damage, region, operation); n++) {
                    failed++;
                    assertThat(n).isLessThan(MANY);
                    if (damage == Damage.NONE) {
                        before.assertUnchanged(space, directory);
                    }
                    check("call " + n + ", errno " + errno, region);
                }
            }
        }
        assertThat(failed).isPositive();
        fill(region);
        before.assertUnchanged(space, directory);
        region.unmap();
    }

    private boolean failCall(final int n, final int errno, final Damage damage, final Region region,
                             final Consumer<Region> operation) {
        fill(region);
        final long faults = memory.faults();
        memory.arm(call -> call.kind() != NativeCall.MEMBARRIER, n, n, errno, damage);
        try {
            operation.accept(region);
            assertThat(memory.faults()).as("an operation that returns").isEqualTo(faults);
        } catch (final MappingException e) {
            assertThat(e.getMessage()).contains("errno=" + errno);
        } finally {
            memory.disarm();
        }
        return memory.faults() != faults;
    }

    @Test
    void aFailingDiscardMustChangeNoByteBesideItsRange() {
        failEveryCall(MapRequest.anonymous(LENGTH), region -> region.discard(FROM, TO - FROM));
    }

    @Test
    void aFailingPunchMustChangeNoByteBesideItsRange() {
        failEveryCall(MapRequest.file(FileBacking.readWrite(file("data", LENGTH))),
            region -> region.punchHole(FROM, TO - FROM));
    }
}
