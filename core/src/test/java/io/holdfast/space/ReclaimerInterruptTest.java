// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.Guard;
import io.holdfast.Region;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The space's own thread belongs to nobody: what is done to threads of others does not end it (G7, G8). */
class ReclaimerInterruptTest extends SpaceFixture {
    private static final int INTERRUPTS = 100;

    private static Thread reclaimer() {
        return Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.isAlive() && thread.getName().equals("holdfast-reclaimer-test"))
            .findFirst().orElseThrow();
    }

    private CompletableFuture<Void> unmapInBackground() {
        return space.map(PAGE).unmapAsync().toCompletableFuture();
    }

    @Test
    void anInterruptMustNotEndTheReclaimer() throws Exception {
        unmapInBackground().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        final Thread thread = reclaimer();
        for (int i = 0; i < INTERRUPTS; i++) {
            final Region region = space.map(PAGE);
            final CompletableFuture<Void> waiting;
            try (Guard guard = region.share()) {
                assertThat(guard.segment().byteSize()).isEqualTo(PAGE);
                waiting = region.unmapAsync().toCompletableFuture();
                thread.interrupt(); // nobody announces anything behind it
            }
            waiting.get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        }
        assertThat(thread.isAlive()).isTrue();
        assertThat(reclaimer()).isSameAs(thread);
        space.close();
        thread.join(TimeUnit.SECONDS.toMillis(Threads.PATIENCE_S));
        assertThat(thread.isAlive()).isFalse();
    }

    @Test
    void theReclaimerMustInheritNothingFromWhoUnmapsFirst() throws Exception {
        final ThreadGroup group = new ThreadGroup("of an application");
        final ClassLoader loader = new ClassLoader("of an application", null) { };
        final Thread first = new Thread(group, this::unmapInBackground);
        first.setContextClassLoader(loader);
        first.start();
        first.join();
        unmapInBackground().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        final Thread thread = reclaimer();
        assertThat(group.parentOf(thread.getThreadGroup())).isFalse();
        assertThat(thread.getContextClassLoader()).isNotSameAs(loader);
        group.interrupt();
        unmapInBackground().get(Threads.PATIENCE_S, TimeUnit.SECONDS);
    }
}
