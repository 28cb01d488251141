// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * Counts since the store was opened, each read by itself: together they are no snapshot.
 *
 * @param entries keys that have a value
 * @param segments segment files in use
 * @param mappedBytes bytes of segments mapped; after close, bytes that were left mapped
 * @param mappedFiles segments mapped; after close, segments that were left mapped
 * @param compactions compactions that replaced something
 * @param atomicCompactions those of them that replaced all their segments in one step
 * @param segmentsUnmapped segments that compactions unmapped
 * @param readRetries reads that were refused by a segment just compacted away and found the key elsewhere
 * @param optimisticFallbacks optimistic reads that were repeated under a guard
 * @param recoveredEntries records read while opening
 * @param tornBytes bytes that were dropped while opening because a write had not been completed before them
 * @param closedInOrder whether the store had been closed before it was opened; after a crash it had not
 */
public record StoreStatistics(
    long entries,
    long segments,
    long mappedBytes,
    long mappedFiles,
    long compactions,
    long atomicCompactions,
    long segmentsUnmapped,
    long readRetries,
    long optimisticFallbacks,
    long recoveredEntries,
    long tornBytes,
    boolean closedInOrder) {
}
