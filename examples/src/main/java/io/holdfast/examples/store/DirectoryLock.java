// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a directory to one store: a lock on a file in it against other processes, a set of directories against a second
 * store in this one. The set is asked first, because POSIX drops all of a process's locks on a file as soon as any of
 * its descriptors for that file is closed, so a second attempt must not even open it. A killed process leaves the file
 * behind but no lock.
 */
final class DirectoryLock implements AutoCloseable {
    private static final Set<Path> HELD_HERE = ConcurrentHashMap.newKeySet();

    private final Path directory;
    private final FileChannel channel;

    private DirectoryLock(final Path directory, final FileChannel channel) {
        this.directory = directory;
        this.channel = channel;
    }

    /**
     * Locks a directory or fails at once.
     *
     * @param directory a real path
     */
    static DirectoryLock acquire(final Path directory) {
        if (!HELD_HERE.add(directory)) {
            throw inUse(directory, "this process");
        }
        boolean held = false;
        try {
            final FileChannel channel = FileChannel.open(
                directory.resolve(StoreFiles.LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            final @Nullable FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw inUse(directory, "another process");
            }
            held = true;
            return new DirectoryLock(directory, channel);
        } catch (final IOException e) {
            throw StoreFiles.failure("lock", directory.resolve(StoreFiles.LOCK), e);
        } finally {
            if (!held) {
                HELD_HERE.remove(directory);
            }
        }
    }

    private static @Nullable FileLock tryLock(final FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (final IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    private static StoreException inUse(final Path directory, final String owner) {
        return new StoreException("store is in use: directory=" + directory + ", by=" + owner +
            "; close the other one or choose another directory");
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (final IOException e) {
            throw StoreFiles.failure("unlock", directory.resolve(StoreFiles.LOCK), e);
        } finally {
            HELD_HERE.remove(directory);
        }
    }
}
