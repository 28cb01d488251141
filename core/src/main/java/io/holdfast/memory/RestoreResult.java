// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/** What became of a range whose pages were to be given back. */
public enum RestoreResult {
    /** The pages are given back; the range reads as zero and may be used again. */
    RESTORED,
    /**
     * The kernel refused. The old pages stay and can be read; the range must not be used again before
     * {@link Reservation#retryQuarantined} reports it.
     */
    QUARANTINED,
    /** Memory of somebody else is in the range. It must never be used again. */
    LOST
}
