// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import io.holdfast.memory.NativeMemory;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The writer's half of the asymmetric barrier: when {@link #run()} returns, every thread of the process has passed a
 * full memory barrier at some point since it was called, or, in the fence flavour, the caller has.
 *
 * <p>Thread-safe. Callers that arrive while a barrier is in flight share the next one; one that has waited for a while
 * issues its own, so a stalled thread delays nobody for long.
 */
final class HeavyBarrier {
    /*
     * Tickets. A barrier that *starts* after a caller arrived serves it; one that was already running may have passed
     * some processor too early. STARTED counts barriers begun, FINISHED those done. A caller that reads STARTED = s on
     * arrival is served once FINISHED >= s + 1, because barrier s + 1 starts after that read.
     *
     * [B1] The read of STARTED is volatile and follows the caller's detaching or excluding read-modify-write, so the
     *      write of STARTED that it did not see, and the system call behind it, come after that read-modify-write.
     * [B2] FINISHED is written after the system call and read with volatile access: who sees it may scan the slots.
     */
    private static final int QUERY = 0;
    private static final int GLOBAL = 1;
    private static final int PRIVATE_EXPEDITED = 1 << 3;
    private static final int REGISTER_PRIVATE_EXPEDITED = 1 << 4;
    private static final int PATIENCE = 4096;

    private static final VarHandle BUSY = field();

    private final NativeMemory memory;
    private final BarrierFlavour flavour;
    private final int patience;
    private volatile long started;
    private volatile long finished;
    @SuppressWarnings("UnusedVariable") // read through BUSY
    private volatile boolean busy;

    HeavyBarrier(final NativeMemory memory, final BarrierFlavour flavour) {
        this(memory, flavour, PATIENCE);
    }

    /**
     * A barrier whose callers wait for another's before they issue their own.
     *
     * @param patience how many looks a caller waits
     */
    HeavyBarrier(final NativeMemory memory, final BarrierFlavour flavour, final int patience) {
        this.memory = memory;
        this.flavour = flavour;
        this.patience = patience;
    }

    /** Whether the system offers the expedited barrier to this process; registers the process for it if so. */
    static boolean register(final NativeMemory memory) {
        final int offered = memory.membarrier(QUERY);
        final int needed = PRIVATE_EXPEDITED | REGISTER_PRIVATE_EXPEDITED;
        return offered >= 0 && (offered & needed) == needed && memory.membarrier(REGISTER_PRIVATE_EXPEDITED) == 0;
    }

    BarrierFlavour flavour() {
        return flavour;
    }

    void run() {
        VarHandle.fullFence();
        if (flavour == BarrierFlavour.FENCE) {
            return;
        }
        final long needed = started + 1; // [B1]
        int spins = 0;
        while (finished < needed) { // [B2]
            if (BUSY.compareAndSet(this, false, true)) {
                lead();
            } else if (spins == patience) {
                issue();
                return;
            } else {
                spins++;
                Thread.onSpinWait();
            }
        }
    }

    private void lead() {
        try {
            final long ticket = started + 1;
            started = ticket;
            issue();
            finished = ticket;
        } finally {
            busy = false;
        }
    }

    private void issue() {
        final int result = memory.membarrier(PRIVATE_EXPEDITED);
        // The global form is slow but needs no registration, and without one of them no reclaiming would be sound.
        if (result < 0 && memory.membarrier(GLOBAL) < 0) {
            throw new IllegalStateException("membarrier failed: command=PRIVATE_EXPEDITED, errno=" + -result +
                "; the system took away a call that it had granted, start with -Dio.holdfast.barrier=fence");
        }
    }

    private static VarHandle field() {
        try {
            return MethodHandles.lookup().findVarHandle(HeavyBarrier.class, "busy", boolean.class)
                .withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
