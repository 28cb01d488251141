// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Ends every wait of an operation at a timeout or an interrupt, for operations that have no timed form of
 * their own:
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="deadline"}
 *
 * <p>It applies to everything that the calling thread does with address spaces inside the operation: structural changes,
 * exclusive and shared locks, discarding, forcing, mapping, closing. Methods that take a timeout themselves, or never
 * wait, behave as usual, but never wait beyond the deadline.
 *
 * <p>Giving up leaves no trace (guarantee G11). An operation that has passed its point of no return does not give up: it
 * returns normally, and memory that it cannot give back in time is given back in the background; if the thread was
 * interrupted then, the interrupt is kept. A {@link Region#truncate} that cannot wait for the last reader of
 * the end of the file cuts it in the background as well.
 */
public final class Deadline {
    private static final ScopedValue<Deadline> CURRENT = ScopedValue.newInstance();

    private final long startNs;
    private final long timeoutNs;

    private Deadline(final long timeoutNs) {
        this.startNs = System.nanoTime();
        this.timeoutNs = timeoutNs;
    }

    /**
     * Runs an operation whose waits take no longer than a timeout in total. Inside another deadline, the earlier one
     * applies.
     *
     * @param <T>       type of the result
     * @param timeout   how long to wait at most, in all; 0 or less does not wait
     * @param unit      unit of the timeout
     * @param operation what to do; it runs in the calling thread
     * @return what the operation returned
     * @throws InterruptedException if the thread is interrupted on entry or while it waits
     * @throws TimeoutException     if the timeout expires
     */
    public static <T extends @Nullable Object> T within(final long timeout, final TimeUnit unit,
                                                        final Supplier<T> operation)
        throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException("interrupted before a timed operation began");
        }
        final long asked = unit.toNanos(timeout);
        final Deadline outer = current();
        final Deadline deadline = new Deadline(outer == null ? asked : Math.min(asked, outer.remainingNs()));
        try {
            return ScopedValue.where(CURRENT, deadline).call(operation::get);
        } catch (final GaveUpException e) {
            if (outer != null) {
                throw e; // the outermost one says so
            }
            if (e.isInterrupted()) {
                throw new InterruptedException(e.getMessage());
            }
            throw new TimeoutException(e.getMessage() + ", timeoutNs=" + asked);
        }
    }

    /**
     * Does the same for an operation that returns nothing.
     *
     * @param timeout   how long to wait at most, in all; 0 or less does not wait
     * @param unit      unit of the timeout
     * @param operation what to do; it runs in the calling thread
     * @throws InterruptedException if the thread is interrupted on entry or while it waits
     * @throws TimeoutException     if the timeout expires
     */
    public static void within(final long timeout, final TimeUnit unit, final Runnable operation)
        throws InterruptedException, TimeoutException {
        Deadline.<@Nullable Void>within(timeout, unit, () -> {
            operation.run();
            return null;
        });
    }

    /** {@return the deadline that the calling thread works under, null if it has none} */
    public static @Nullable Deadline current() {
        return CURRENT.isBound() ? CURRENT.get() : null;
    }

    /** {@return the nanoseconds that are left, not positive if there are none; {@link Long#MAX_VALUE} if it never ends} */
    public long remainingNs() {
        return timeoutNs == Long.MAX_VALUE ? Long.MAX_VALUE : timeoutNs - (System.nanoTime() - startNs);
    }
}
