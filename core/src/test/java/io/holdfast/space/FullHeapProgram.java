// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import com.sun.management.ThreadMXBean;
import io.holdfast.space.OperationTable.Operation;
import io.holdfast.space.ScarceOperation.Outcome;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryUsage;
import org.jspecify.annotations.Nullable;

/**
 * Does operations while the heap has room for k bytes, from none up to where they succeed: {@code attempts}, for each
 * public method, shared by its rows. Prints what is wrong, and how often an operation was refused; ends with 1 if
 * anything is.
 *
 * <p>Needs a small heap of two generations, in which every full collection leaves the old one without a gap, soft
 * references are worth nothing, and objects come from the heap one by one: what {@link FullHeapTest} starts it with.
 */
final class FullHeapProgram extends ScarceProgram {
    private static final int GRAIN = 8;
    private static final int HEADER = 16; // of an array of bytes
    private static final int USAGE_BYTES = 48; // the last object before the heap is full: MemoryUsage
    private static final long ALL = Long.MAX_VALUE;
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final MemoryPoolMXBean YOUNG = pool("Eden");
    private static final MemoryPoolMXBean OLD = pool("Tenured");
    private static byte @Nullable [] old;
    private static byte @Nullable [] young;

    private long allocated;

    private FullHeapProgram(final Operation operation) throws Exception {
        super(operation);
    }

    private static MemoryPoolMXBean pool(final String name) {
        return ManagementFactory.getMemoryPoolMXBeans().stream().filter(pool -> pool.getName().startsWith(name))
            .findFirst().orElseThrow();
    }

    public static void main(final String[] args) throws Exception {
        tryAll(Integer.parseInt(args[0]), "refused", FullHeapProgram::new);
    }

    @Override
    void tryEach(final int most) throws Exception {
        attempt(ALL);
        new Narrowing(GRAIN).from(allocated, most, this::attempt);
    }

    /** How far the operation came: the bytes that its thread was given. */
    private long attempt(final long room) throws Exception {
        attempted();
        final Outcome outcome = operation.attempt(action -> {
            if (room != ALL) {
                fill(room);
            }
            final long before = THREADS.getCurrentThreadAllocatedBytes();
            try {
                action.run();
                return null;
            } catch (final Throwable e) {
                return e;
            } finally {
                allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
                old = null;
                young = null;
            }
        });
        final Throwable failure = outcome.failure();
        final String trouble = failure == null || failure instanceof OutOfMemoryError ? outcome.wrong()
            : outcome.wrong() + ", thrown " + failure;
        if (trouble != null) {
            show("with room for " + room + " bytes, after " + failure + ": " + trouble);
            if (failure != null && isShown()) {
                failure.printStackTrace(System.out);
            }
        }
        if (failure == null) {
            return Narrowing.SUCCESS;
        }
        refused();
        return allocated;
    }

    /** Leaves room for a number of bytes; once more if another thread of the JVM took some of them meanwhile. */
    private static void fill(final long room) {
        while (true) {
            try {
                System.gc(); // everything is in the old generation
                old = new byte[(int) (free(OLD) - HEADER)];
                young = new byte[(int) (free(YOUNG) - USAGE_BYTES - HEADER - room)];
                return;
            } catch (final OutOfMemoryError e) {
                old = null;
                young = null;
            }
        }
    }

    private static long free(final MemoryPoolMXBean pool) {
        final MemoryUsage usage = pool.getUsage();
        return usage.getMax() - usage.getUsed();
    }
}
