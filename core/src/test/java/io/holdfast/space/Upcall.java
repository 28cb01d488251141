// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

/** Work that a native function calls back while a segment has been handed to it, so that its arena cannot be closed. */
@SuppressWarnings("restricted")
final class Upcall {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final MethodHandle QSORT = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("qsort"),
        FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS));

    private final Runnable work;

    private Upcall(final Runnable work) {
        this.work = work;
    }

    /** Does the work while the first two bytes of a segment are being sorted. Throws nothing of what the work throws. */
    static void inside(final MemorySegment segment, final Runnable work) {
        try (Arena arena = Arena.ofConfined()) {
            final MethodHandle compare = MethodHandles.lookup()
                .bind(new Upcall(work), "compare",
                    MethodType.methodType(int.class, MemorySegment.class, MemorySegment.class));
            final MemorySegment stub =
                LINKER.upcallStub(compare, FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS), arena);
            QSORT.invokeExact(segment, 2L, 1L, stub);
        } catch (final Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @SuppressWarnings("unused") // called by qsort
    int compare(final MemorySegment one, final MemorySegment other) {
        work.run();
        return 0;
    }
}
