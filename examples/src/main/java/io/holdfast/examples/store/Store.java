// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A log-structured key-value store on memory-mapped segments. Keys are strings, values are bytes; the keys and the
 * places of their values are in memory, the values are not.
 *
 * <p>Thread-safe. Reads take no lock of the store; {@link #put}, {@link #delete}, {@link #apply}, {@link #force} and
 * {@link #compact} exclude each other. A key that has a value is never missing, whatever a compaction is doing. An
 * interrupt disturbs nothing and is kept.
 *
 * <p>What a write did is visible to every read that begins after it returned, and survives the death of the process from
 * then on. It survives a power failure too once {@link #force} or {@link #close} returned after it, a compaction
 * rewrote segments, or a new segment was begun; at once if the store is {@linkplain StoreOptions#durable durable}.
 * Whatever is lost is the newest: after a crash the store is what it was after some number of its writes, a batch being
 * one of them. A write that threw may be there after a crash. Damage in a segment that was full, compacted or closed is
 * reported, and never taken for a crash.
 *
 * <p>On a full disk nothing can be stored, but keys can be deleted and segments be compacted, because the store keeps as
 * much space back as that takes: the size of its largest segment and a little. That is not so on file systems that
 * compress, or copy on every write.
 */
public final class Store implements AutoCloseable {
    private static final long SPACE_FOR_DELETES = 4 * StoreFiles.GRANULE;

    private final Path directory;
    private final DirectoryLock directoryLock;
    private final SegmentStorage storage;
    private final SegmentLog log;
    private final Reserve reserve;
    private final ConcurrentMap<String, Location> index;
    private final ReentrantLock writing = new ReentrantLock();
    private final AtomicLong compactions = new AtomicLong();
    private final AtomicLong atomicCompactions = new AtomicLong();
    private final AtomicLong segmentsUnmapped = new AtomicLong();
    private final LongAdder readRetries = new LongAdder();
    private final LongAdder optimisticFallbacks = new LongAdder();
    private final boolean durable;
    private final long recoveredEntries;
    private final long tornBytes;
    private final boolean closedInOrder;
    private volatile boolean closed;

    private Store(
        final Path directory,
        final DirectoryLock directoryLock,
        final SegmentStorage storage,
        final StoreOptions options,
        final Recovery recovery) {
        this.directory = directory;
        this.directoryLock = directoryLock;
        this.storage = storage;
        this.log = new SegmentLog(storage, directory, options.segmentBytes(), recovery);
        this.reserve = new Reserve(directory);
        this.index = recovery.index();
        this.durable = options.durable();
        this.recoveredEntries = recovery.entries();
        this.tornBytes = recovery.tornBytes();
        this.closedInOrder = recovery.closedInOrder();
        reserve.fillIfSpaceIsLeft(reserveBytes());
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

    /** The value of a key of a snapshot, whose segments stay mapped until the store is closed. */
    byte[] valueAt(final String key, final Location location) {
        final byte[] entry = new byte[location.length()];
        if (!read(location, entry, false)) {
            throw closed();
        }
        return checkedValue(key, location, entry);
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
     * @throws NoSpaceException if the disk is full
     */
    public void put(final String key, final byte[] value) {
        apply(new Batch().put(key, value));
    }

    /**
     * Takes a key's value away. Works on a full disk too, and compacts segments if there is no other way to get space.
     *
     * @param key to delete
     * @return whether it had one
     * @throws NoSpaceException if the disk is full, somebody else has taken the space kept back, and nothing is garbage
     */
    public boolean delete(final String key) {
        final Batch batch = new Batch().delete(key);
        return write(() -> {
            if (!index.containsKey(key)) {
                return false;
            }
            append(batch);
            return true;
        });
    }

    /**
     * Makes the writes of a batch in one step. A reader who gets several keys one after another may still see some as
     * they were before and some as they are now; a {@link #snapshot} has one moment.
     *
     * @param batch to apply; not changed
     * @throws IllegalArgumentException if the records do not fit into one segment together
     * @throws NoSpaceException if the disk is full; a batch that only deletes is applied all the same
     */
    public void apply(final Batch batch) {
        if (!batch.onlyDeletes() && batch.length() > log.segmentBytes()) {
            throw new IllegalArgumentException("batch does not fit into a segment: writes=" + batch.writes().size() +
                ", bytes=" + batch.length() + ", segment=" + log.segmentBytes() +
                "; store smaller values, fewer at a time, or choose larger segments");
        }
        write(() -> {
            if (!batch.writes().isEmpty()) {
                append(batch);
            }
            return true;
        });
    }

    private void append(final Batch batch) {
        final Location whole = batch.onlyDeletes() ? appendOnFullDisk(batch) : appendIfSpaceIsLeft(batch);
        if (durable) {
            log.force();
        }
        // Pairs with the acquire fence in lookUp: the records are written before their locations are published.
        VarHandle.releaseFence();
        long offset = whole.offset();
        long sequence = whole.sequence();
        for (final Batch.Write write : batch.writes()) {
            final int length = (int) write.length();
            final Location location = new Location(whole.segment(), offset, length, sequence);
            forget(write.isValue() ? index.put(write.key(), location) : index.remove(write.key()));
            offset += length;
            sequence++;
        }
    }

    private Location appendToLog(final Batch batch) {
        return log.append(batch.encode(log.sequence() + 1), batch.writes().size());
    }

    private Location appendIfSpaceIsLeft(final Batch batch) {
        reserve.fill(reserveBytes());
        return appendToLog(batch);
    }

    private Location appendOnFullDisk(final Batch batch) {
        try {
            return reserve.lend(log.compactionBytes(), () -> appendToLog(batch));
        } catch (final NoSpaceException e) {
            final Segment worst = log.candidates(Double.MIN_VALUE).stream()
                .max(Comparator.comparingLong(Segment::garbageBytes)).orElseThrow(() -> e);
            reserve.lend(0, () -> compact(List.of(worst)));
            return reserve.lend(log.compactionBytes(), () -> appendToLog(batch));
        }
    }

    private long reserveBytes() {
        return log.compactionBytes() + SPACE_FOR_DELETES;
    }

    private static void forget(final @Nullable Location replaced) {
        if (replaced != null) {
            replaced.segment().forget(replaced.length());
        }
    }

    /** Runs something while nobody writes, also after close. */
    void writing(final Runnable action) {
        writing.lock();
        try {
            action.run();
        } finally {
            writing.unlock();
        }
    }

    private <T> T write(final Supplier<T> action) {
        writing.lock();
        try {
            requireOpen();
            return action.get();
        } finally {
            writing.unlock();
        }
    }

    /**
     * The keys and values of this moment, to be looked at while others write. Copies the index: takes time and memory
     * for each key, and writers wait meanwhile.
     *
     * @return the snapshot; close it, because no compaction touches its segments before
     */
    public Snapshot snapshot() {
        return write(() -> {
            final List<Segment> segments = log.segments();
            final Snapshot snapshot = new Snapshot(this, new TreeMap<>(index), segments);
            segments.forEach(Segment::pin);
            return snapshot;
        });
    }

    /** Returns once every write that returned before is on the disk. */
    public void force() {
        write(() -> {
            log.force();
            return true;
        });
    }

    /**
     * Rewrites segments that are full and hold much garbage, unmaps and deletes the originals. Readers go on meanwhile,
     * writers wait. Where the disk has no room for all the copies, one segment is rewritten after another, with the space
     * kept back for that.
     *
     * @param garbageMin share of a segment that must be garbage, 0 to 1; 0 rewrites all that are full
     * @return how many segments were unmapped
     * @throws NoSpaceException if the disk is full and somebody else has taken the space kept back
     */
    public int compact(final double garbageMin) {
        if (!(garbageMin >= 0 && garbageMin <= 1)) {
            throw new IllegalArgumentException(
                "share of garbage is out of range: garbageMin=" + garbageMin + "; choose 0 to 1");
        }
        return write(() -> {
            final List<Segment> old = log.candidates(garbageMin);
            try {
                return old.isEmpty() ? 0 : compact(old);
            } catch (final NoSpaceException e) {
                return compactOneByOne(old);
            }
        });
    }

    private int compactOneByOne(final List<Segment> old) {
        final List<Segment> smallestFirst =
            old.stream().sorted(Comparator.comparingLong(Segment::liveBytes)).toList();
        int unmapped = 0;
        for (final Segment segment : smallestFirst) {
            unmapped += reserve.lend(0, () -> compact(List.of(segment)));
        }
        return unmapped;
    }

    private int compact(final List<Segment> old) {
        final Compaction compaction = new Compaction(log, index, old);
        compaction.run();
        compactions.incrementAndGet();
        atomicCompactions.addAndGet(compaction.isAtomic() ? 1 : 0);
        segmentsUnmapped.addAndGet(old.size());
        return old.size();
    }

    /**
     * Number of the newest record: how many writes there have been since the store was created.
     *
     * @return sequence number, 0 before the first write
     */
    public long lastSequence() {
        writing.lock();
        try {
            return log.sequence();
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
            optimisticFallbacks.sum(), recoveredEntries, tornBytes, closedInOrder);
    }

    /**
     * Waits for the write under way, forces everything to the disk, unmaps it, lets go of the directory. The second time
     * it does nothing.
     */
    @Override
    public void close() {
        writing(() -> {
            if (closed) {
                return;
            }
            closed = true;
            try (directoryLock; storage) {
                log.unmap();
                reserve.lend(0, () -> {
                    log.markClosed();
                    return true;
                });
            }
        });
    }

    private void requireOpen() {
        if (closed) {
            throw closed();
        }
    }

    private IllegalStateException closed() {
        return new IllegalStateException("store is closed: directory=" + directory);
    }
}
