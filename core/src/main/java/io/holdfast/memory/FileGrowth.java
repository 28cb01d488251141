// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.concurrent.locks.ReentrantLock;

/**
 * The time in which a file grows for something that may fail yet. If it fails, the file is as long as it was before.
 * Until the end no other thread can change or rely on the file's size through this library; another process can.
 *
 * <p>Used by one thread.
 */
public final class FileGrowth implements AutoCloseable {
    private final FileHandle file;
    private final ReentrantLock lock;
    private final FileStatus before;
    private boolean kept;

    /**
     * Begins; waits while another growth of the file is under way.
     *
     * @param file open for writing, and until the end
     * @throws java.io.UncheckedIOException if the file system fails
     */
    public FileGrowth(final FileHandle file) {
        this.file = file;
        this.lock = file.sizeLock();
        lock.lock();
        try {
            file.enter();
            try {
                this.before = file.statusNow();
            } finally {
                file.leave();
            }
        } catch (final Throwable e) {
            lock.unlock();
            throw e;
        }
    }

    /** {@return the file's size in bytes at the beginning} */
    public long sizeBefore() {
        return before.size();
    }

    /**
     * Lets the file grow to at least a size, as {@link FileHandle#ensureLength}.
     *
     * @param length the size in bytes that the file has at least afterwards
     * @throws IllegalArgumentException if the length is negative
     * @throws java.io.UncheckedIOException if the disk is full or the file system fails
     */
    public void ensureLength(final long length) {
        file.enter();
        try {
            file.ensureLength(before, length);
        } finally {
            file.leave();
        }
    }

    /** What the file grew for has happened. */
    public void keep() {
        kept = true;
    }

    /**
     * Ends, and cuts the file back unless its growth is kept.
     *
     * @throws java.io.UncheckedIOException if the file cannot be cut; the file is longer than it was then
     */
    @Override
    public void close() {
        try {
            if (!kept && file.size() > before.size()) {
                file.truncate(before.size());
            }
        } finally {
            lock.unlock();
        }
    }
}
