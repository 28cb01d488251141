// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.memory.NativeMemory.MADV_DONTNEED;
import static io.holdfast.memory.NativeMemory.MAP_ANONYMOUS;
import static io.holdfast.memory.NativeMemory.MAP_FIXED;
import static io.holdfast.memory.NativeMemory.MAP_HUGETLB;
import static io.holdfast.memory.NativeMemory.MAP_NORESERVE;
import static io.holdfast.memory.NativeMemory.MAP_PRIVATE;
import static io.holdfast.memory.NativeMemory.PROT_NONE;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One large range of addresses that belongs to the library for as long as there is code of it. Nothing is given back to
 * the process before: an address that was readable once stays readable, whatever its pages show. Ranges are given by offset
 * from {@link #base} and length, both multiples of the page size.
 *
 * <p>Who may use which range at which time is the caller's affair: two calls at the same time must not name the same
 * bytes, except for {@code advise}, {@code sync} and {@code populate}. For disjoint ranges all methods are thread-safe.
 * No method waits for anything but the kernel, for another one that moves a watermark at the same time, and, where the
 * kernel has refused a call, for those that are about to map a file privately or huge pages.
 *
 * <p>A method that throws has changed nothing, with one exception: {@link RangeLostException}, after which the range
 * must never be used again. {@link #restore} and its kin do not throw for refusals of the kernel, because the decision
 * to give the pages back has been taken by then.
 */
public final class Reservation extends ReservedPages {
    /*
     * The layout and its watermarks are in Zones, mapping over what is there and the recovery from its failures in
     * Overlay. Either kind of range can be used anywhere: a file in the anonymous zone lies over its background like
     * any other and is replaced by it; an anonymous region in the mapped zone is a mapping of its own.
     *
     * A page without access stands at either end, so that no stranger is a neighbour. The kernel joins new pages with a
     * neighbour of their kind, and then no more with the pages on their other side once both have been written: pages
     * given back at the beginning of the anonymous zone, which are read-only for a moment, became part of a stranger's
     * read-only mapping below and stayed apart from their zone. Every such range cost a mapping. Where a reservation has
     * been cut out of others, that page may be readable, since it was once; that costs such a mapping, and no more.
     *
     * What the alignment leaves over at either end is kept, so that reservations made one after the other touch, and can
     * be joined.
     *
     * What is lost is left alone by everything that touches more than one region's range.
     */
    /** The smallest capacity in bytes. */
    public static final long MIN_CAPACITY = 16L << 20;
    /** The largest capacity in bytes. */
    public static final long MAX_CAPACITY = 32L << 40;

    private static final long SMALL_ALIGNMENT = 2L << 20;
    private static final long LARGE_ALIGNMENT = 1L << 30;
    private static final long LARGE_CAPACITY = 64L << 30;

    private final AddressRange owned; // absolute, with what is around it
    private final boolean cut;
    private final Unloading unloading;
    private final Overlay overlay;
    private final Zones zones;
    private final ReentrantLock retrying = new ReentrantLock();
    private final RangeSet quarantined = new RangeSet();
    private final RangeSet lost = new RangeSet();
    private final AtomicLong repairs = new AtomicLong();
    private volatile boolean parked;

    private Reservation(final NativeMemory memory, final AddressRange owned, final long capacity, final boolean cut) {
        super(memory, base(memory, owned, capacity), capacity);
        this.owned = owned;
        this.cut = cut;
        this.unloading = new Unloading(owned.offset(), owned.length(), false);
        this.overlay = new Overlay(memory);
        this.zones = new Zones(memory, base(), capacity, lost);
        Overlay.reserved(base(), capacity);
    }

    private static long base(final NativeMemory memory, final AddressRange owned, final long capacity) {
        final long alignment = alignment(capacity);
        return owned.offset() + memory.pageSize() + alignment - 1 & -alignment;
    }

    private static long alignment(final long capacity) {
        return capacity >= LARGE_CAPACITY ? LARGE_ALIGNMENT : SMALL_ALIGNMENT;
    }

    /**
     * Reserves a range. It takes no memory.
     *
     * @param memory the calls to use, also for everything done with the reservation later
     * @param capacity the size in bytes, a multiple of the page size between {@link #MIN_CAPACITY} and
     *     {@link #MAX_CAPACITY}
     * @return the reservation; its base is a multiple of 2 MiB, and from a capacity of 64 GiB on of 1 GiB
     * @throws IllegalArgumentException if the capacity is not allowed
     * @throws NativeException if the kernel refuses
     */
    public static Reservation reserve(final NativeMemory memory, final long capacity) {
        final long mask = memory.pageSize() - 1L;
        if (capacity < MIN_CAPACITY || capacity > MAX_CAPACITY || (capacity & mask) != 0) {
            throw new IllegalArgumentException("capacity out of range: capacity=" + capacity + ", min=" + MIN_CAPACITY +
                ", max=" + MAX_CAPACITY + ", pageSize=" + (mask + 1) +
                "; choose a multiple of the page size between 16 MiB and 32 TiB");
        }
        final long length = mask + 1 + capacity + alignment(capacity);
        final int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        final long start = memory.check(NativeCall.MMAP, 0, length, memory.mmap(0, length, PROT_NONE, flags, -1, 0));
        return make(memory, new AddressRange(start, length), capacity, false);
    }

    private static Reservation make(final NativeMemory memory, final AddressRange owned, final long capacity,
                                    final boolean cut) {
        boolean made = false;
        try {
            final Reservation reservation = new Reservation(memory, owned, capacity, cut);
            made = true;
            return reservation;
        } finally {
            if (!made) {
                giveBack(memory, owned, cut);
            }
        }
    }

    /** Gives addresses back to where they came from: 0, or a negated error number. */
    private static int giveBack(final NativeMemory memory, final AddressRange owned, final boolean cut) {
        if (cut) {
            memory.lot().put(owned.offset(), owned.end());
            return 0;
        }
        return memory.munmap(owned.offset(), owned.length());
    }

    /**
     * Makes a reservation of the addresses of others that were {@linkplain #dissolve() dissolved}, where the system has
     * none left.
     *
     * @param memory the calls to use, with which the others were reserved
     * @param capacity as for {@link #reserve}
     * @return the reservation, or null if none of what they left is long enough
     */
    public static @Nullable Reservation cut(final NativeMemory memory, final long capacity) {
        final AddressRange owned = memory.lot().take(capacity, alignment(capacity), memory.pageSize());
        return owned == null ? null : make(memory, owned, capacity, true);
    }

    /** {@return the bytes of addresses that reservations have left for {@link #cut}} */
    public static long bytesToCut(final NativeMemory memory) {
        return memory.lot().bytes();
    }

    /**
     * {@return the offset below which a search for room for anonymous memory should stay: above it every anonymous
     * range costs the kernel a mapping of its own} It falls when the mapped zone grows.
     */
    public long anonymousLimit() {
        return zones.mappedStart();
    }

    /**
     * {@return the offset from which a search for room for files should start: below it they part the anonymous zone}
     * It rises when the anonymous zone grows.
     */
    public long mappedLimit() {
        return zones.anonymousEnd();
    }

    /** Whether a range lies in the anonymous zone, where {@link #zeroAnonymous} is enough to use it again. */
    public boolean isInAnonymousZone(final long offset, final long length) {
        return offset + length <= zones.anonymousEnd();
    }

    /** {@return the bytes that wait in quarantine for {@link #retryQuarantined}} */
    public long quarantinedBytes() {
        return quarantined.bytes();
    }

    /** {@return the ranges that wait in quarantine, in order} */
    public List<AddressRange> quarantinedRanges() {
        return quarantined.list();
    }

    /** {@return the ranges that must never be used again, in order} They stay so after {@link #park}. */
    public List<AddressRange> lostRanges() {
        return lost.list();
    }

    /** {@return the bytes of the ranges that must never be used again} */
    public long lostBytes() {
        return lost.bytes();
    }

    /** {@return how many holes that failing calls had left were closed} */
    public long repairs() {
        return repairs.get();
    }

    /** {@return the bytes of scratch mappings that the kernel refused to remove} They are tried again before the next. */
    public long strandedBytes() {
        return overlay.strandedBytes();
    }

    /**
     * Makes a range readable and writable memory. In the anonymous zone it contains what its last user left: zero it
     * when it is used again. Elsewhere it is zero.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public void ensureAnonymous(final long offset, final long length) {
        requireRange(offset, length);
        zones.ensureAnonymous(offset, offset + length);
    }

    /**
     * Makes sure that a range is behind a watermark, so that it stays readable for ever, with the background of its
     * zone.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses
     */
    public void ensureMapped(final long offset, final long length) {
        requireRange(offset, length);
        zones.ensureMapped(offset, offset + length);
    }

    /**
     * Puts a part of a file over a range that shows its zone's background.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param file the open file; it may be closed afterwards
     * @param fileOffset the first byte in the file, a multiple of the page size. Bytes behind the file's end cannot be
     *     read: make sure before that there are none
     * @param access what the pages allow
     * @throws IllegalArgumentException if range, file offset or access are not allowed
     * @throws NativeException if the kernel refuses
     * @throws RangeLostException if it refuses and the range cannot be used again
     */
    public void mapFile(
        final long offset, final long length, final FileHandle file, final long fileOffset, final FileAccess access) {
        requireRange(offset, length);
        if (fileOffset < 0 || (fileOffset & pageMask()) != 0 || fileOffset > Long.MAX_VALUE - length) {
            throw new IllegalArgumentException("file offset not allowed: fileOffset=" + fileOffset + ", length=" +
                length + ", pageSize=" + (pageMask() + 1) + "; choose a multiple of the page size");
        }
        if (access == FileAccess.READ_WRITE && file.access() != FileAccess.READ_WRITE) {
            throw new IllegalArgumentException("access not allowed: access=" + access + ", file=" + file +
                "; open the file for writing");
        }
        ensureMapped(offset, length);
        final int descriptor = file.enter();
        try {
            // What may fail after the kernel has taken the background away is mapped elsewhere first, and moved.
            final boolean direct = !access.isPrivate() && file.mapsReliably();
            if (direct) {
                requirePlaced(NativeCall.MMAP, offset, length, memory().mmap(base() + offset, length,
                    access.protection(), access.mapFlags() | MAP_FIXED, descriptor, fileOffset));
            } else {
                final long scratch =
                    overlay.scratch(length, access.protection(), access.mapFlags(), descriptor, fileOffset);
                memory().check(NativeCall.MMAP, 0, length, scratch);
                requirePlaced(NativeCall.MREMAP, offset, length, overlay.move(scratch, length, base() + offset));
            }
        } finally {
            file.leave();
        }
    }

    /**
     * Puts huge pages of the kernel's default size over a range that shows its zone's background. They are set aside
     * for the range, so that touching them cannot fail, and are zero. {@link #restoreAnonymous} gives them back.
     *
     * @param offset the first byte, a multiple of the huge pages' size
     * @param length how many bytes, a multiple of the huge pages' size
     * @throws IllegalArgumentException if the range is not one of this reservation's
     * @throws NativeException if the kernel refuses, in particular where not enough huge pages are configured
     * @throws RangeLostException if it refuses and the range cannot be used again
     */
    public void mapHugePages(final long offset, final long length) {
        requireRange(offset, length);
        ensureMapped(offset, length);
        final long scratch =
            overlay.scratch(length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
        if (Errno.isError(scratch)) {
            throw new NativeException(NativeCall.MMAP, base() + offset, length, (int) -scratch,
                "not enough huge pages of the default size, or the length is not a multiple of it; set " +
                    "vm.nr_hugepages, see HugePages_Free and Hugepagesize in /proc/meminfo");
        }
        requirePlaced(NativeCall.MREMAP, offset, length, overlay.move(scratch, length, base() + offset));
    }

    private void requirePlaced(final NativeCall call, final long offset, final long length, final long result) {
        if (!Errno.isError(result)) {
            return;
        }
        final NativeException failure = memory().failure(call, base() + offset, length, (int) -result);
        if (!isBackgroundAfterFailure(offset, length)) {
            lost.add(offset, offset + length);
            throw new RangeLostException(offset, length, failure);
        }
        throw failure;
    }

    private boolean isBackgroundAfterFailure(final long offset, final long length) {
        final long border = base() + zones.anonymousEnd();
        final Overlay.State state = overlay.repair(base() + offset, length,
            entry -> entry.isAnonymous(entry.start() < border ? "rw-p" : "r--p"));
        if (state == Overlay.State.REPAIRED) {
            repairs.incrementAndGet();
            return makeZoneWritable(offset, length);
        }
        return state == Overlay.State.INTACT;
    }

    private boolean makeZoneWritable(final long offset, final long length) {
        final long part = Math.min(offset + length, zones.anonymousEnd()) - offset;
        return part <= 0 || memory().mprotect(base() + offset, part, READ_WRITE) == 0;
    }

    /**
     * Maps further pages of a file behind those that are mapped already, which are not touched.
     *
     * @param offset the first byte of the mapped part
     * @param mapped how many bytes are mapped, a multiple of the page size
     * @param length how many bytes will be mapped
     * @param file the open file, grown before
     * @param fileOffset the file offset of the mapped part's first byte
     * @param access what the pages allow
     * @throws IllegalArgumentException if an argument is not allowed
     * @throws NativeException if the kernel refuses
     * @throws RangeLostException if it refuses and the range behind the mapped part cannot be used again
     */
    public void extendFile(
        final long offset, final long mapped, final long length, final FileHandle file, final long fileOffset,
        final FileAccess access) {
        requireRange(offset, length);
        if (mapped < 0 || mapped >= length) {
            throw new IllegalArgumentException("extension not allowed: mapped=" + mapped + ", length=" + length +
                "; the new length must be larger");
        }
        mapFile(offset + mapped, length - mapped, file, fileOffset + mapped, access);
    }

    /**
     * Replaces a file's pages by the background of their zone.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @return what became of the range
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public RestoreResult restore(final long offset, final long length) {
        requireRange(offset, length);
        return replace(offset, length, this::mayBeOfFile);
    }

    /**
     * Replaces anonymous pages, whatever protection, advice or page size they were given, by the background of their
     * zone.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @return what became of the range
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public RestoreResult restoreAnonymous(final long offset, final long length) {
        requireRange(offset, length);
        return replace(offset, length, Reservation::mayBeOurs);
    }

    /**
     * Replaces the pages of neighbouring ranges by the background of their zone, with one call.
     *
     * @param offset the first byte
     * @param length how many bytes
     * @param files  whether these are pages of files, as for {@link #restore}, or anonymous, as for
     *     {@link #restoreAnonymous}
     * @return what became of all of it; {@link RestoreResult#QUARANTINED} if the kernel refused: nothing is noted then, and
     *     each range is to be restored by itself, which says what becomes of it
     * @throws IllegalArgumentException if the range is not one of this reservation's
     */
    public RestoreResult restoreTogether(final long offset, final long length, final boolean files) {
        requireRange(offset, length);
        return tryReplace(offset, length, files ? this::mayBeOfFile : Reservation::mayBeOurs);
    }

    /** Whether it may be a file's, or the background of addresses that a file has not grown into. */
    private boolean mayBeOfFile(final KernelMappings.Entry entry) {
        return entry.isFile() || entry.isAnonymous("r--p") ||
            entry.start() < base() + zones.anonymousEnd() && entry.isAnonymous("rw-p");
    }

    private static boolean mayBeOurs(final KernelMappings.Entry entry) {
        return entry.isFile() || entry.isAnonymous("r--p") || entry.isAnonymous("rw-p");
    }

    private RestoreResult replace(
        final long offset, final long length, final Predicate<KernelMappings.Entry> before) {
        final RestoreResult result = tryReplace(offset, length, before);
        if (result == RestoreResult.QUARANTINED) {
            quarantined.add(offset, offset + length);
        }
        return result;
    }

    private RestoreResult tryReplace(
        final long offset, final long length, final Predicate<KernelMappings.Entry> before) {
        if (Errno.isError(overlay.zero(base() + offset, length))) {
            final Overlay.State state = overlay.repair(base() + offset, length, before);
            if (state == Overlay.State.LOST) {
                lost.add(offset, offset + length);
                return RestoreResult.LOST;
            }
            if (state == Overlay.State.INTACT) {
                return RestoreResult.QUARANTINED;
            }
            repairs.incrementAndGet();
        }
        return makeZoneWritable(offset, length) ? RestoreResult.RESTORED : RestoreResult.QUARANTINED;
    }

    /**
     * Tries again to give back what is in quarantine: a range that is neither there nor lost afterwards may be used again.
     * Does nothing while another thread is at it.
     *
     * @return the bytes that are still in quarantine
     */
    public long retryQuarantined() {
        overlay.unmapStranded();
        if (quarantined.bytes() != 0 && retrying.tryLock()) {
            try {
                for (final AddressRange range : quarantined.list()) {
                    final RestoreResult result = tryReplace(range.offset(), range.length(), Reservation::mayBeOurs);
                    if (result != RestoreResult.QUARANTINED) {
                        quarantined.remove(range.offset());
                    }
                }
            } finally {
                retrying.unlock();
            }
        }
        return quarantined.bytes();
    }

    /**
     * Gives all memory back to the system. Every address that was readable stays so and reads as zero. Nobody may use
     * a range meanwhile, except for reading what may be stale. Idempotent.
     *
     * @return whether everything was given back; if not, call again later
     */
    public boolean park() {
        retrying.lock();
        try {
            if (parked) {
                return true;
            }
            overlay.unmapStranded();
            final boolean anonymous = parkZone(0, zones.anonymousEnd());
            final boolean mapped = parkZone(zones.mappedStart(), capacity());
            final boolean all = anonymous && mapped;
            if (all) {
                quarantined.clear();
            }
            parked = all;
            unloading.arm(all);
            return all;
        } finally {
            retrying.unlock();
        }
    }

    private boolean parkZone(final long from, final long to) {
        boolean all = true;
        for (final AddressRange part : lost.outside(from, to)) {
            // First without the lock that keeps all other threads from faulting pages in. What the kernel refuses to
            // drop here is replaced below.
            memory().madvise(base() + part.offset(), part.length(), MADV_DONTNEED);
            if (Errno.isError(overlay.zero(base() + part.offset(), part.length()))) {
                final Overlay.State state =
                    overlay.repair(base() + part.offset(), part.length(), Reservation::mayBeOurs);
                if (state == Overlay.State.LOST) {
                    lost.add(part.offset(), part.end());
                }
                if (state == Overlay.State.REPAIRED) {
                    repairs.incrementAndGet();
                }
                all &= state != Overlay.State.INTACT;
            }
        }
        return all;
    }

    /**
     * Makes a parked reservation ready for use from the beginning. Lost ranges stay lost.
     *
     * @throws IllegalStateException if it is not parked, or not everything could be given back then
     */
    public void unpark() {
        retrying.lock();
        try {
            if (!parked) {
                throw new IllegalStateException("reservation is in use: " + this + "; park it first");
            }
            parked = false;
            unloading.arm(false);
            zones.reset();
        } finally {
            retrying.unlock();
        }
    }

    /**
     * Leaves the addresses to others, joined with what lies beside them. It must not be used again.
     *
     * @throws IllegalStateException if it is not parked, not everything could be given back then, or a range was lost
     */
    public void dissolve() {
        retrying.lock();
        try {
            if (!parked || lost.bytes() != 0) {
                throw new IllegalStateException("reservation cannot be dissolved: " + this + "; park it first");
            }
            memory().lot().put(owned.offset(), owned.end());
            forget();
            parked = false;
        } finally {
            retrying.unlock();
        }
    }

    /**
     * Gives the addresses back to the process, or to those it was cut out of. Only for a reservation none of whose
     * addresses anybody knows: another mapping may come to them at once.
     *
     * @throws NativeException if the kernel refuses
     */
    public void release() {
        memory().check(NativeCall.MUNMAP, owned.offset(), owned.length(), giveBack(memory(), owned, cut));
        forget();
    }

    private void forget() {
        unloading.arm(false);
        Overlay.released(base(), capacity());
    }

    @Override
    public String toString() {
        return "Reservation[base=0x" + Long.toHexString(base()) + ", capacity=" + capacity() + ", anonymousEnd=" +
            zones.anonymousEnd() + ", mappedStart=" + zones.mappedStart() + ", quarantined=" + quarantined.bytes() +
            ", lost=" + lost.bytes() + ", parked=" + parked + "]";
    }
}
