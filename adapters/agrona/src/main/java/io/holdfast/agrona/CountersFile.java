// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Hold;
import io.holdfast.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;

/**
 * Agrona counters in a file, for other processes to read while they are counted.
 *
 * <p>In the file, from its beginning: a header of {@value #HEADER_LENGTH} bytes, in the byte order of the machine, with
 * {@value #VERSION} as an {@code int} at 0, which is written last, and the number of counters as an {@code int} at 4;
 * then the metadata of that many counters; then their values.
 *
 * <p>Thread-safe as its counters are: one {@link CountersManager} is for one thread, readers are for any.
 */
public final class CountersFile implements AutoCloseable {
    /** What a complete file of this layout begins with. */
    public static final int VERSION = 0x48460001;
    /** Bytes before the metadata. */
    public static final int HEADER_LENGTH = 128;
    private static final int COUNT_OFFSET = 4;

    private final Region region;
    private final Hold hold;
    private final RegionBuffer metaData = new RegionBuffer();
    private final RegionBuffer values = new RegionBuffer();

    private CountersFile(final Region region, final Hold hold, final RegionBuffer whole, final int counters) {
        this.region = region;
        this.hold = hold;
        metaData.wrap(whole, HEADER_LENGTH, counters * CountersReader.METADATA_LENGTH);
        values.wrap(whole, HEADER_LENGTH + metaData.capacity(), counters * CountersReader.COUNTER_LENGTH);
    }

    /**
     * Creates the file anew. Readers of an older file of this name keep reading that one.
     *
     * @param space    in which it is mapped
     * @param path     of the file
     * @param counters how many there may be
     * @return the file, to be closed
     * @throws IOException              if the older one cannot be deleted
     * @throws IllegalArgumentException if the number is not positive, or too large for one buffer
     */
    public static CountersFile create(final AddressSpace space, final Path path, final int counters) throws IOException {
        final long size = size(counters);
        if (counters <= 0 || size > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("counters must be positive, and fit into one buffer: " + counters);
        }
        Files.deleteIfExists(path);
        final Region region = space.map(FileBacking.readWrite(path).range(0, size).growableTo(size));
        final Hold hold = region.hold();
        final RegionBuffer whole = RegionBuffer.of(hold);
        final CountersFile file = new CountersFile(region, hold, whole, counters);
        whole.putInt(COUNT_OFFSET, counters);
        whole.putIntRelease(0, VERSION);
        return file;
    }

    /**
     * Opens a file that another process, or this one, counts in.
     *
     * @param space in which it is mapped
     * @param path  of the file
     * @return the file, to be closed; it can only be read
     * @throws IOException if it is not a file of this layout, or not complete yet
     */
    public static CountersFile open(final AddressSpace space, final Path path) throws IOException {
        if (Files.size(path) < HEADER_LENGTH) {
            throw new IOException("not a file of counters, or not complete yet: " + path);
        }
        final Region region = space.map(FileBacking.readOnly(path));
        final Hold hold = region.hold();
        final RegionBuffer whole = RegionBuffer.of(hold);
        final int counters = whole.getIntVolatile(0) == VERSION ? whole.getInt(COUNT_OFFSET) : 0;
        if (counters <= 0 || size(counters) > whole.capacity()) {
            hold.close();
            region.unmap();
            throw new IOException("not a file of counters, or not complete yet: " + path);
        }
        return new CountersFile(region, hold, whole, counters);
    }

    private static long size(final int counters) {
        return HEADER_LENGTH + (long) counters * (CountersReader.METADATA_LENGTH + CountersReader.COUNTER_LENGTH);
    }

    /** {@return a manager of the counters of a file that was created: one for the life of the file, for one thread} */
    public CountersManager manager() {
        return new CountersManager(metaData, values);
    }

    /** {@return a reader of the counters} */
    public CountersReader reader() {
        return new CountersReader(metaData, values);
    }

    /** Unmaps the file, which stays. Counting or reading then throws an {@link IllegalStateException}. Idempotent. */
    @Override
    public void close() {
        if (hold.isHeld()) {
            hold.close();
            region.unmap();
        }
    }
}
