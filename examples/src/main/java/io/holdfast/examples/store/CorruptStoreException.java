// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/** Bytes that were written whole are not what was written: a record, a sealed segment or the manifest is damaged. */
public sealed class CorruptStoreException extends StoreException permits LostKeyException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates an exception without a cause.
     *
     * @param message what is damaged, where, the remedy
     */
    public CorruptStoreException(final String message) {
        super(message);
    }
}
