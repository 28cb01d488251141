// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.IdleStrategy;
import org.agrona.concurrent.YieldingIdleStrategy;
import org.junit.jupiter.api.Test;

/** Who is told of what the space's own thread fails with, and that it goes on (G3). */
class ReclaimerErrorTest extends SpaceFixture {
    private final LinkedBlockingQueue<Throwable> told = new LinkedBlockingQueue<>();
    private volatile boolean fails;
    private volatile boolean starts = true;

    /** Fails in the space's own thread, when it is to. */
    private IdleStrategy strategy() {
        if (!starts) {
            throw new IllegalArgumentException("no strategy");
        }
        return new FailingIdle();
    }

    private final class FailingIdle implements IdleStrategy {
        private final IdleStrategy inner = YieldingIdleStrategy.INSTANCE;

        @Override
        public void idle(final int workCount) {
            if (fails && Thread.currentThread().getName().startsWith("holdfast-reclaimer")) {
                fails = false;
                throw new IllegalStateException("idle failed");
            }
            inner.idle(workCount);
        }

        @Override
        public void idle() {
            inner.idle();
        }

        @Override
        public void reset() {
            inner.reset();
        }
    }

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.idleStrategy(this::strategy).reportErrors(told::add);
    }

    private static void unmap(final AddressSpace space) {
        space.map(PAGE).unmapAsync().toCompletableFuture().join();
    }

    /** Lets the space's own thread fail, which may sleep until there is something to do. */
    private void fail(final AddressSpace space) {
        fails = true;
        space.map(PAGE).unmapAsync();
    }

    private Throwable next() throws InterruptedException {
        return told.poll(1, TimeUnit.MINUTES);
    }

    @Test
    void whatTheThreadFailsWithMustBeReportedAndTheThreadGoOn() throws Exception {
        unmap(space);
        fail(space);
        assertThat(next()).isInstanceOf(IllegalStateException.class).hasMessage("idle failed");
        unmap(space);
        assertThat(told).isEmpty();
    }

    @Test
    void aThreadThatCannotBeStartedMustBeReportedAndTriedAgain() throws Exception {
        starts = false;
        final Region region = space.map(PAGE);
        final var unmapped = region.unmapAsync().toCompletableFuture();
        assertThat(next()).isInstanceOf(IllegalStateException.class).hasMessageContaining("test")
            .hasRootCauseMessage("no strategy");
        starts = true;
        unmap(space);
        unmapped.join();
    }

    @Test
    void aHandlerThatFailsMustNotEndTheThread() throws Exception {
        final ErrorHandler failing = error -> {
            told.add(error);
            throw new IllegalArgumentException("handler failed");
        };
        try (AddressSpace other = AddressSpace.builder().capacity(1 << 24).idleStrategy(this::strategy)
            .reportErrors(failing).open()) {
            unmap(other);
            for (int i = 0; i < 3; i++) {
                fail(other);
                assertThat(next()).hasMessage("idle failed");
                unmap(other);
            }
        }
    }

    @Test
    void noHandlerMustBeRefused() {
        assertThatThrownBy(() -> AddressSpace.builder().reportErrors(null)).isInstanceOf(NullPointerException.class);
    }
}
