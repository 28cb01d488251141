// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Platform threads that do something once and then nothing, until they are closed. */
final class IdleThreads implements AutoCloseable {
    private static final long STACK_BYTES = 128 << 10;

    private final CountDownLatch end = new CountDownLatch(1);
    private final List<Thread> threads = new ArrayList<>();

    IdleThreads(final int count, final Runnable first) throws InterruptedException {
        final CountDownLatch begun = new CountDownLatch(count);
        for (int i = 0; i < count; i++) {
            final Thread thread = Thread.ofPlatform().daemon().name("idle-" + i).stackSize(STACK_BYTES).unstarted(() -> {
                first.run();
                begun.countDown();
                try {
                    end.await();
                } catch (final InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            });
            thread.start();
            threads.add(thread);
        }
        begun.await();
    }

    @Override
    public void close() {
        end.countDown();
        for (final Thread thread : threads) {
            try {
                thread.join();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
