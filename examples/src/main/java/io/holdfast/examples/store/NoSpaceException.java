// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * The disk has no room for what was to be written, and nothing has been written. Keys can be deleted and segments be
 * compacted all the same.
 */
public final class NoSpaceException extends StoreException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception without a cause.
     *
     * @param message what was to be written, the values, the remedy
     */
    public NoSpaceException(final String message) {
        super(message);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param message what was to be written, the values, the remedy
     * @param cause what was thrown below
     */
    public NoSpaceException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
