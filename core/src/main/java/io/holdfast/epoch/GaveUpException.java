// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.io.Serial;

/** A wait that has no end of its own ended because its thread's patience did. */
public final class GaveUpException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    private final boolean interrupted;

    GaveUpException(final boolean interrupted) {
        super(interrupted ? "interrupted" : "timed out", null, false, false);
        this.interrupted = interrupted;
    }

    /** Whether an interrupt, and not the time, ended the wait. */
    public boolean isInterrupted() {
        return interrupted;
    }
}
