// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/** Locks everything that the process maps, now and later, in memory: what some servers do at their start. */
public final class ProcessLock {
    private static final int CURRENT_AND_FUTURE = 3;

    private ProcessLock() {
    }

    /** Whether the system allowed it. */
    @SuppressWarnings("restricted")
    public static boolean lockAll() {
        final Linker linker = Linker.nativeLinker();
        try {
            return (int) linker.downcallHandle(linker.defaultLookup().findOrThrow("mlockall"),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT)).invokeExact(CURRENT_AND_FUTURE) == 0;
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }
}
