// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import org.jspecify.annotations.Nullable;

/**
 * Somebody for whom a thread waits, as it was seen at some moment during the wait.
 *
 * @param threadId   id of the thread
 * @param threadName its name, or a note that it is gone
 * @param how        what it holds
 * @param taken      since when and where, if that is remembered; else null
 */
public record Holder(long threadId, String threadName, How how, Ledger.@Nullable Entry taken) {
    /** What is held. */
    public enum How {
        /** A guard or a stamp on the record, announced in a hazard. */
        HAZARD,
        /** A pin that began before the record was detached. */
        PIN,
        /** A pin of the structure alone. */
        STRUCTURE_PIN,
        /** A counted hold, if it is remembered. The thread is the one that took it. */
        COUNT,
        /** The exclusive lock, or its announcement. */
        WRITER
    }
}
