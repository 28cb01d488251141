// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * The job's arguments once they have been checked.
 *
 * @param seconds how long readers and writer work
 * @param patienceSeconds how long they go on at most where nothing has been unmapped under readers by then
 * @param readers number of reading threads, above zero
 * @param optimisticShare share of the reads that are optimistic, 0 to 1
 * @param virtual whether readers are virtual threads
 * @param seed of all random choices
 */
record JobOptions(
    int seconds, int patienceSeconds, int readers, double optimisticShare, boolean virtual, long seed) {
}
