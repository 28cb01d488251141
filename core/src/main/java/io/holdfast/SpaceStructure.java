// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.Waiting;
import io.holdfast.lock.RangeLock;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * How the structure of an address space is changed: one region at a time, or many in a section. Thread-safe; a single
 * change waits while a section has its addresses, and a region that may be anywhere goes where no section is.
 */
abstract sealed class SpaceStructure extends SpaceInspection permits AddressSpace {
    /**
     * Maps anonymous memory, zeroed, readable and writable.
     *
     * @param sizeBytes more than 0; addresses are taken in whole pages
     * @return the region, mapped
     * @throws IllegalArgumentException if the size is not positive
     * @throws MappingException         if a limit of the space is reached or the system refuses; nothing has changed
     *                                  then
     * @throws IllegalStateException    if the space is closed
     */
    public Region map(final long sizeBytes) {
        return map(MapRequest.anonymous(sizeBytes));
    }

    /**
     * Maps a part of a file.
     *
     * @param backing the file, the access to it, and the range of bytes
     * @return the region, mapped
     * @throws IllegalArgumentException     if the range makes no sense
     * @throws java.io.UncheckedIOException if the file is missing, unreadable, not a regular file, empty, or shorter
     *                                      than the range, or cannot grow
     * @throws MappingException             if a limit of the space is reached or the system refuses; nothing has
     *                                      changed then
     * @throws IllegalStateException        if the space is closed
     */
    public Region map(final FileBacking backing) {
        return map(MapRequest.file(backing));
    }

    /**
     * Maps what a request says, where and how it says it.
     *
     * @param request what is to be mapped
     * @return the region, mapped
     * @throws IllegalArgumentException     if a fixed address is misaligned or outside of the space, or a range makes
     *                                      no sense
     * @throws java.io.UncheckedIOException as {@link #map(FileBacking)}
     * @throws MappingException             if a fixed address is taken, a limit of the space is reached, or the system
     *                                      refuses; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if a section has the addresses, or too much waits for pins and snapshots
     *                                      ({@link AddressSpace.Builder#retiredBytes}), and the thread would wait for
     *                                      itself, or could: it has a section, or holds a guard or a pin (G10)
     */
    public Region map(final MapRequest request) {
        try (Waiting waiting = engines().space().waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(engines().map().map(request, waiting, this::region));
        }
    }

    /**
     * Maps what a request says if no section keeps it from that at this moment, nor the memory of what changes have
     * replaced ({@link AddressSpace.Builder#retiredBytes}).
     *
     * @param request what is to be mapped
     * @return the region, mapped, or null if a section has the addresses or too much waits for pins and snapshots
     * @throws IllegalArgumentException     as {@link #map(MapRequest)}
     * @throws java.io.UncheckedIOException as {@link #map(MapRequest)}
     * @throws MappingException             as {@link #map(MapRequest)}
     * @throws IllegalStateException        as {@link #map(MapRequest)}
     * @throws IllegalMonitorStateException as {@link #map(MapRequest)}
     */
    public @Nullable Region tryMap(final MapRequest request) {
        try (Waiting noTime = engines().space().waiting(0, false)) {
            return engines().map().map(request, noTime, this::region);
        }
    }

    // -------------------------------------------------------------------------------------------------- sections

    private void checkRange(final long start, final long end) {
        if (start < 0 || start >= end || end > self().capacity()) {
            throw new IllegalArgumentException("range of a section is empty, or not of this space: start=" + start +
                ", end=" + end + ", capacity=" + self().capacity());
        }
        engines().space().checkOpen("section");
    }

    private RangeLock.@Nullable Entry acquire(final long start, final long end, final RangeLock.Mode mode,
                                              final Waiting waiting) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !engines().space().backPressure().admit("section", waiting)) {
            return null;
        }
        return opened(engines().space().ranges().acquire(start, end, mode, waiting));
    }

    /** A section that came in after the beginning of a close, which waits for it, goes away again. */
    private RangeLock.@Nullable Entry opened(final RangeLock.@Nullable Entry entry) {
        if (entry != null && engines().space().isClosed()) {
            engines().space().ranges().release(entry);
            engines().space().checkOpen("section");
        }
        return entry;
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode) {
        try (Waiting waiting = engines().space().waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(acquire(start, end, mode, waiting));
        }
    }

    private RangeLock.Entry acquire(final long start, final long end, final RangeLock.Mode mode, final long timeout,
                                    final TimeUnit unit) throws InterruptedException, TimeoutException {
        if (Thread.interrupted()) {
            throw new InterruptedException("section interrupted: " + this);
        }
        try (Waiting waiting = engines().space().waiting(unit.toNanos(timeout), true)) {
            final RangeLock.Entry entry = acquire(start, end, mode, waiting);
            if (waiting.endedByInterrupt()) {
                throw new InterruptedException("section interrupted: " + this);
            }
            if (entry == null) {
                throw new TimeoutException("section timed out: mode=" + mode + ", start=0x" + Long.toHexString(start) +
                    ", end=0x" + Long.toHexString(end) + ", " + this + ", sections=" +
                    engines().space().ranges().sections());
            }
            return entry;
        }
    }

    private RangeLock.@Nullable Entry tryAcquire(final long start, final long end, final RangeLock.Mode mode) {
        checkRange(start, end);
        if (mode == RangeLock.Mode.WRITE && !engines().space().backPressure().hasRoom()) {
            return null;
        }
        try (Waiting noTime = engines().space().waiting(0, false)) {
            return opened(engines().space().ranges().tryAcquire(start, end, mode, noTime));
        }
    }

    /**
     * Begins a write section of the whole space; waits for sections and changes that came first.
     *
     * @return the section, to be closed by the same thread
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if the thread has a section in this space, or holds a guard or a pin, and so
     *                                      would wait for itself, or could (G10)
     */
    public WriteSection write() {
        return write(0, self().capacity());
    }

    /**
     * Begins a write section; waits for sections and changes of overlapping ranges that came first, and for no others.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread
     * @throws IllegalArgumentException     if the range is empty or not of this space
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    public WriteSection write(final long start, final long end) {
        return new WriteSection(self(), acquire(start, end, RangeLock.Mode.WRITE));
    }

    /**
     * Begins a write section; waits for so long. Giving up leaves nothing behind.
     *
     * @param start   address of the first byte
     * @param end     address just past the last
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the section, to be closed by the same thread
     * @throws InterruptedException         if the thread is interrupted when it comes, or while it waits
     * @throws TimeoutException             if the time is over
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    public WriteSection write(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new WriteSection(self(), acquire(start, end, RangeLock.Mode.WRITE, timeout, unit));
    }

    /**
     * Begins a write section if that is possible at once.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread; or null
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException if the thread has a section in this space
     */
    public @Nullable WriteSection tryWrite(final long start, final long end) {
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.WRITE);
        return entry == null ? null : new WriteSection(self(), entry);
    }

    /**
     * Begins a read section; waits for write sections and changes of overlapping ranges that came first.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    public ReadSection read(final long start, final long end) {
        return new ReadSection(self(), acquire(start, end, RangeLock.Mode.READ));
    }

    /**
     * Begins a read section; waits for so long. Giving up leaves nothing behind.
     *
     * @param start   address of the first byte
     * @param end     address just past the last
     * @param timeout how long to wait at most; 0 or less does not wait
     * @param unit    unit of the timeout
     * @return the section, to be closed by the same thread
     * @throws InterruptedException         as {@link #write(long, long, long, TimeUnit)}
     * @throws TimeoutException             as {@link #write(long, long, long, TimeUnit)}
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #write()}
     */
    public ReadSection read(final long start, final long end, final long timeout, final TimeUnit unit)
        throws InterruptedException, TimeoutException {
        return new ReadSection(self(), acquire(start, end, RangeLock.Mode.READ, timeout, unit));
    }

    /**
     * Begins a read section if that is possible at once.
     *
     * @param start address of the first byte
     * @param end   address just past the last
     * @return the section, to be closed by the same thread; or null
     * @throws IllegalArgumentException     as {@link #write(long, long)}
     * @throws IllegalStateException        as {@link #write()}
     * @throws IllegalMonitorStateException as {@link #tryWrite}
     */
    public @Nullable ReadSection tryRead(final long start, final long end) {
        final RangeLock.Entry entry = tryAcquire(start, end, RangeLock.Mode.READ);
        return entry == null ? null : new ReadSection(self(), entry);
    }
}
