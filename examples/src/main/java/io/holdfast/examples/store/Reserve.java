// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;
import java.util.function.Supplier;

/**
 * Space on the disk kept back for what makes space: a file of zeros that is cut to let a delete or a compaction go on
 * where the disk is full, and made whole again afterwards. While it is not whole, nothing is stored that could wait.
 * Belongs to the writer.
 *
 * <p>The file survives the process, so that a store that is reopened on a full disk can be tidied up too. Where the file
 * system compresses, or copies on every write, zeros hold no room and this keeps nothing back.
 */
final class Reserve {
    private static final long STEP = 16 * StoreFiles.GRANULE;

    private final Path file;
    private long bytes;
    private long bytesWanted;

    /** The reserve of a store's directory, as an earlier run has left it. */
    Reserve(final Path directory) {
        this.file = directory.resolve(StoreFiles.RESERVE);
        this.bytes = file.toFile().length();
    }

    /**
     * Makes the reserve that large; it never shrinks.
     *
     * @throws NoSpaceException if it is not whole; it is as large as the disk allows
     */
    void fill(final long wanted) {
        bytesWanted = Math.max(bytesWanted, wanted);
        try {
            while (bytes < bytesWanted) {
                final long next = Math.min(bytesWanted, bytes + STEP);
                bytes = StoreFiles.allocate(file, next, Math.min(next, bytes + StoreFiles.GRANULE));
            }
        } catch (final NoSpaceException e) {
            throw new NoSpaceException("disk is full: kept back=" + bytes + ", wanted=" + bytesWanted +
                "; delete keys and compact, or free space, cause=" + e.getMessage(), e);
        }
    }

    /** Makes the reserve that large or, where the disk is full, leaves it for later. */
    void fillIfSpaceIsLeft(final long wanted) {
        try {
            fill(wanted);
        } catch (final NoSpaceException e) {
            // Whoever wants to store something hears of it.
        }
    }

    /**
     * Runs an operation, and once more with space from the reserve if it finds none.
     *
     * @param keep bytes that are not for this operation
     * @param operation that leaves everything as it was when it throws
     * @throws NoSpaceException if that was not enough
     */
    <T> T lend(final long keep, final Supplier<T> operation) {
        try {
            return operation.get();
        } catch (final NoSpaceException e) {
            if (bytes <= keep) {
                throw e;
            }
        }
        StoreFiles.truncate(file, keep);
        bytes = keep;
        try {
            return operation.get();
        } finally {
            fillIfSpaceIsLeft(bytesWanted);
        }
    }
}
