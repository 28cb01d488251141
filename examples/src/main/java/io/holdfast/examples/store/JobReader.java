// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import org.HdrHistogram.ValueRecorder;

/** Gets random keys until told to stop, and checks each value. */
final class JobReader implements Runnable {
    private static final int YIELD_MASK = 15;

    private final Store store;
    private final Corpus corpus;
    private final Findings findings;
    private final StopSignal stop;
    private final CountDownLatch reading;
    private final ValueRecorder guarded;
    private final ValueRecorder optimistic;
    private final double optimisticShare;
    private final SplittableRandom random;

    JobReader(final JobRun run, final int number) {
        this.store = run.store();
        this.corpus = run.corpus();
        this.findings = run.findings();
        this.stop = run.workersStop();
        this.reading = run.reading();
        this.guarded = run.guardedLatency().recorder(number);
        this.optimistic = run.optimisticLatency().recorder(number);
        this.optimisticShare = run.options().optimisticShare();
        this.random = new SplittableRandom(run.options().seed() + number + 1);
    }

    @Override
    public void run() {
        try {
            final boolean virtual = Thread.currentThread().isVirtual();
            readOne();
            reading.countDown();
            for (int round = 0; !stop.isRequested(); round++) {
                readOne();
                if (virtual && (round & YIELD_MASK) == 0) {
                    giveWay();
                }
            }
        } catch (final RuntimeException | Error e) {
            findings.failure(e);
            stop.request();
        }
    }

    private void readOne() {
        final int number = random.nextInt(corpus.size());
        final String key = corpus.key(number);
        final boolean optimistically = random.nextDouble() < optimisticShare;
        final long versionMin = corpus.versionAcquire(number);
        final long startNs = System.nanoTime();
        final byte[] value;
        try {
            value = optimistically ? store.getOptimistically(key) : store.get(key);
        } catch (final CorruptStoreException e) {
            findings.damage(e);
            return;
        }
        (optimistically ? optimistic : guarded).recordValue(LatencyRecorders.clamp(System.nanoTime() - startNs));
        if (value == null) {
            findings.lostKey(corpus.printable(number));
            return;
        }
        final String complaint = corpus.complaint(number, versionMin, value);
        if (complaint != null) {
            findings.mismatch(complaint);
        }
    }

    /** Virtual threads are not preempted: without this, readers beyond the number of cores would never run. */
    @SuppressWarnings("ThreadPriorityCheck")
    private static void giveWay() {
        Thread.yield();
    }
}
