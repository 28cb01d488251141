// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A log-structured key-value store on memory-mapped segments. Keys are strings, values are bytes; the keys and the
 * places of their values are in memory, the values are not.
 *
 * <p>Thread-safe. Reads take no lock of the store; {@link #put}, {@link #delete}, {@link #force} and {@link #compact}
 * exclude each other. What a write did is visible to every read that begins after it returned, survives the death of
 * the process from then on, and survives a power failure once {@link #force} returned. A key that has a value is never
 * missing, whatever a compaction is doing.
 */
public final class Store implements AutoCloseable {
    private static final byte[] NOTHING = {};

    private final Path directory;
    private final DirectoryLock directoryLock;
    private final SegmentStorage storage;
    private final SegmentLog log;
    private final ConcurrentMap<String, Location> index;
    private final ReentrantLock writing = new ReentrantLock();
    private final AtomicLong compactions = new AtomicLong();
    private final AtomicLong atomicCompactions = new AtomicLong();
    private final AtomicLong segmentsUnmapped = new AtomicLong();
    private final LongAdder readRetries = new LongAdder();
    private final LongAdder optimisticFallbacks = new LongAdder();
    private final long recoveredEntries;
    private final long tornBytes;
    private volatile boolean closed;
    private long sequence;

    private Store(
        final Path directory,
        final DirectoryLock directoryLock,
        final SegmentStorage storage,
        final StoreOptions options,
        final Recovery recovery) {
        this.directory = directory;
        this.directoryLock = directoryLock;
        this.storage = storage;
        this.log = new SegmentLog(storage, directory, options, recovery.segments(), recovery.nextId());
        this.index = recovery.index();
        this.sequence = recovery.sequence();
        this.recoveredEntries = recovery.entries();
        this.tornBytes = recovery.tornBytes();
    }

    /**
     * Opens a store, creating its directory if need be and recovering what an earlier run wrote.
     *
     * @param options directory, engine, sizes
     * @return the store
     * @throws StoreException if the directory is in use, is no store, or cannot be read and written
     */
    public static Store open(final StoreOptions options) {
        final Path directory = directory(options.directory());
        Recovery.requireStoreOrEmpty(directory);
        return open(options, directory, options.engine().open());
    }

    /** As {@link #open(StoreOptions)}, on a storage of the caller's, which this store closes. */
    static Store open(final StoreOptions options, final SegmentStorage storage) {
        return open(options, directory(options.directory()), storage);
    }

    private static Store open(final StoreOptions options, final Path directory, final SegmentStorage storage) {
        @Nullable DirectoryLock lock = null;
        boolean opened = false;
        try {
            lock = DirectoryLock.acquire(directory);
            final Store store = new Store(directory, lock, storage, options, Recovery.run(storage, directory));
            opened = true;
            return store;
        } finally {
            if (!opened) {
                storage.close();
                if (lock != null) {
                    lock.close();
                }
            }
        }
    }

    private static Path directory(final Path path) {
        try {
            return Files.createDirectories(path).toRealPath();
        } catch (final IOException e) {
            throw new StoreException("cannot create directory: path=" + path + ", cause=" + StoreFiles.reason(e) +
                "; name a directory that can be written", e);
        }
    }

    /**
     * The value of a key.
     *
     * @param key to look up
     * @return a copy of the value, or null if the key has none
     * @throws CorruptStoreException if the record is damaged
     */
    public byte @Nullable [] get(final String key) {
        return lookUp(key, false);
    }

    /**
     * As {@link #get}, reading optimistically where the engine can and falling back where the read was disturbed.
     *
     * @param key to look up
     * @return a copy of the value, or null if the key has none
     * @throws CorruptStoreException if the record is damaged
     */
    public byte @Nullable [] getOptimistically(final String key) {
        return lookUp(key, true);
    }

    private byte @Nullable [] lookUp(final String key, final boolean optimistically) {
        Location refused = null;
        while (true) {
            Location location = index.get(key);
            if (location == null) {
                requireOpen();
                return null;
            }
            if (location == refused) {
                location = moved(key, location);
            }
            // Pairs with the release fences of put and compact: the record's bytes are read after its location.
            VarHandle.acquireFence();
            final byte[] entry = new byte[location.length()];
            if (read(location, entry, optimistically)) {
                return checkedValue(key, location, entry);
            }
            readRetries.increment();
            refused = location;
        }
    }

    /** Where a compaction has put a record that is not where the index says, which it corrects key by key. */
    private Location moved(final String key, final Location location) {
        requireOpen(); // nobody but compactions and close() unmaps
        final Location newer = location.segment().moved(key);
        if (newer == null) {
            throw new LostKeyException("key is lost: key=" + key + ", at=" + location + ", directory=" + directory +
                "; restore the directory from a copy");
        }
        return newer;
    }

    private boolean read(final Location location, final byte[] entry, final boolean optimistically) {
        final Segment segment = location.segment();
        if (optimistically) {
            if (segment.readOptimistically(location.offset(), entry, entry.length)) {
                return true;
            }
            optimisticFallbacks.increment();
        }
        return segment.read(location.offset(), entry, entry.length);
    }

    private byte[] checkedValue(final String key, final Location location, final byte[] entry) {
        // The sequence belongs to one record alone: it tells the right record from another intact one.
        if (!EntryLayout.isIntact(entry, entry.length) || EntryLayout.sequence(entry) != location.sequence()) {
            throw new CorruptStoreException("record is damaged: key=" + key + ", at=" + location + ", directory=" +
                directory + "; restore the directory from a copy");
        }
        return EntryLayout.value(entry);
    }

    /**
     * Whether a key has a value.
     *
     * @param key to look up
     * @return whether it is there
     */
    public boolean contains(final String key) {
        requireOpen();
        return index.containsKey(key);
    }

    /**
     * Gives a key a value in place of the one it had.
     *
     * @param key at most 64 KiB of UTF-8
     * @param value any bytes that fit into a segment
     * @throws IllegalArgumentException if the key or the record is too long
     * @throws StoreException if the disk is full
     */
    public void put(final String key, final byte[] value) {
        final byte[] keyBytes = encode(key);
        if (EntryLayout.length(keyBytes.length, value.length) > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("value is too long: key=" + key + ", bytes=" + value.length +
                "; split it");
        }
        writing.lock();
        try {
            requireOpen();
            final Location location = append(EntryLayout.KIND_VALUE, keyBytes, value);
            // Pairs with the acquire fence in lookUp: the record is written before its location is published.
            VarHandle.releaseFence();
            forget(index.put(key, location));
        } finally {
            writing.unlock();
        }
    }

    /**
     * Takes a key's value away.
     *
     * @param key to delete
     * @return whether it had one
     * @throws StoreException if the disk is full
     */
    public boolean delete(final String key) {
        final byte[] keyBytes = encode(key);
        writing.lock();
        try {
            requireOpen();
            if (!index.containsKey(key)) {
                return false;
            }
            append(EntryLayout.KIND_TOMBSTONE, keyBytes, NOTHING);
            forget(index.remove(key));
            return true;
        } finally {
            writing.unlock();
        }
    }

    private Location append(final int kind, final byte[] key, final byte[] value) {
        final byte[] entry = EntryLayout.encode(kind, sequence + 1, key, value);
        final Location location = log.append(entry, entry.length, sequence + 1);
        sequence++;
        return location;
    }

    private static void forget(final @Nullable Location replaced) {
        if (replaced != null) {
            replaced.segment().forget(replaced.length());
        }
    }

    /** Returns once every write that returned before is on the disk. */
    public void force() {
        writing.lock();
        try {
            requireOpen();
            log.force();
        } finally {
            writing.unlock();
        }
    }

    /**
     * Rewrites segments that are full and hold much garbage, unmaps and deletes the originals. Readers go on meanwhile,
     * writers wait.
     *
     * @param garbageMin share of a segment that must be garbage, 0 to 1; 0 rewrites all that are full
     * @return how many segments were unmapped
     */
    public int compact(final double garbageMin) {
        if (!(garbageMin >= 0 && garbageMin <= 1)) {
            throw new IllegalArgumentException(
                "share of garbage is out of range: garbageMin=" + garbageMin + "; choose 0 to 1");
        }
        writing.lock();
        try {
            requireOpen();
            final Compaction compaction = new Compaction(log, index, garbageMin);
            final int unmapped = compaction.run();
            if (unmapped > 0) {
                compactions.incrementAndGet();
                atomicCompactions.addAndGet(compaction.isAtomic() ? 1 : 0);
                segmentsUnmapped.addAndGet(unmapped);
            }
            return unmapped;
        } finally {
            writing.unlock();
        }
    }

    /**
     * Number of the newest record: how many writes there have been since the store was created.
     *
     * @return sequence number, 0 before the first write
     */
    public long lastSequence() {
        writing.lock();
        try {
            return sequence;
        } finally {
            writing.unlock();
        }
    }

    /**
     * Counts, also after {@link #close}.
     *
     * @return the counts of this moment
     */
    public StoreStatistics statistics() {
        return new StoreStatistics(index.size(), log.segmentCount(), storage.mappedBytes(), storage.mappedFiles(),
            compactions.get(), atomicCompactions.get(), segmentsUnmapped.get(), readRetries.sum(),
            optimisticFallbacks.sum(), recoveredEntries, tornBytes);
    }

    /** Waits for the write under way, unmaps everything, lets go of the directory. The second time it does nothing. */
    @Override
    public void close() {
        writing.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            try (directoryLock; storage) {
                log.close();
            }
        } finally {
            writing.unlock();
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("store is closed: directory=" + directory);
        }
    }

    private static byte[] encode(final String key) {
        final ByteBuffer bytes;
        try {
            bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(key));
        } catch (final CharacterCodingException e) {
            throw new IllegalArgumentException("key is no valid text: key=" + key + "; use paired surrogates", e);
        }
        if (bytes.remaining() > EntryLayout.KEY_LENGTH_MAX) {
            throw new IllegalArgumentException("key is too long: bytes=" + bytes.remaining() + ", max=" +
                EntryLayout.KEY_LENGTH_MAX);
        }
        final byte[] result = new byte[bytes.remaining()];
        bytes.get(result);
        return result;
    }
}
