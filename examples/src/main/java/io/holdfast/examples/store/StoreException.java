// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * The store cannot do what was asked because of its surroundings: a directory that is no store, a full disk, a refused
 * mapping. The message is one line that names the operation, the values and the remedy.
 */
public class StoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception without a cause.
     *
     * @param message what failed, the values, the remedy
     */
    public StoreException(final String message) {
        super(message);
    }

    /**
     * Creates an exception with a cause.
     *
     * @param message what failed, the values, the remedy
     * @param cause what was thrown below
     */
    public StoreException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
