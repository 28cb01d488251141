// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** Tells all threads of the job to end: the time is over, something failed, or somebody pressed Ctrl-C. */
final class StopSignal {
    private final CountDownLatch latch = new CountDownLatch(1);

    void request() {
        latch.countDown();
    }

    boolean isRequested() {
        return latch.getCount() == 0;
    }

    /** Waits that long at most and says whether the signal has been given. An interrupt gives it. */
    boolean await(final long timeoutNs) {
        try {
            return latch.await(timeoutNs, TimeUnit.NANOSECONDS);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            request();
            return true;
        }
    }
}
