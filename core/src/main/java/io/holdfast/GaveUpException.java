// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;

/**
 * Ends an operation inside {@link Deadline#within} that has no timed form of its own, when its time is up or its thread
 * is interrupted while it waits. Nothing has changed then. {@code within} turns it into a
 * {@link java.util.concurrent.TimeoutException} or an {@link InterruptedException}; do not catch it inside.
 */
public final class GaveUpException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Whether an interrupt, and not the time, ended the wait. */
    private final boolean interrupted;

    /**
     * Without a stack trace, because it never leaves {@code within}.
     *
     * @param operation   what waited
     * @param subject     for what region or space
     * @param interrupted whether an interrupt, and not the time, ended the wait
     */
    public GaveUpException(final String operation, final String subject, final boolean interrupted) {
        super(operation + (interrupted ? " interrupted" : " timed out") + " while it waited; nothing has changed: " +
            subject, null, false, false);
        this.interrupted = interrupted;
    }

    /** {@return whether an interrupt, and not the time, ended the wait} */
    public boolean isInterrupted() {
        return interrupted;
    }
}
