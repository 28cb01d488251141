// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Other threads of a test. */
final class Threads {
    static final long PATIENCE_S = 60;

    private Threads() {
    }

    /** Work that a thread does, and what came of it. */
    static final class Work<T> {
        private final Thread thread;
        private final CompletableFuture<T> result = new CompletableFuture<>();

        private Work(final Callable<T> work, final boolean virtual) {
            final Runnable body = () -> {
                try {
                    result.complete(work.call());
                } catch (final Throwable e) {
                    result.completeExceptionally(e);
                }
            };
            thread = virtual ? Thread.ofVirtual().name("other").unstarted(body)
                : Thread.ofPlatform().daemon().name("other").unstarted(body);
            thread.start();
        }

        Thread thread() {
            return thread;
        }

        boolean isDone() {
            return result.isDone();
        }

        T get() throws Exception {
            try {
                final T value = result.get(PATIENCE_S, TimeUnit.SECONDS);
                thread.join();
                return value;
            } catch (final ExecutionException e) {
                thread.join();
                if (e.getCause() instanceof final Error error) {
                    throw error;
                }
                throw (Exception) e.getCause();
            }
        }
    }

    /** Starts a platform thread. */
    static <T> Work<T> start(final Callable<T> work) {
        return new Work<>(work, false);
    }

    /** Starts a virtual thread. */
    static <T> Work<T> startVirtual(final Callable<T> work) {
        return new Work<>(work, true);
    }

    /** Does work in another platform thread and waits for it. */
    static <T> T run(final Callable<T> work) throws Exception {
        return start(work).get();
    }

    /** Does work in another platform thread and waits for it. */
    static void run(final Task work) throws Exception {
        start(() -> {
            work.run();
            return true;
        }).get();
    }

    /** Work without a result. */
    interface Task {
        void run() throws Exception;
    }

    /** Another thread that holds something until it is told to let it go. */
    static final class Holder implements AutoCloseable {
        private final CountDownLatch release = new CountDownLatch(1);
        private final Work<Boolean> work;

        private Holder(final Callable<? extends AutoCloseable> acquire, final boolean virtual) {
            final CountDownLatch acquired = new CountDownLatch(1);
            work = new Work<>(() -> {
                try (AutoCloseable _ = acquire.call()) {
                    acquired.countDown();
                    release.await();
                } finally {
                    acquired.countDown();
                }
                return true;
            }, virtual);
            try {
                acquired.await();
            } catch (final InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }

        Thread thread() {
            return work.thread();
        }

        @Override
        public void close() throws Exception {
            release.countDown();
            work.get();
        }
    }

    /** A platform thread that holds what it acquires until the holder is closed; returns when it holds it. */
    static Holder hold(final Callable<? extends AutoCloseable> acquire) {
        return new Holder(acquire, false);
    }

    /** A virtual thread that holds what it acquires until the holder is closed; returns when it holds it. */
    static Holder holdVirtually(final Callable<? extends AutoCloseable> acquire) {
        return new Holder(acquire, true);
    }
}
