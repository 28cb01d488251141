// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Overwrites random keys and compacts until told to stop, once readers are at work. The content comes from the store
 * itself.
 */
final class JobWriter implements Runnable {
    private static final long STOP_CHECK_NS = 100_000_000L;
    private static final int COMPACT_MASK = 63;
    private static final double GARBAGE_MIN = 0.5;

    private final Store store;
    private final Corpus corpus;
    private final Findings findings;
    private final StopSignal stop;
    private final CountDownLatch reading;
    private final SplittableRandom random;
    private final AtomicLong overwrites = new AtomicLong();

    JobWriter(final JobRun run) {
        this.store = run.store();
        this.corpus = run.corpus();
        this.findings = run.findings();
        this.stop = run.workersStop();
        this.reading = run.reading();
        this.random = new SplittableRandom(run.options().seed());
    }

    long overwrites() {
        return overwrites.get();
    }

    @Override
    public void run() {
        try {
            awaitReaders();
            for (int round = 1; !stop.isRequested(); round++) {
                overwriteOne();
                if ((round & COMPACT_MASK) == 0) {
                    store.compact(GARBAGE_MIN);
                }
            }
        } catch (final CorruptStoreException e) {
            findings.damage(e);
            stop.request();
        } catch (final InterruptedException | RuntimeException | Error e) {
            findings.failure(e);
            stop.request();
        }
    }

    private void awaitReaders() throws InterruptedException {
        while (!stop.isRequested() && !reading.await(STOP_CHECK_NS, TimeUnit.NANOSECONDS)) {
            // Goes on until somebody reads or it is told to stop.
        }
    }

    private void overwriteOne() {
        final int number = random.nextInt(corpus.size());
        final String key = corpus.key(number);
        final long version = corpus.versionAcquire(number);
        final byte[] value = store.get(key);
        if (value == null) {
            findings.lostKey(corpus.printable(number));
            return;
        }
        final String complaint = corpus.complaint(number, version, value);
        if (complaint != null) {
            findings.mismatch(complaint);
            return;
        }
        VersionedValue.setVersion(value, version + 1);
        store.put(key, value);
        corpus.setVersionRelease(number, version + 1);
        overwrites.setOpaque(overwrites.getPlain() + 1);
    }
}
