// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;

/**
 * One run of the job on an open store: load the input, let readers and the writer work, check every key once more. The
 * thread that calls {@link #run} does the loading and the checking, and shows progress while the others work.
 */
final class JobRun {
    private static final long SECOND_NS = 1_000_000_000L;
    private static final long PIECE_BYTES_MAX = 1L << 20;
    private static final int PIECES_PER_SEGMENT = 4;
    private static final long STOP_CHECK_NS = 100_000_000L;

    private final Store store;
    private final InputTree input;
    private final JobOptions options;
    private final Progress progress;
    private final StopSignal interrupt;
    private final StopSignal workersStop = new StopSignal();
    private final CountDownLatch reading = new CountDownLatch(1);
    private final Corpus corpus = new Corpus();
    private final Findings findings = new Findings();
    private final LatencyRecorders guardedLatency;
    private final LatencyRecorders optimisticLatency;

    JobRun(
        final Store store,
        final InputTree input,
        final JobOptions options,
        final Progress progress,
        final StopSignal interrupt) {
        this.store = store;
        this.input = input;
        this.options = options;
        this.progress = progress;
        this.interrupt = interrupt;
        this.guardedLatency = new LatencyRecorders(options.readers());
        this.optimisticLatency = new LatencyRecorders(options.readers());
    }

    /**
     * Does all of it; ends early, with what there is, when the interrupt is given.
     *
     * @throws StoreException if the input cannot be read, is empty, or the store cannot write
     */
    JobResult run(final long segmentBytes) {
        final long loadStart = System.nanoTime();
        load((int) Math.min(PIECE_BYTES_MAX, segmentBytes / PIECES_PER_SEGMENT));
        final long loadNs = System.nanoTime() - loadStart;
        final StoreStatistics loaded = store.statistics();
        final JobWriter writer = new JobWriter(this);
        final long workStart = System.nanoTime();
        if (!interrupt.isRequested() && options.seconds() > 0) {
            work(writer);
        }
        final long workNs = System.nanoTime() - workStart;
        final StoreStatistics worked = store.statistics();
        if (findings.failure().isEmpty()) {
            check();
        }
        progress.clear();
        return new JobResult(interrupt.isRequested(), corpus.size(), corpus.bytes(), loadNs, workNs,
            guardedLatency.collect(), optimisticLatency.collect(), writer.overwrites(), loaded, worked);
    }

    private void load(final int pieceBytes) {
        input.read(pieceBytes, (name, content) -> {
            final byte[] value = VersionedValue.of(content);
            store.put(corpus.add(name, value), value);
            progress.update(() -> String.format(
                Locale.ROOT, "loading   %,d entries, %,d MiB", corpus.size(), corpus.bytes() >> 20));
            return !interrupt.isRequested();
        });
        if (corpus.size() == 0) {
            throw new StoreException("input has no files: path=" + input + "; name a directory with files in it");
        }
        corpus.freeze();
    }

    private void work(final JobWriter writer) {
        final List<Thread> workers = new ArrayList<>();
        try {
            workers.add(Thread.ofPlatform().name("writer").start(writer));
            final Thread.Builder readers =
                options.virtual() ? Thread.ofVirtual().name("reader-", 1) : Thread.ofPlatform().name("reader-", 1);
            for (int i = 0; i < options.readers(); i++) {
                workers.add(readers.start(new JobReader(this, i)));
            }
            waitForEnd(writer);
        } catch (final OutOfMemoryError e) {
            throw new StoreException("cannot start readers: readers=" + options.readers() + ", started=" +
                workers.size() + ", cause=" + e.getMessage() + "; ask for fewer or for --virtual", e);
        } finally {
            workersStop.request();
            workers.forEach(JobRun::joinUninterruptibly);
        }
    }

    private void waitForEnd(final JobWriter writer) {
        final long start = System.nanoTime();
        final long end = start + options.seconds() * SECOND_NS;
        long shownNs = start;
        long shownReads = 0;
        long nextShowNs = start + progress.intervalNs();
        long now = start;
        while (isTimeLeft(now - end) && !interrupt.isRequested() && !workersStop.await(STOP_CHECK_NS)) {
            now = System.nanoTime();
            if (now >= nextShowNs) {
                final long reads =
                    guardedLatency.collect().getTotalCount() + optimisticLatency.collect().getTotalCount();
                final double rate = (reads - shownReads) * (double) SECOND_NS / (now - shownNs);
                final long elapsed = Math.round((now - start) / (double) SECOND_NS);
                progress.update(() -> working(elapsed, rate, writer));
                shownNs = now;
                shownReads = reads;
                nextShowNs = now + progress.intervalNs();
            }
        }
    }

    /** A run in which nothing was unmapped has tested nothing, so it goes on where the machine is slow. */
    private boolean isTimeLeft(final long afterEndNs) {
        return afterEndNs < 0 ||
            (afterEndNs < options.patienceSeconds() * SECOND_NS && store.statistics().segmentsUnmapped() == 0);
    }

    private String working(final long elapsed, final double rate, final JobWriter writer) {
        return String.format(Locale.ROOT,
            "reading   %,d s of %,d s, %,.0f gets/s, %,d overwrites, %,d regions unmapped, %,d mismatches",
            elapsed, options.seconds(), rate, writer.overwrites(), store.statistics().segmentsUnmapped(),
            findings.mismatches() + findings.lostKeys());
    }

    private void check() {
        for (int i = 0; i < corpus.size() && !interrupt.isRequested(); i++) {
            final int number = i;
            progress.update(() ->
                String.format(Locale.ROOT, "checking  %,d of %,d entries", number, corpus.size()));
            try {
                final byte[] value = store.get(corpus.key(number));
                if (value == null) {
                    findings.lostKey(corpus.printable(number));
                } else {
                    final String complaint = corpus.complaint(number, corpus.versionAcquire(number), value);
                    if (complaint != null) {
                        findings.mismatch(complaint);
                    }
                }
            } catch (final CorruptStoreException e) {
                findings.damage(e);
            }
        }
    }

    private static void joinUninterruptibly(final Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    Store store() {
        return store;
    }

    Corpus corpus() {
        return corpus;
    }

    Findings findings() {
        return findings;
    }

    /** Falls to zero when a reader has read something. */
    CountDownLatch reading() {
        return reading;
    }

    StopSignal workersStop() {
        return workersStop;
    }

    JobOptions options() {
        return options;
    }

    LatencyRecorders guardedLatency() {
        return guardedLatency;
    }

    LatencyRecorders optimisticLatency() {
        return optimisticLatency;
    }
}
