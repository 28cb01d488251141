// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.lock.RegionLock;
import java.lang.foreign.MemorySegment;

/**
 * What can be done to the pages of a region where they are. Every operation locks the region itself, or uses the lock
 * that the thread holds on it, so none can reach what comes to the same addresses later. Ranges are given by offset in
 * the region and length, in bytes. A region that a write section of the thread has changed refuses all of them, with a
 * {@link RegionException}, until the section is published or closed.
 */
abstract sealed class RegionPages extends RegionLocks permits RegionStructure {
    RegionPages(final AddressSpace space, final RegionLock lock, final long record, final long incarnation) {
        super(space, lock, record, incarnation);
    }

    private PageEngine pages() {
        return space().engines().pages();
    }

    /**
     * Says how the region is going to be used. No byte changes.
     *
     * @param advice how
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses, for example because it does not know the advice
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void advise(final Advice advice) {
        pages().advise(self(), advice);
    }

    /**
     * Says how a range is going to be used. The advice is for all pages that the range touches. No byte changes.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @param advice how
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses, for example because it does not know the advice
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void advise(final long offset, final long length, final Advice advice) {
        pages().advise(self(), offset, length, advice);
    }

    /**
     * Keeps all pages in memory, and reads those in that are not, until {@link #unlockFromMemory()} or the region's
     * end. What the region grows by later is not locked.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the limit of locked memory does not allow it; the pages are not locked then
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void lockInMemory() {
        pages().lock(self(), true);
    }

    /**
     * Lets the system reclaim the pages again.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void unlockFromMemory() {
        pages().lock(self(), false);
    }

    /**
     * Makes all pages present, so that the first access to each waits for nothing. No byte changes.
     *
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if there is not enough memory, or the file cannot be read
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void populate() {
        pages().populate(self());
    }

    /**
     * Counts the bytes that are in memory now, in whole pages.
     *
     * @return the bytes, which another moment may change
     * @throws RegionException              if the region is unmapped
     * @throws MappingException             if the system refuses
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public long residentBytes() {
        return pages().residentBytes(self());
    }

    /**
     * Writes what was changed in a shared file mapping to the device, and waits for it. For other regions there is
     * nothing to do.
     *
     * @throws RegionException              if the region is unmapped
     * @throws java.io.UncheckedIOException if the device reports an error
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void force() {
        pages().force(self());
    }

    /**
     * Writes what was changed in a range of a shared file mapping to the device, and waits for it. For other regions
     * there is nothing to do.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws RegionException              if the region is unmapped
     * @throws java.io.UncheckedIOException if the device reports an error
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void force(final long offset, final long length) {
        pages().force(self(), offset, length);
    }

    /**
     * Gives the memory of a range of an anonymous region back to the system; the range reads as zero from then on.
     * Holds the region exclusively meanwhile, so every stamp fails and every other guard is waited for.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws RegionException              if the region is unmapped, read-only, or not anonymous
     * @throws MappingException             if the system refuses, for example because the pages are locked in memory;
     *                                      nothing has changed then
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void discard(final long offset, final long length) {
        pages().discard(self(), offset, length);
    }

    /**
     * Gives the blocks of a range of a file back to its file system; the range reads as zero from then on, in the
     * region and in the file, whose size stays. Holds the region exclusively meanwhile, as {@link #discard} does; other
     * regions on the same file see the zeros at once.
     *
     * @param offset of the first byte in the region, in bytes
     * @param length in bytes, more than 0
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws RegionException              if the region is unmapped, or not a shared writable mapping of a file
     * @throws MappingException             if the system refuses, for example because the file system has no holes;
     *                                      nothing has changed then
     * @throws TruncatedException           if somebody else has truncated the file; a part may read as zero
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public void punchHole(final long offset, final long length) {
        pages().punchHole(self(), offset, length);
    }

    /**
     * Copies bytes out of the region under a shared lock, and reports it where they are gone because somebody else has
     * truncated the file. Plain access to such bytes makes the virtual machine throw an {@link InternalError}, and that
     * not always where the access is; checksums, inflaters and native callees can even bring it down, so give them what
     * was copied out with this.
     *
     * @param offset       of the first byte in the region, in bytes
     * @param target       where to copy to
     * @param targetOffset of the first byte in the target, in bytes
     * @param length       in bytes, 0 or more
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws IndexOutOfBoundsException    if the range is not one of the target's
     * @throws TruncatedException           if the bytes cannot be read; a part may have been copied
     * @throws InternalError                if the memory of the target is a mapped file that somebody else has truncated;
     *                                      a part may have been copied
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalStateException        if the memory of the target is freed already
     * @throws WrongThreadException         if the target belongs to another thread
     */
    public void copyOut(final long offset, final MemorySegment target, final long targetOffset, final long length) {
        pages().copyOut(self(), offset, target, targetOffset, length);
    }

    /**
     * Copies bytes into the region under a shared lock, and reports it where they cannot be written because somebody
     * else has truncated the file, or the device is full. Several threads may copy in at the same time: they order
     * themselves.
     *
     * @param source       where to copy from
     * @param sourceOffset of the first byte in the source, in bytes
     * @param offset       of the first byte in the region, in bytes
     * @param length       in bytes, 0 or more
     * @throws IllegalArgumentException     if the range is not one of the region's
     * @throws IndexOutOfBoundsException    if the range is not one of the source's
     * @throws TruncatedException           if the bytes cannot be written; a part may have been copied
     * @throws InternalError                if the memory of the source is a mapped file that somebody else has truncated;
     *                                      a part may have been copied
     * @throws RegionException              if the region is unmapped or read-only
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     * @throws IllegalStateException        if the memory of the source is freed already
     * @throws WrongThreadException         if the source belongs to another thread
     */
    public void copyIn(final MemorySegment source, final long sourceOffset, final long offset, final long length) {
        pages().copyIn(self(), source, sourceOffset, offset, length);
    }

    /**
     * How many bytes from the beginning can be read: all of them, unless somebody else has truncated the file.
     *
     * @return the bytes, in whole pages of the file but for the last
     * @throws RegionException              if the region is unmapped
     * @throws IllegalMonitorStateException if the thread would wait for itself (G10)
     */
    public long readableBytes() {
        return pages().readableBytes(self());
    }
}
