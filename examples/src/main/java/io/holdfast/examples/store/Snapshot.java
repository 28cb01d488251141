// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.NavigableSet;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values of a store at one moment, whatever is written afterwards. Thread-safe.
 *
 * <p>Takes the memory of a sorted index of its own, and no compaction touches the segments that it needs: on a disk that
 * fills up, an open snapshot keeps the space. Close it.
 */
public final class Snapshot implements AutoCloseable {
    private final Store store;
    private final NavigableMap<String, Location> index;
    private final List<Segment> segments;
    private volatile boolean closed;

    Snapshot(final Store store, final NavigableMap<String, Location> index, final List<Segment> segments) {
        this.store = store;
        this.index = Collections.unmodifiableNavigableMap(index);
        this.segments = segments;
    }

    /**
     * The keys that had a value, in the order of {@link String#compareTo}; all of them, or by the methods of the set
     * those of a range.
     *
     * @return a set that never changes
     * @throws IllegalStateException if the snapshot is closed
     */
    public NavigableSet<String> keys() {
        requireOpen();
        return index.navigableKeySet();
    }

    /**
     * The value that a key had.
     *
     * @param key to look up
     * @return a copy of the value, or null if the key had none
     * @throws CorruptStoreException if the record is damaged
     * @throws IllegalStateException if the snapshot or its store is closed
     */
    public byte @Nullable [] get(final String key) {
        requireOpen();
        final Location location = index.get(key);
        return location == null ? null : store.valueAt(key, location);
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("snapshot is closed: keys=" + index.size());
        }
    }

    /** Lets compactions have the segments. The second time it does nothing. */
    @Override
    public void close() {
        store.writing(() -> {
            if (!closed) {
                closed = true;
                segments.forEach(Segment::unpin);
            }
        });
    }
}
