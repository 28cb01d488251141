// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * An exchange of mappings: maps fresh files and unmaps old ones. Fresh files can be written and forced at once, and be
 * read once the exchange is published; old files can be read until then. Belongs to one thread.
 */
interface Replacement extends FileMapper, AutoCloseable {
    /** Whether readers see all of the exchange or nothing of it, at whatever moment they look. */
    boolean isAtomic();

    /**
     * Marks a file as an old one, which is unmapped by {@link #publish} or by {@link #close} after it. Readers of the
     * file may have to wait from here on until then.
     */
    void unmap(MappedFile file);

    /**
     * Makes the exchange. If this throws there has been none.
     *
     * @throws StoreException if the system refuses
     */
    void publish();

    /** Gives back what old files took; what fresh files took if nothing was published. */
    @Override
    void close();
}
