// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/** Told when a writer has waited for readers longer than the reporting period; the writer goes on waiting. */
@FunctionalInterface
public interface DrainListener {
    /**
     * Called by the waiting thread, between two looks at the readers.
     *
     * @param record  the record that is drained
     * @param tag     epoch whose pins are waited for, 0 if pins do not matter
     * @param waiting of the thread
     */
    void stillDraining(long record, long tag, Waiting waiting);

    /** By what people know a record's region, for messages. */
    default String region(final long record) {
        return "record=0x" + Long.toHexString(record);
    }
}
