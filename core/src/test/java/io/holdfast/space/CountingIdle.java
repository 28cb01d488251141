// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.agrona.concurrent.IdleStrategy;

/** Idle strategies that count how often threads other than the reclaimer idle, so that a test knows of a waiter. */
final class CountingIdle implements Supplier<IdleStrategy> {
    private static final long PARK_NS = 20_000;

    private final AtomicLong idles = new AtomicLong();

    @Override
    public IdleStrategy get() {
        return new IdleStrategy() {
            @Override
            public void idle(final int workCount) {
                if (workCount <= 0) {
                    idle();
                }
            }

            @Override
            public void idle() {
                if (!Thread.currentThread().getName().startsWith("holdfast-reclaimer")) {
                    idles.incrementAndGet();
                }
                LockSupport.parkNanos(PARK_NS);
            }

            @Override
            public void reset() {
            }
        };
    }

    /** How often threads idled so far. */
    long idles() {
        return idles.get();
    }

    /** Returns when a thread has idled twice since the call: it has looked at what it waits for in between. */
    void awaitWaiter() {
        final long before = idles.get();
        while (idles.get() < before + 2) {
            Thread.onSpinWait();
        }
    }
}
