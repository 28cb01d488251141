// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/** The index says where a key's newest record lies, and no segment is there. */
public final class LostKeyException extends CorruptStoreException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception without a cause.
     *
     * @param message which key, where it should be, the remedy
     */
    public LostKeyException(final String message) {
        super(message);
    }
}
