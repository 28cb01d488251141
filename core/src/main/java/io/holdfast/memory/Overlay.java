// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static io.holdfast.memory.NativeMemory.MAP_ANONYMOUS;
import static io.holdfast.memory.NativeMemory.MAP_FIXED;
import static io.holdfast.memory.NativeMemory.MAP_FIXED_NOREPLACE;
import static io.holdfast.memory.NativeMemory.MAP_NORESERVE;
import static io.holdfast.memory.NativeMemory.MAP_PRIVATE;
import static io.holdfast.memory.NativeMemory.MREMAP_FIXED;
import static io.holdfast.memory.NativeMemory.MREMAP_MAYMOVE;
import static io.holdfast.memory.NativeMemory.PROT_READ;

import java.io.UncheckedIOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.StampedLock;
import java.util.function.Predicate;

/**
 * Puts mappings over others at fixed addresses, and knows afterwards what is there, also when the call fails. Works on
 * absolute addresses; stateless but for the scratch mappings that could not be removed.
 */
final class Overlay {
    /*
     * A mapping at a fixed address can fail after the kernel has taken away what was there. Every failure is therefore
     * followed by repair(): it puts zero pages into the range with MAP_FIXED_NOREPLACE, which succeeds exactly when the
     * range is a hole. Otherwise something is there; the kernel's list tells whether it is what stood there before.
     *
     *    zero pages go in               REPAIRED   the call left a hole, now closed
     *    all as before, no gap          INTACT     the call failed before it changed anything
     *    anything else                  LOST       a hole, and somebody else has got in, or it cannot be closed
     *
     * The kernel takes a range away as a whole, so a gap beside something means that this something came later. In
     * memory of a kind that stood there before, of exactly the hole's extent, a stranger is not recognised; the chance
     * of that is accepted: it takes a failure of the kernel and a matching request of another thread within the few
     * microseconds until the repair.
     *
     * What gets in is often a scratch mapping of another thread, which that thread then turns into zero pages at a fixed
     * address. It must not do so late: once the repair is over, the range may be used again, and the zero pages would
     * replace what its user has put there. So the choice of an address and the zero pages are one step for the repair,
     * which waits for those that have begun (SCRATCH); a thread that stops in between stops the repairs, and no others.
     */
    /** What is in a range after a failed call. */
    enum State {
        /** What was there before. */
        INTACT,
        /** Zero pages that can be read. */
        REPAIRED,
        /** Nothing, or what somebody else has put there. */
        LOST
    }

    /** The address ranges of all reservations of the process. */
    private static final List<AddressRange> RESERVED = new CopyOnWriteArrayList<>();
    private static final int ZERO_PAGES = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    private static final int REPAIRS = 3;
    /** Shared by those that make a scratch mapping in the process, exclusive for a repair. */
    private static final StampedLock SCRATCH = new StampedLock();

    private final NativeMemory memory;
    private final RangeSet stranded = new RangeSet();

    Overlay(final NativeMemory memory) {
        this.memory = memory;
    }

    /** Puts zero pages that can be read over a range: the address, or a negated error number. */
    long zero(final long address, final long length) {
        return memory.mmap(address, length, PROT_READ, ZERO_PAGES | MAP_FIXED, -1, 0);
    }

    /** Makes an address range known as one of a reservation's. */
    static void reserved(final long address, final long length) {
        RESERVED.add(new AddressRange(address, length));
    }

    /** Forgets a reservation's address range. */
    static void released(final long address, final long length) {
        RESERVED.remove(new AddressRange(address, length));
    }

    /**
     * Makes a mapping at an address that nobody knows: the address, or a negated error number.
     *
     * <p>Where a failing call has just left a hole in a reservation, the kernel may choose it. Such a mapping is turned
     * into zero pages, which closes the hole, and another one is made: what is in a reservation must not be moved away.
     * What could not be removed before is tried again first, so that it does not gather.
     */
    long scratch(
        final long length, final int protection, final int flags, final int descriptor, final long offset) {
        unmapStranded();
        final long stamp = SCRATCH.readLock();
        try {
            long address = memory.mmap(0, length, protection, flags, descriptor, offset);
            while (isReserved(address)) {
                zero(address, length);
                address = memory.mmap(0, length, protection, flags, descriptor, offset);
            }
            return address;
        } finally {
            SCRATCH.unlockRead(stamp);
        }
    }

    private static boolean isReserved(final long address) {
        for (final AddressRange range : RESERVED) {
            if (address >= range.offset() && address < range.end()) {
                return true;
            }
        }
        return false;
    }

    /** Moves a scratch mapping to its place. After a failure the scratch mapping is gone as well. */
    long move(final long scratch, final long length, final long address) {
        boolean placed = false;
        try {
            final long moved = memory.mremap(scratch, length, length, MREMAP_MAYMOVE | MREMAP_FIXED, address);
            placed = !Errno.isError(moved);
            return moved;
        } finally {
            if (!placed) { // refused, or not called, since heap or stack ended on the way
                unmap(scratch, length);
            }
        }
    }

    /** {@return the bytes of scratch mappings that wait for their removal} */
    long strandedBytes() {
        return stranded.bytes();
    }

    /** Removes scratch mappings whose removal has failed before. */
    void unmapStranded() {
        for (final AddressRange range : stranded.list()) {
            // Taken out first: once it is unmapped, another mapping may be there, which nobody else may unmap.
            if (stranded.remove(range.offset())) {
                unmap(range.offset(), range.length());
            }
        }
    }

    private void unmap(final long address, final long length) {
        if (memory.munmap(address, length) != 0) {
            stranded.add(address, address + length);
        }
    }

    /**
     * Finds out what a failed call has left, and closes the hole if it is one.
     *
     * @param address the range's first address
     * @param length the range's length
     * @param before tells for each mapping in the range whether it may have stood there before the call
     * @return what is in the range now
     */
    State repair(final long address, final long length, final Predicate<KernelMappings.Entry> before) {
        final long stamp = SCRATCH.writeLock();
        try {
            return close(address, length, before);
        } finally {
            SCRATCH.unlockWrite(stamp);
        }
    }

    private State close(final long address, final long length, final Predicate<KernelMappings.Entry> before) {
        for (int attempt = 0; attempt < REPAIRS; attempt++) {
            final long placed = fill(address, length);
            if (placed == address) {
                return State.REPAIRED;
            }
            // At vm.max_map_count the kernel refuses before it looks whether something is there.
            final List<KernelMappings.Entry> entries = entries(address, length);
            if (placed == -Errno.EEXIST || !entries.isEmpty()) {
                return isIntact(address, length, entries, before) ? State.INTACT : State.LOST;
            }
        }
        return State.LOST;
    }

    // A kernel that does not know NOREPLACE takes the address as a wish and maps elsewhere.
    private long fill(final long address, final long length) {
        final long placed = memory.mmap(address, length, PROT_READ, ZERO_PAGES | MAP_FIXED_NOREPLACE, -1, 0);
        if (Errno.isError(placed) || placed == address) {
            return placed;
        }
        unmap(placed, length);
        return -Errno.EEXIST;
    }

    private static List<KernelMappings.Entry> entries(final long address, final long length) {
        try {
            return KernelMappings.within(address, address + length);
        } catch (final UncheckedIOException unreadable) {
            return List.of();
        }
    }

    // Closes what gaps there are, because stale reads may come to them.
    private boolean isIntact(
        final long address, final long length, final List<KernelMappings.Entry> entries,
        final Predicate<KernelMappings.Entry> before) {
        boolean intact = true;
        long covered = address;
        for (final KernelMappings.Entry entry : entries) {
            if (entry.start() > covered) {
                fill(covered, entry.start() - covered);
                intact = false;
            }
            intact &= before.test(entry);
            covered = entry.end();
        }
        if (covered < address + length) {
            fill(covered, address + length - covered);
            intact = false;
        }
        return intact;
    }
}
