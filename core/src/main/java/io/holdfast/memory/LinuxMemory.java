// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The calls as Linux has them, through the C library. The only class of the library that uses the linker. */
final class LinuxMemory extends NativeMemory {
    /*
     * Each handle is looked up once and is a constant for the compiler. All but one store errno into a slot on every
     * return; it is read only when the result is -1. Pointers that the library computes are passed as longs, which both
     * machines pass in the same registers, so that no segment is made for a call.
     *
     * The barrier is the hottest call and does nothing when it fails, so it runs without storing errno and is repeated
     * with it after a failure.
     */
    private static final Linker LINKER = Linker.nativeLinker();
    private static final CaptureSlots SLOTS = new CaptureSlots();
    /** No argument of the function is variadic. */
    private static final int NONE = -1;

    private static final MethodHandle MMAP = captured("mmap", NONE,
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = captured("munmap", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MPROTECT = captured("mprotect", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MREMAP = captured("mremap", 4,
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MADVISE = captured("madvise", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MSYNC = captured("msync", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle MLOCK = captured("mlock", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MUNLOCK = captured("munlock", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MINCORE = captured("mincore", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle OPEN = captured("open", 2,
        FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
    private static final MethodHandle CLOSE = captured("close", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle STATX = captured("statx", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle FSTATFS = captured("fstatfs", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
    private static final MethodHandle FTRUNCATE = captured("ftruncate", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle FALLOCATE = captured("fallocate", NONE,
        FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle PREAD = captured("pread", NONE,
        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle PWRITE = captured("pwrite", NONE,
        FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle SYSCALL = plain("syscall", 1, syscallDescriptor());
    private static final MethodHandle SYSCALL_CAPTURED = captured("syscall", 1, syscallDescriptor());
    private static final int PAGE_SIZE = readPageSize();

    private final long membarrierNumber;

    LinuxMemory(final Machine machine) {
        membarrierNumber = machine.membarrierNumber();
    }

    @Override
    public int pageSize() {
        return PAGE_SIZE;
    }

    @Override
    public int membarrier(final int command) {
        try {
            final long result = (long) SYSCALL.invokeExact(membarrierNumber, (long) command, 0L, 0L);
            return result == -1 ? membarrierAgain(command) : (int) result;
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        }
    }

    private int membarrierAgain(final int command) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((long) SYSCALL_CAPTURED.invokeExact(
                SLOTS.segment(slot), membarrierNumber, (long) command, 0L, 0L), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public long mmap(
        final long address, final long length, final int protection, final int flags, final int descriptor,
        final long offset) {
        final int slot = SLOTS.claim();
        try {
            return result(
                (long) MMAP.invokeExact(SLOTS.segment(slot), address, length, protection, flags, descriptor, offset),
                slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int munmap(final long address, final long length) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MUNMAP.invokeExact(SLOTS.segment(slot), address, length), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int mprotect(final long address, final long length, final int protection) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MPROTECT.invokeExact(SLOTS.segment(slot), address, length, protection), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public long mremap(
        final long address, final long length, final long newLength, final int flags, final long newAddress) {
        final int slot = SLOTS.claim();
        try {
            return result(
                (long) MREMAP.invokeExact(SLOTS.segment(slot), address, length, newLength, flags, newAddress),
                slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int madvise(final long address, final long length, final int advice) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MADVISE.invokeExact(SLOTS.segment(slot), address, length, advice), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int msync(final long address, final long length, final int flags) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MSYNC.invokeExact(SLOTS.segment(slot), address, length, flags), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int mlock(final long address, final long length) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MLOCK.invokeExact(SLOTS.segment(slot), address, length), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int munlock(final long address, final long length) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MUNLOCK.invokeExact(SLOTS.segment(slot), address, length), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int mincore(final long address, final long length, final long vector) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) MINCORE.invokeExact(SLOTS.segment(slot), address, length, vector), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int open(final MemorySegment path, final int flags, final int mode) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) OPEN.invokeExact(SLOTS.segment(slot), path, flags, mode), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int close(final int descriptor) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) CLOSE.invokeExact(SLOTS.segment(slot), descriptor), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int statx(
        final int directory, final MemorySegment path, final int flags, final int mask, final MemorySegment buffer) {
        final int slot = SLOTS.claim();
        try {
            return (int) result(
                (int) STATX.invokeExact(SLOTS.segment(slot), directory, path, flags, mask, buffer),
                slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int fstatfs(final int descriptor, final MemorySegment buffer) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) FSTATFS.invokeExact(SLOTS.segment(slot), descriptor, buffer), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int ftruncate(final int descriptor, final long length) {
        final int slot = SLOTS.claim();
        try {
            return (int) result((int) FTRUNCATE.invokeExact(SLOTS.segment(slot), descriptor, length), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public int fallocate(final int descriptor, final int mode, final long offset, final long length) {
        final int slot = SLOTS.claim();
        try {
            return (int) result(
                (int) FALLOCATE.invokeExact(SLOTS.segment(slot), descriptor, mode, offset, length),
                slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public long pread(final int descriptor, final long address, final long length, final long offset) {
        final int slot = SLOTS.claim();
        try {
            return result((long) PREAD.invokeExact(SLOTS.segment(slot), descriptor, address, length, offset), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    @Override
    public long pwrite(final int descriptor, final long address, final long length, final long offset) {
        final int slot = SLOTS.claim();
        try {
            return result((long) PWRITE.invokeExact(SLOTS.segment(slot), descriptor, address, length, offset), slot);
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        } finally {
            SLOTS.release(slot);
        }
    }

    private static long result(final long raw, final int slot) {
        return raw == -1 ? -SLOTS.errno(slot) : raw;
    }

    /** {@return {@code munmap}, (address, length), that says nothing of a failure} Nothing of this library is in it. */
    static MethodHandle unmapping() {
        return plain("munmap", NONE, FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG));
    }

    // The handles declare Throwable; what really comes is an error of the JVM.
    private static Error unexpected(final Throwable thrown) {
        if (thrown instanceof final RuntimeException exception) {
            throw exception;
        }
        if (thrown instanceof final Error error) {
            throw error;
        }
        throw new AssertionError("native call threw a checked exception", thrown);
    }

    private static FunctionDescriptor syscallDescriptor() {
        return FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    private static MethodHandle captured(
        final String symbol, final int firstVariadic, final FunctionDescriptor descriptor) {
        final Linker.Option capture = Linker.Option.captureCallState("errno");
        return firstVariadic == NONE
            ? handle(symbol, descriptor, capture)
            : handle(symbol, descriptor, capture, Linker.Option.firstVariadicArg(firstVariadic));
    }

    private static MethodHandle plain(
        final String symbol, final int firstVariadic, final FunctionDescriptor descriptor) {
        return firstVariadic == NONE
            ? handle(symbol, descriptor)
            : handle(symbol, descriptor, Linker.Option.firstVariadicArg(firstVariadic));
    }

    @SuppressWarnings("restricted")
    private static MethodHandle handle(
        final String symbol, final FunctionDescriptor descriptor, final Linker.Option... options) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(symbol), descriptor, options);
    }

    private static int readPageSize() {
        try {
            return (int) plain("getpagesize", NONE, FunctionDescriptor.of(JAVA_INT)).invokeExact();
        } catch (final Throwable thrown) {
            throw unexpected(thrown);
        }
    }
}
