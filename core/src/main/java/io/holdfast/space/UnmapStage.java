// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;

/**
 * What a user gets who unmaps in the background. What depends on it may wait, even for another unmap, so the space's own
 * thread, on which all unmaps depend, does not run it: it leaves that to a virtual thread. It does so only if something
 * depends on the stage, since most users forget it, and a thread for each would cost as much as its unmap.
 *
 * <p>Thread-safe. Completes once, without a result.
 */
final class UnmapStage extends CompletableFuture<Void> {
    /*
     * FORGOTTEN  nothing depends on it    the space's own thread -> ENDING; who is about to depend on it -> USED
     * USED       something does, or may   a virtual thread completes it
     * ENDING     it is being completed    the space's own thread -> ENDED, in a few instructions
     * ENDED      it is complete           who depends on it now runs its action itself
     *
     * Each method of a stage that adds an action asks for a new future before it adds it, and is seen there
     * (newIncompleteFuture); a thread that waits adds nothing that runs. One compare-and-set decides between the two sides.
     * Who comes while the stage is ENDING waits, since what it added could still be taken up by the thread that completes.
     * If that thread stopped there for ever, no unmap of the space would end either.
     */
    private static final int FORGOTTEN = 0;
    private static final int USED = 1;
    private static final int ENDING = 2;
    private static final int ENDED = 3;
    private static final VarHandle STATE;

    static {
        try {
            STATE = MethodHandles.lookup().findVarHandle(UnmapStage.class, "state", int.class).withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private final BooleanSupplier inOwnThread;
    private volatile int state = FORGOTTEN;

    /**
     * For an unmap that is going to be announced.
     *
     * @param inOwnThread whether the current thread is the space's own one
     */
    UnmapStage(final BooleanSupplier inOwnThread) {
        this.inOwnThread = inOwnThread;
    }

    /** The memory has been given back. */
    void end() {
        if (!inOwnThread.getAsBoolean()) {
            super.complete(null);
        } else if (STATE.compareAndSet(this, FORGOTTEN, ENDING)) {
            try {
                super.complete(null);
            } finally {
                state = ENDED; // no call: it comes to pass also where the stack has ended
            }
        } else {
            endElsewhere();
        }
    }

    private void endElsewhere() {
        try {
            Thread.startVirtualThread(() -> super.complete(null));
        } catch (final Throwable e) { // no memory for it, or none for its scheduler, which rejects it then
            super.complete(null); // rather here than never
        }
    }

    @Override
    public <U> CompletableFuture<U> newIncompleteFuture() {
        if (!STATE.compareAndSet(this, FORGOTTEN, USED) && state == ENDING && !inOwnThread.getAsBoolean()) {
            awaitEnd();
        }
        return new CompletableFuture<>();
    }

    private void awaitEnd() {
        final IdleStrategy idle = new BackoffIdleStrategy();
        while (state == ENDING) {
            idle.idle();
        }
    }

    /** A future of its own for each caller, who may complete it. */
    @Override
    public CompletableFuture<Void> toCompletableFuture() {
        return copy();
    }

    /** The same for a stage, which would be added to this one without asking for a new future. */
    @Override
    public CompletionStage<Void> minimalCompletionStage() {
        return copy();
    }

    // What others see of the stage is a CompletionStage; who casts it must not end it for all.

    @Override
    public boolean complete(final Void none) {
        throw refused();
    }

    @Override
    public boolean completeExceptionally(final Throwable failure) {
        throw refused();
    }

    @Override
    public boolean cancel(final boolean mayInterrupt) {
        throw refused();
    }

    @Override
    public void obtrudeValue(final Void none) {
        throw refused();
    }

    @Override
    public void obtrudeException(final Throwable failure) {
        throw refused();
    }

    @Override
    public CompletableFuture<Void> completeAsync(final Supplier<? extends Void> supplier, final Executor executor) {
        throw refused();
    }

    @Override
    public CompletableFuture<Void> orTimeout(final long timeout, final TimeUnit unit) {
        throw refused();
    }

    @Override
    public CompletableFuture<Void> completeOnTimeout(final Void none, final long timeout, final TimeUnit unit) {
        throw refused();
    }

    private static UnsupportedOperationException refused() {
        return new UnsupportedOperationException("only the space completes this stage; use toCompletableFuture()");
    }
}
