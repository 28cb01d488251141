// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.Charset;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Keeps a directory to one store, of this process or any other, by {@code flock} on a file in it. A killed process
 * leaves the file behind but no lock.
 *
 * <p>Not by {@link java.nio.channels.FileLock}: that is a POSIX record lock, which belongs to the process and is gone as
 * soon as the process closes any descriptor of the file, so that whoever copies the directory unlocks it without a
 * sign. Not by a process's number in the file either, which says nothing in another container and may be somebody
 * else's by now. A {@code flock} belongs to the one descriptor that took it. The price is three system calls that
 * the JDK does not offer.
 */
final class DirectoryLock implements AutoCloseable {
    private static final int OPEN_READ_ONLY = 0;
    private static final int OPEN_CLOSE_ON_EXEC = 0x80000;
    private static final int LOCK_EXCLUSIVE = 2;
    private static final int LOCK_NON_BLOCKING = 4;
    private static final int EWOULDBLOCK = 11;

    private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO =
        CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno")).withInvokeExactBehavior();

    private static final MethodHandle OPEN = handle("open",
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
        Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(2));
    private static final MethodHandle FLOCK = handle("flock",
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT),
        Linker.Option.captureCallState("errno"));
    private static final MethodHandle CLOSE = handle("close",
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

    private final int descriptor;

    private DirectoryLock(final int descriptor) {
        this.descriptor = descriptor;
    }

    /**
     * Locks a directory or fails at once.
     *
     * @throws StoreException if somebody has it, or the file system has no such locks
     */
    static DirectoryLock acquire(final Path directory) {
        final Path file = directory.resolve(StoreFiles.LOCK);
        create(file);
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment state = arena.allocate(CALL_STATE);
            final MemorySegment name = arena.allocateFrom(file.toString(), nameEncoding());
            final int opened =
                (int) OPEN.invokeExact(state, name, OPEN_READ_ONLY | OPEN_CLOSE_ON_EXEC);
            if (opened < 0) {
                throw refused("open", file, state);
            }
            final int locked =
                (int) FLOCK.invokeExact(state, opened, LOCK_EXCLUSIVE | LOCK_NON_BLOCKING);
            if (locked == 0) {
                return new DirectoryLock(opened);
            }
            close(opened);
            if (errno(state) == EWOULDBLOCK) {
                throw new StoreException("store is in use: directory=" + directory +
                    "; close the other store, of this process or another one, or choose another directory");
            }
            throw refused("flock", file, state);
        } catch (final RuntimeException | Error e) {
            throw e;
        } catch (final Throwable e) {
            throw new IllegalStateException("system call failed: file=" + file, e);
        }
    }

    @SuppressWarnings("restricted")
    private static MethodHandle handle(
        final String name, final FunctionDescriptor type, final Linker.Option... options) {
        final Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, options);
    }

    private static void create(final Path file) {
        try {
            Files.createFile(file);
        } catch (final FileAlreadyExistsException e) {
            // Somebody's, or that of a run before: who holds the lock on it counts.
        } catch (final IOException e) {
            throw StoreFiles.failure("create", file, e);
        }
    }

    /** The bytes that the JDK makes of a file's name. */
    private static Charset nameEncoding() {
        return Charset.forName(System.getProperty("sun.jnu.encoding", "UTF-8"));
    }

    private static int errno(final MemorySegment state) {
        return (int) ERRNO.get(state, 0L);
    }

    private static StoreException refused(final String call, final Path file, final MemorySegment state) {
        return new StoreException("cannot lock directory: call=" + call + ", file=" + file + ", errno=" +
            errno(state) + "; choose a directory of a local file system that can be read and written");
    }

    private static void close(final int descriptor) {
        try {
            // Whatever it says, the descriptor is gone.
            final int ignored = (int) CLOSE.invokeExact(descriptor);
        } catch (final Throwable e) {
            throw new IllegalStateException("system call failed: close", e);
        }
    }

    @Override
    public void close() {
        close(descriptor);
    }
}
