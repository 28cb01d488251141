// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * What the job knows of its input, by which it judges what the store returns: the keys, the checksum of each one's
 * content, and the version that the writer has stored last. The content itself is in the store alone.
 *
 * <p>Filled by one thread; after {@link #freeze} any thread may ask, and the one writer may raise versions.
 */
final class Corpus {
    private static final int FIRST_CAPACITY = 1 << 10;

    private final List<String> keys = new ArrayList<>();
    private Set<String> known = new HashSet<>();
    private int[] checksums = new int[FIRST_CAPACITY];
    private AtomicLongArray versions = new AtomicLongArray(0);
    private long bytes;

    /**
     * Takes note of an entry.
     *
     * @param name wanted as the key; names may come twice where the file system's encoding is narrower than its names
     * @return the key to store it under
     */
    String add(final String name, final byte[] value) {
        String key = name;
        while (!known.add(key)) {
            key += "\0";
        }
        if (keys.size() == checksums.length) {
            checksums = Arrays.copyOf(checksums, 2 * checksums.length);
        }
        checksums[keys.size()] = VersionedValue.checksum(value);
        keys.add(key);
        bytes += value.length - Long.BYTES;
        return key;
    }

    /** Ends filling. */
    void freeze() {
        known = Set.of();
        versions = new AtomicLongArray(keys.size());
    }

    int size() {
        return keys.size();
    }

    /** Bytes of content. */
    long bytes() {
        return bytes;
    }

    String key(final int number) {
        return keys.get(number);
    }

    /** Version that every read which begins now must return at least. */
    long versionAcquire(final int number) {
        return versions.getAcquire(number);
    }

    /** Says that the store has returned from storing this version. Release: who sees it finds that version or newer. */
    void setVersionRelease(final int number, final long version) {
        versions.setRelease(number, version);
    }

    /**
     * Judges a value that was read.
     *
     * @param number of the entry
     * @param versionMin version that had been stored before the read began
     * @param value what the store returned, not null
     * @return what is wrong with it, or null
     */
    @Nullable String complaint(final int number, final long versionMin, final byte[] value) {
        if (!VersionedValue.isComplete(value)) {
            return "value is too short: key=" + printable(number) + ", bytes=" + value.length;
        }
        final int checksum = VersionedValue.checksum(value);
        if (checksum != checksums[number]) {
            return "content differs from the source: key=" + printable(number) + ", checksum=" +
                Integer.toHexString(checksum) + ", expected=" + Integer.toHexString(checksums[number]);
        }
        final long version = VersionedValue.version(value);
        if (version < versionMin) {
            return "value is older than one stored before: key=" + printable(number) + ", version=" + version +
                ", stored=" + versionMin;
        }
        return null;
    }

    /** The key as it can be shown. */
    String printable(final int number) {
        return key(number).replace('\0', '#');
    }
}
