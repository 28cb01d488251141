// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/**
 * A reader that a writer waits for, as it was seen at some moment during the wait.
 *
 * @param threadId   id of the thread
 * @param threadName its name, or a note that it is gone
 * @param how        what it holds
 */
public record Holder(long threadId, String threadName, How how) {
    /** What a reader holds. */
    public enum How {
        /** A guard or a stamp on the record, announced in a hazard. */
        HAZARD,
        /** A pin that began before the record was detached. */
        PIN
    }
}
