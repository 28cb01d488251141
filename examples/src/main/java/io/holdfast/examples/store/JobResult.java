// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import org.HdrHistogram.Histogram;

/**
 * What a run of the job came to.
 *
 * @param interrupted whether it ended before its time
 * @param entries loaded
 * @param bytes of content loaded
 * @param loadNs time that took
 * @param workNs time that readers and writer worked
 * @param guarded latencies of reads under a guard
 * @param optimistic latencies of optimistic reads
 * @param overwrites by the writer
 * @param loaded counts of the store when everything was loaded
 * @param worked counts of the store when readers and writer had ended
 */
record JobResult(
    boolean interrupted,
    long entries,
    long bytes,
    long loadNs,
    long workNs,
    Histogram guarded,
    Histogram optimistic,
    long overwrites,
    StoreStatistics loaded,
    StoreStatistics worked) {

    /** Segments that were unmapped while readers were at work. */
    long segmentsUnmapped() {
        return worked.segmentsUnmapped() - loaded.segmentsUnmapped();
    }

    long reads() {
        return guarded.getTotalCount() + optimistic.getTotalCount();
    }

    double readsPerSecond() {
        return workNs == 0 ? 0 : reads() * 1e9 / workNs;
    }

    /** Latencies of all reads. */
    Histogram all() {
        final Histogram sum = guarded.copy();
        sum.add(optimistic);
        return sum;
    }
}
