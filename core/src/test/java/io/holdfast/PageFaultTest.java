// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Every call that an operation on pages makes fails once, with each error, before or after it has done its work: the
 * error is reported, no byte changes but those that were to be zeroed, and nothing is left (G9).
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
        return builder.memory(memory);
    }

    private static Map<String, Consumer<Region>> operations() {
        final Map<String, Consumer<Region>> all = new LinkedHashMap<>();
        all.put("advise", region -> region.advise(Advice.RANDOM));
        all.put("advise range", region -> region.advise(FROM, 1, Advice.COLD));
        all.put("lockInMemory", Region::lockInMemory);
        all.put("unlockFromMemory", Region::unlockFromMemory);
        all.put("populate", Region::populate);
        all.put("residentBytes", Region::residentBytes);
        all.put("residentBytes of the space", region -> region.space().residentBytes());
        all.put("force", Region::force);
        all.put("force range", region -> region.force(FROM, 1));
        all.put("readableBytes", Region::readableBytes);
        all.put("copyOut", region -> region.copyOut(0, MemorySegment.ofArray(new byte[LENGTH]), 0, LENGTH));
        return all;
    }

    private static void fill(final Region region) {
        try (Guard guard = region.exclusive()) {
            for (int i = 0; i < LENGTH; i++) {
                guard.segment().set(JAVA_BYTE, i, byteAt(i));
            }
        }
    }

    /** Bytes between FROM and TO may be zero where they were to be zeroed. */
    private static void check(final String what, final Region region, final boolean zeroing) {
        try (Guard guard = region.share()) {
            for (int i = 0; i < LENGTH; i++) {
                final byte found = guard.segment().get(JAVA_BYTE, i);
                if (found != byteAt(i) && !(zeroing && found == 0 && i >= FROM && i < TO)) {
                    assertThat(found).as(what + ", byte " + i).isEqualTo(byteAt(i));
                }
            }
        }
    }

    /** Lets the operation fail at each of its calls, in each way; the number of faults. */
    private long failEveryCall(final String name, final Region region, final Consumer<Region> operation,
                               final boolean zeroing) {
        final long faults = memory.faults();
        for (final int errno : ERRORS) {
            for (final Damage damage : new Damage[] {Damage.NONE, Damage.DONE}) {
                for (int n = 1; failCall(n, errno, damage, region, operation); n++) {
                    assertThat(n).as(name).isLessThan(MANY);
                    check(name + ", call " + n + ", errno " + errno, region, zeroing);
                    if (zeroing) {
                        fill(region);
                    }
                }
            }
        }
        return memory.faults() - faults;
    }

    private boolean failCall(final int n, final int errno, final Damage damage, final Region region,
                             final Consumer<Region> operation) {
        final long faults = memory.faults();
        memory.arm(call -> call.kind() != NativeCall.MEMBARRIER, n, n, errno, damage);
        try {
            operation.accept(region);
        } catch (final MappingException | UncheckedIOException e) {
            assertThat(e.getMessage()).contains("errno=" + errno);
        } finally {
            memory.disarm();
        }
        assertThat(region.isMapped()).isTrue();
        return memory.faults() != faults;
    }

    private void failEveryOperation(final MapRequest request, final Map<String, Consumer<Region>> zeroing,
                                    final String... withoutCalls) {
        space.map(request).unmap(); // what is made once is there
        final Resources before = Resources.of(space, directory);
        final Region region = space.map(request);
        fill(region);
        operations().forEach((name, operation) -> {
            final long faults = failEveryCall(name, region, operation, false);
            if (!name.startsWith("copyOut") && !name.startsWith("readable")) {
                assertThat(faults == 0).as(name).isEqualTo(List.of(withoutCalls).contains(name));
            }
        });
        zeroing.forEach((name, operation) ->
            assertThat(failEveryCall(name, region, operation, true)).as(name).isPositive());
        region.unmap();
        before.assertUnchanged(space, directory);
    }

    @Test
    void everyFailingCallOnAnonymousPagesMustBeReported() {
        failEveryOperation(MapRequest.anonymous(LENGTH),
            Map.of("discard", region -> region.discard(FROM, TO - FROM)), "force", "force range");
    }

    @Test
    void everyFailingCallOnPagesOfAFileMustBeReported() {
        failEveryOperation(MapRequest.file(FileBacking.readWrite(file("data", LENGTH))),
            Map.of("punchHole", region -> region.punchHole(FROM, TO - FROM)));
    }

    @Test
    void everyFailingCallOnPrivatePagesOfAFileMustBeReported() {
        failEveryOperation(MapRequest.file(FileBacking.copyOnWrite(file("data", LENGTH))), Map.of(), "force",
            "force range");
    }
}
