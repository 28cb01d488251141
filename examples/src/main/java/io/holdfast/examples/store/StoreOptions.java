// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;

/**
 * How a store is opened. Immutable.
 *
 * @param directory of the store's files; created if missing
 * @param engine that maps the segments
 * @param segmentBytes size at which a segment is full; a multiple of 64 KiB
 * @param durable whether each write is forced to the disk before it returns, so that it survives a power failure too;
 *     otherwise it does from the next {@link Store#force} or close on, or once segments were compacted or a new one
 *     begun. A killed process loses nothing either way
 */
public record StoreOptions(Path directory, Engine engine, long segmentBytes, boolean durable) {
    /** Smallest segment. */
    public static final long SEGMENT_BYTES_MIN = StoreFiles.GRANULE;
    /** Largest segment. */
    public static final long SEGMENT_BYTES_MAX = 1L << 36;
    /** Size of a segment unless told otherwise. */
    public static final long SEGMENT_BYTES_DEFAULT = 16L << 20;

    /**
     * Checks the size of a segment.
     *
     * @throws IllegalArgumentException if the segment size is out of range
     */
    public StoreOptions {
        if (segmentBytes < SEGMENT_BYTES_MIN || segmentBytes > SEGMENT_BYTES_MAX ||
            segmentBytes % StoreFiles.GRANULE != 0) {
            throw new IllegalArgumentException("segment size is out of range: bytes=" + segmentBytes + ", from=" +
                SEGMENT_BYTES_MIN + ", to=" + SEGMENT_BYTES_MAX + "; choose a multiple of 64 KiB between them");
        }
    }

    /**
     * Defaults for a directory.
     *
     * @param directory of the store's files
     * @return options with the Holdfast engine
     */
    public static StoreOptions in(final Path directory) {
        return new StoreOptions(directory, Engine.HOLDFAST, SEGMENT_BYTES_DEFAULT, false);
    }

    /**
     * Changes the engine.
     *
     * @param other engine
     * @return changed options
     */
    public StoreOptions engine(final Engine other) {
        return new StoreOptions(directory, other, segmentBytes, durable);
    }

    /**
     * Changes the segment size.
     *
     * @param bytes multiple of 64 KiB
     * @return changed options
     */
    public StoreOptions segmentBytes(final long bytes) {
        return new StoreOptions(directory, engine, bytes, durable);
    }

    /**
     * Changes durability.
     *
     * @param forced whether to force each write
     * @return changed options
     */
    public StoreOptions durable(final boolean forced) {
        return new StoreOptions(directory, engine, segmentBytes, forced);
    }
}
