// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;

/** System calls and allocators that the library is compared with, called as directly as Java can; Linux constants. */
@SuppressWarnings("restricted")
final class RawMemory {
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED = 1;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
    private static final int O_RDWR = 2;
    private static final int MADV_POPULATE_READ = 22;
    private static final Linker LINKER = Linker.nativeLinker();

    private static final MethodHandle MMAP = handle("mmap",
        FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG));
    private static final MethodHandle MUNMAP = handle("munmap", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG));
    private static final MethodHandle MADVISE =
        handle("madvise", FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    private static final MethodHandle OPEN = handle("open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
    private static final MethodHandle CLOSE = handle("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    private static final MethodHandle ALLOCATE = unsafe("allocateMemory", long.class, long.class);
    private static final MethodHandle FREE = unsafe("freeMemory", void.class, long.class);

    private RawMemory() {
    }

    private static MethodHandle handle(final String name, final FunctionDescriptor type) {
        return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
    }

    // By reflection, because the compiler warns of the class itself and cannot be told not to.
    private static MethodHandle unsafe(final String name, final Class<?> result, final Class<?> argument) {
        try {
            final Class<?> type = Class.forName("sun.misc.Unsafe");
            final Field instance = type.getDeclaredField("theUnsafe");
            instance.setAccessible(true);
            return MethodHandles.lookup().findVirtual(type, name, MethodType.methodType(result, argument))
                .bindTo(instance.get(null));
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** New private pages. */
    static MemorySegment mapAnonymous(final long bytes) {
        return map(bytes, MAP_PRIVATE_ANONYMOUS, -1);
    }

    /** Pages of an open file. */
    static MemorySegment mapFile(final long bytes, final int file) {
        return map(bytes, MAP_SHARED, file);
    }

    private static MemorySegment map(final long bytes, final int flags, final int file) {
        final long address;
        try {
            address = (long) MMAP.invokeExact(0L, bytes, PROT_READ_WRITE, flags, file, 0L);
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
        if (address == -1) {
            throw new IllegalStateException("mmap failed: bytes=" + bytes);
        }
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** Unmaps what {@link #mapAnonymous} or {@link #mapFile} returned. */
    static void unmap(final MemorySegment segment) {
        try {
            check("munmap", (int) MUNMAP.invokeExact(segment.address(), segment.byteSize()));
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Makes the pages of what {@link #mapFile} returned present. */
    static void populate(final MemorySegment segment) {
        try {
            check("madvise", (int) MADVISE.invokeExact(segment.address(), segment.byteSize(), MADV_POPULATE_READ));
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Opens an existing file for reading and writing; its descriptor. */
    static int open(final MemorySegment path) {
        try {
            return check("open", (int) OPEN.invokeExact(path, O_RDWR));
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Closes a descriptor. */
    static void close(final int file) {
        try {
            check("close", (int) CLOSE.invokeExact(file));
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Memory of {@code sun.misc.Unsafe}, which nothing protects. */
    static MemorySegment allocate(final long bytes) {
        try {
            return MemorySegment.ofAddress((long) ALLOCATE.invokeExact(bytes)).reinterpret(bytes);
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Frees what {@link #allocate} returned. */
    static void free(final MemorySegment segment) {
        try {
            FREE.invokeExact(segment.address());
        } catch (final Throwable e) {
            throw new AssertionError(e);
        }
    }

    private static int check(final String call, final int result) {
        if (result < 0) {
            throw new IllegalStateException(call + " failed");
        }
        return result;
    }
}
