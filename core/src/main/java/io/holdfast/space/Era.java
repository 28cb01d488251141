// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import java.lang.foreign.Arena;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/** The life of the one shared arena through which all leases of a space read. Its state is under {@link Eras}' lock. */
final class Era {
    /** Nothing has ended the era yet. */
    static final long NEVER = Long.MAX_VALUE;

    private static final VarHandle OVER = field();
    /** What leases that were ended by themselves are of. */
    static final Era NONE = none();

    private final long number;
    private final Arena arena = Arena.ofShared();
    private boolean awaited;
    private long awaitedNs;
    private long endedNs = NEVER;
    private long dueNs;
    private boolean over; // its ending is written in volatile mode
    private boolean closing;
    private volatile boolean passed; // written under the lock
    private long bytes;

    Era(final long number) {
        this.number = number;
    }

    private static VarHandle field() {
        try {
            return MethodHandles.lookup().findVarHandle(Era.class, "over", boolean.class).withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static Era none() {
        final Era none = new Era(-1);
        none.over = true;
        return none;
    }

    long number() {
        return number;
    }

    Arena arena() {
        return arena;
    }

    /** Somebody waits for its end. */
    void awaited(final long nowNs) {
        if (!awaited) {
            awaited = true;
            awaitedNs = nowNs;
        }
    }

    boolean isAwaited() {
        return awaited;
    }

    /** Since when somebody waits for its end, if anybody does. */
    long awaitedNs() {
        return awaitedNs;
    }

    /** Whether anybody has waited so long for its end. */
    boolean isAwaitedFor(final long nowNs, final long ns) {
        return awaited && nowNs - awaitedNs >= ns;
    }

    /** Whether who waits for it need not look at it now. */
    boolean isPassed() {
        return passed;
    }

    void pass(final boolean by) {
        passed = by;
    }

    /** When its arena may be closed, if it has ended. */
    long dueNs() {
        return dueNs;
    }

    /** When it ended, {@link #NEVER} while it is the current one. */
    long endedNs() {
        return endedNs;
    }

    /** Whether the next one seems to have begun, by plain access: an old answer costs a read in this one, and no more. */
    boolean looksOver() {
        return over;
    }

    /** Whether the next one had not begun when everything that this thread has loaded was loaded [R8]. */
    boolean validate() {
        VarHandle.acquireFence();
        return !(boolean) OVER.getVolatile(this);
    }

    /** The next one has begun. */
    void end(final long nowNs, final long delayNs) {
        OVER.setVolatile(this, true); // [R8]
        endedNs = nowNs;
        dueNs = nowNs + delayNs;
    }

    /** Whether the caller, and nobody else, is to close the arena now. */
    boolean beginClose(final long nowNs) {
        final boolean mine = endedNs != NEVER && !closing && nowNs - dueNs >= 0;
        closing |= mine;
        return mine;
    }

    /** The close was refused; it is tried again after a delay. */
    void postpone(final long nowNs, final long delayNs) {
        closing = false;
        dueNs = nowNs + delayNs;
    }

    /** Bytes of the unmaps that were announced in this era and wait for it. */
    long bytes() {
        return bytes;
    }

    void addBytes(final long delta) {
        bytes += delta;
    }

    /**
     * Closes the arena, without a lock held: other threads may be long in coming.
     *
     * @return whether no thread is inside any more; never true again after it has thrown, see the last paragraph of
     *     docs/LOCKING.md, section 12
     */
    boolean close() {
        ReservedStack.forBeginning(number);
        return close(arena);
    }

    /** Closes a shared arena; false if somebody keeps it open, or it was closed by a call that threw. */
    static boolean close(final Arena arena) {
        try {
            arena.close();
            return true;
        } catch (final IllegalStateException e) {
            return false;
        }
    }
}
