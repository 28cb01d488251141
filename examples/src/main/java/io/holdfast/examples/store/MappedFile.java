// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

/**
 * One mapped segment file, as an {@link SegmentStorage engine} protects it. Any number of threads read; one thread at
 * a time writes, grows, forces and unmaps. Readers and the writer order the bytes they share by themselves: the store
 * does it by publishing a record in its index only once the record is written.
 */
interface MappedFile {
    /** Mapped bytes. Only rises until the file is unmapped. */
    long size();

    /**
     * Copies bytes out of the mapping. Waits for nothing but a change of the mapping that is under way.
     *
     * @param offset first byte to read
     * @param target receives the bytes from its start
     * @param length how many bytes
     * @return false if the file is unmapped, for good; the target's content is then undefined
     */
    boolean read(long offset, byte[] target, int length);

    /**
     * As {@link #read} but without keeping anybody out or being kept out, where the engine has such a read.
     *
     * @param offset first byte to read
     * @param target receives the bytes from its start
     * @param length how many bytes
     * @return false if the bytes may be wrong and {@link #read} has to be asked
     */
    boolean readOptimistically(long offset, byte[] target, int length);

    /**
     * Copies bytes into the mapping.
     *
     * @param offset first byte to write
     * @param source the bytes, from its start
     * @param length how many bytes
     */
    void write(long offset, byte[] source, int length);

    /**
     * Maps more of the file, which must be that long already. Readers of the bytes mapped before are not disturbed.
     *
     * @param newSize bytes to be mapped from now on, more than before
     */
    void grow(long newSize);

    /** Returns once everything written before is on the disk. */
    void force();

    /** Turns new readers away, waits for those inside, unmaps. Does nothing the second time. */
    void unmap();
}
