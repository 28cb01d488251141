// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** In which thread runs what depends on an unmap: never in the one on which all unmaps depend (G3). */
class UnmapStageTest {
    private static final int RACES = 5_000;
    private static final int MOST_SPINS = 50;

    /** Each way to depend on a stage, or on one of two. */
    private enum Way {
        RUN((stage, action) -> stage.thenRun(action)),
        ACCEPT((stage, action) -> stage.thenAccept(none -> action.run())),
        APPLY((stage, action) -> stage.thenApply(none -> ran(action))),
        COMPOSE((stage, action) -> stage.thenCompose(none -> ran(action))),
        HANDLE((stage, action) -> stage.handle((none, failure) -> ran(action))),
        WHEN_COMPLETE((stage, action) -> stage.whenComplete((none, failure) -> action.run())),
        BEHIND_EXCEPTIONALLY((stage, action) -> stage.exceptionally(failure -> null).thenRun(action)),
        BOTH((stage, action) -> stage.runAfterBoth(done(), action)),
        BOTH_OF_ANOTHER((stage, action) -> done().runAfterBoth(stage, action)),
        COMBINE((stage, action) -> stage.thenCombine(done(), (none, other) -> ran(action))),
        EITHER((stage, action) -> stage.runAfterEither(never(), action)),
        EITHER_OF_ANOTHER((stage, action) -> never().runAfterEither(stage, action)),
        INSIDE_OF_ANOTHER((stage, action) -> done().thenCompose(none -> stage).thenRun(action)),
        FUTURE((stage, action) -> stage.toCompletableFuture().thenRun(action)),
        MINIMAL((stage, action) -> ((CompletableFuture<Void>) stage).minimalCompletionStage().thenRun(action)),
        ALL((stage, action) -> CompletableFuture.allOf(stage.toCompletableFuture(), done()).thenRun(action));

        private final Adding adding;

        Way(final Adding adding) {
            this.adding = adding;
        }

        private static CompletableFuture<Void> ran(final Runnable action) {
            action.run();
            return done();
        }

        private static CompletableFuture<Void> done() {
            return CompletableFuture.completedFuture(null);
        }

        private static CompletableFuture<Void> never() {
            return new CompletableFuture<>();
        }
    }

    @FunctionalInterface
    private interface Adding {
        CompletionStage<?> add(CompletionStage<Void> stage, Runnable action);
    }

    private final AtomicReference<Thread> own = new AtomicReference<>(Thread.currentThread());
    private final AtomicReference<Thread> ran = new AtomicReference<>();
    private final UnmapStage stage = stage();

    private UnmapStage stage() {
        return new UnmapStage(() -> Thread.currentThread().equals(own.get()));
    }

    private void note() {
        ran.set(Thread.currentThread());
    }

    @ParameterizedTest
    @EnumSource
    void theSpacesOwnThreadMustRunNothingThatDependsOnTheStage(final Way way) throws Exception {
        final CompletionStage<?> then = way.adding.add(stage, this::note);
        stage.end();
        then.toCompletableFuture().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        assertThat(ran.get().isVirtual()).isTrue();
    }

    @ParameterizedTest
    @EnumSource
    void whoeverComesLaterMustRunItItself(final Way way) {
        stage.end();
        assertThat(way.adding.add(stage, this::note).toCompletableFuture()).isDone();
        assertThat(ran.get()).isSameAs(Thread.currentThread());
    }

    @Test
    void forgottenStageMustBeCompletedWithoutAnotherThread() {
        stage.end();
        assertThat(stage.isDone()).isTrue();
    }

    @Test
    void anotherThreadThatHasGivenTheMemoryBackMustRunWhatDependsOnIt() {
        own.set(null);
        stage.thenRun(this::note);
        stage.end();
        assertThat(ran.get()).isSameAs(Thread.currentThread());
    }

    @Test
    void whoCompletesItsFutureMustNotEndTheStageForOthers() {
        final CompletableFuture<Void> mine = stage.toCompletableFuture();
        assertThat(mine.complete(null)).isTrue();
        assertThat(stage.isDone()).isFalse();
        assertThat(stage.toCompletableFuture().isDone()).isFalse();
    }

    @Test
    void whoCastsTheStageMustNotEndIt() {
        final List<Runnable> ends = List.of(() -> stage.complete(null), () -> stage.cancel(true),
            () -> stage.completeExceptionally(new IllegalStateException()), () -> stage.obtrudeValue(null),
            () -> stage.obtrudeException(new IllegalStateException()), () -> stage.completeAsync(() -> null),
            () -> stage.orTimeout(1, TimeUnit.DAYS), () -> stage.completeOnTimeout(null, 1, TimeUnit.DAYS));
        assertThat(ends).allSatisfy(end -> assertThatThrownBy(end::run).isInstanceOf(UnsupportedOperationException.class));
        assertThat(stage.isDone()).isFalse();
    }

    /** Both sides begin at about the same time, until each has been the first often enough. */
    @Test
    void whatIsAddedWhileTheStageEndsMustNotRunInTheSpacesOwnThread() throws Exception {
        final AtomicReference<UnmapStage> offered = new AtomicReference<>();
        final Threads.Work<Integer> adding = Threads.start(() -> addUntilBothHaveBeenFirst(offered));
        final SplittableRandom random = new SplittableRandom(1);
        while (!adding.isDone()) {
            final UnmapStage raced = stage();
            offered.set(raced);
            spin(random);
            raced.end();
            while (offered.get() != null && !adding.isDone()) {
                Thread.onSpinWait();
            }
        }
        assertThat(adding.get()).as("actions that the space's own thread has run").isZero();
    }

    private int addUntilBothHaveBeenFirst(final AtomicReference<UnmapStage> offered) throws Exception {
        final SplittableRandom random = new SplittableRandom(2);
        int here = 0;
        int virtual = 0;
        while (here < RACES || virtual < RACES) {
            final UnmapStage raced = offered.get();
            if (raced == null) {
                Thread.onSpinWait();
                continue;
            }
            spin(random);
            raced.thenRun(this::note).toCompletableFuture().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
            final Thread by = ran.get();
            if (by.equals(own.get())) {
                return 1;
            }
            here += by.equals(Thread.currentThread()) ? 1 : 0;
            virtual += by.isVirtual() ? 1 : 0;
            offered.set(null);
        }
        return 0;
    }

    private static void spin(final SplittableRandom random) {
        for (int i = random.nextInt(MOST_SPINS); i > 0; i--) {
            Thread.onSpinWait();
        }
    }
}
