// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Every system call of the library. The abstract methods are the calls themselves: they take and give raw values,
 * allocate nothing, and return the call's result or the negated error number, as the kernel does. The others are built
 * from them and throw {@link NativeException}.
 *
 * <p>All methods are thread-safe and may be called from virtual threads, whose carrier is held for the duration of a
 * call. Addresses and lengths are in bytes. Constants have the values that Linux gives them on both supported machines.
 */
public abstract class NativeMemory {
    /** Protection: no access. */
    public static final int PROT_NONE = 0;
    /** Protection: pages may be read. */
    public static final int PROT_READ = 1;
    /** Protection: pages may be written. */
    public static final int PROT_WRITE = 2;

    /** Mapping: changes reach the file and everybody who maps it. */
    public static final int MAP_SHARED = 0x01;
    /** Mapping: changes stay in this mapping. */
    public static final int MAP_PRIVATE = 0x02;
    /** Mapping: exactly at the address, replacing what is there. */
    public static final int MAP_FIXED = 0x10;
    /** Mapping: no file. */
    public static final int MAP_ANONYMOUS = 0x20;
    /** Mapping: no swap space is set aside. */
    public static final int MAP_NORESERVE = 0x4000;
    /** Mapping: pages are made present at once. */
    public static final int MAP_POPULATE = 0x8000;
    /** Mapping: huge pages of the default size. */
    public static final int MAP_HUGETLB = 0x40000;
    /** Mapping: exactly at the address, or {@code EEXIST} when something is there. */
    public static final int MAP_FIXED_NOREPLACE = 0x100000;

    /** Move: the mapping may move. */
    public static final int MREMAP_MAYMOVE = 1;
    /** Move: exactly to the new address, replacing what is there. */
    public static final int MREMAP_FIXED = 2;

    /** Advice: no particular access pattern. */
    public static final int MADV_NORMAL = 0;
    /** Advice: random access. */
    public static final int MADV_RANDOM = 1;
    /** Advice: sequential access. */
    public static final int MADV_SEQUENTIAL = 2;
    /** Advice: will be needed soon. */
    public static final int MADV_WILLNEED = 3;
    /** Advice: drops the pages; private anonymous ones read as zero afterwards. */
    public static final int MADV_DONTNEED = 4;
    /** Advice: gives the blocks of a shared file mapping back to its file system; they read as zero afterwards. */
    public static final int MADV_REMOVE = 9;
    /** Advice: use transparent huge pages. */
    public static final int MADV_HUGEPAGE = 14;
    /** Advice: use no transparent huge pages. */
    public static final int MADV_NOHUGEPAGE = 15;
    /** Advice: not needed for a while. */
    public static final int MADV_COLD = 20;
    /** Advice: reclaim the pages now. */
    public static final int MADV_PAGEOUT = 21;
    /** Advice: makes the pages present for reading. */
    public static final int MADV_POPULATE_READ = 22;
    /** Advice: makes the pages present for writing. */
    public static final int MADV_POPULATE_WRITE = 23;

    /** Writing back: start and do not wait. */
    public static final int MS_ASYNC = 1;
    /** Writing back: wait until it is done. */
    public static final int MS_SYNC = 4;

    /** Opening: for reading. */
    public static final int O_RDONLY = 0;
    /** Opening: for reading and writing. */
    public static final int O_RDWR = 2;
    /** Opening: creates the file if it is missing. */
    public static final int O_CREAT = 0x40;
    /** Opening: a terminal does not become the controlling one. */
    public static final int O_NOCTTY = 0x100;
    /** Opening: does not wait for the other end of a pipe. */
    public static final int O_NONBLOCK = 0x800;
    /** Opening: the descriptor is not inherited by other programs. */
    public static final int O_CLOEXEC = 0x80000;

    /** Reserving blocks: the file's size stays. */
    public static final int FALLOC_FL_KEEP_SIZE = 1;

    /** The directory of a relative path is the working directory. */
    public static final int AT_FDCWD = -100;
    /** An empty path means the descriptor itself. */
    public static final int AT_EMPTY_PATH = 0x1000;
    /** The fields that every file system has. */
    public static final int STATX_BASIC_STATS = 0x7ff;
    /** A number of the mount that is never used again, where the kernel has it. */
    public static final int STATX_MNT_ID_UNIQUE = 0x4000;

    /** Barrier: which commands there are. */
    public static final int MEMBARRIER_CMD_QUERY = 0;
    /** Barrier: every running thread of the process passes a full fence before the call returns. */
    public static final int MEMBARRIER_CMD_PRIVATE_EXPEDITED = 1 << 3;
    /** Barrier: registers the process for the expedited command. */
    public static final int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 1 << 4;

    private static final long LONG_TABLE = 4 << 20; // a page of 2 MiB surely lies in it

    private final Mounts mounts = new Mounts();
    private final AddressLot lot = new AddressLot();

    /** For subclasses. */
    protected NativeMemory() {
    }

    /**
     * {@return the calls of the operating system that this process runs on}
     *
     * @return the one instance; the same on every call
     * @throws UnsupportedOperationException if the operating system or the machine is not supported; names both
     * @throws IllegalStateException if the JVM denies native access; names the option that grants it
     */
    public static NativeMemory system() {
        return Platform.system();
    }

    /** {@code mmap}: the address, or a negated error number. */
    public abstract long mmap(long address, long length, int protection, int flags, int descriptor, long offset);

    /** {@code munmap}: 0, or a negated error number. */
    public abstract int munmap(long address, long length);

    /** {@code mprotect}: 0, or a negated error number. */
    public abstract int mprotect(long address, long length, int protection);

    /** {@code mremap}: the new address, or a negated error number. */
    public abstract long mremap(long address, long length, long newLength, int flags, long newAddress);

    /** {@code madvise}: 0, or a negated error number. */
    public abstract int madvise(long address, long length, int advice);

    /** {@code msync}: 0, or a negated error number. */
    public abstract int msync(long address, long length, int flags);

    /** {@code mlock}: 0, or a negated error number. */
    public abstract int mlock(long address, long length);

    /** {@code munlock}: 0, or a negated error number. */
    public abstract int munlock(long address, long length);

    /** {@code mincore}: 0, or a negated error number; one byte per page is written from {@code vector} on. */
    public abstract int mincore(long address, long length, long vector);

    /** {@code membarrier}: the command's result, or a negated error number. */
    public abstract int membarrier(int command);

    /** {@code open}: the descriptor, or a negated error number. {@code path} ends with a zero byte. */
    public abstract int open(MemorySegment path, int flags, int mode);

    /** {@code close}: 0, or a negated error number; the descriptor is gone in either case. */
    public abstract int close(int descriptor);

    /** {@code statx}: 0, or a negated error number; 256 bytes are written to {@code buffer}. */
    public abstract int statx(int directory, MemorySegment path, int flags, int mask, MemorySegment buffer);

    /** {@code fstatfs}: 0, or a negated error number; up to 120 bytes are written to {@code buffer}. */
    public abstract int fstatfs(int descriptor, MemorySegment buffer);

    /** {@code ftruncate}: 0, or a negated error number. */
    public abstract int ftruncate(int descriptor, long length);

    /** {@code fallocate}: 0, or a negated error number. */
    public abstract int fallocate(int descriptor, int mode, long offset, long length);

    /** {@code pread}: the number of bytes read, or a negated error number. */
    public abstract long pread(int descriptor, long address, long length, long offset);

    /** {@code pwrite}: the number of bytes written, or a negated error number. */
    public abstract long pwrite(int descriptor, long address, long length, long offset);

    /** {@return the page size in bytes, a power of two} */
    public abstract int pageSize();

    /** {@return what these calls have said of mounts} */
    final Mounts mounts() {
        return mounts;
    }

    /** {@return how many mappings the kernel grants this process, or {@link Long#MAX_VALUE} where it does not tell} */
    public long maxMapCount() {
        return KernelMappings.limit();
    }

    /** {@return how many mappings this process has, 0 where the kernel does not tell; reads its list, which costs time} */
    public long mapCount() {
        return KernelMappings.count();
    }

    /**
     * Maps a zeroed, private, readable and writable table that stays until the process ends, or the class loader of the
     * library is collected. A long one is backed by huge pages where the system has some, because lookups in it go
     * anywhere and would miss the TLB each time.
     *
     * @param bytes the size, more than 0, rounded up to whole pages
     * @return the address of the first byte, page-aligned
     * @throws IllegalArgumentException if the size is not positive or too large
     * @throws NativeException if the kernel refuses
     */
    public final long mapTable(final long bytes) {
        final long mask = pageSize() - 1L;
        if (bytes <= 0 || bytes > Long.MAX_VALUE - mask) {
            throw new IllegalArgumentException(
                "table size out of range: bytes=" + bytes + "; ask for a positive number of bytes");
        }
        final long length = (bytes + mask) & ~mask;
        final int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        final long table = check(NativeCall.MMAP, 0, length, mmap(0, length, PROT_READ | PROT_WRITE, flags, -1, 0));
        boolean known = false;
        try {
            Unloading.ofTable(table, length);
            known = true;
        } finally {
            if (!known) {
                munmap(table, length);
            }
        }
        if (length >= LONG_TABLE) {
            final int ignored = madvise(table, length, MADV_HUGEPAGE); // only advice: without it the table works as well
            assert ignored <= 0 : "madvise: result=" + ignored;
        }
        return table;
    }

    /**
     * Gives pages of a table back, which stays mapped: they are read as zeros from now on.
     *
     * @param address of the first page
     * @param bytes   in whole pages
     * @return whether the kernel has taken them; it keeps, for example, what is locked in memory
     */
    public final boolean dropTable(final long address, final long bytes) {
        return madvise(address, bytes, MADV_DONTNEED) == 0;
    }

    /**
     * Passes a raw result on, or throws for a negated error number.
     *
     * @param call the call that gave the result
     * @param address the address it was given, 0 where it has none
     * @param length the length in bytes it was given, 0 where it has none
     * @param result the raw result
     * @return the result
     * @throws NativeException if the result is a negated error number
     */
    public final long check(final NativeCall call, final long address, final long length, final long result) {
        if (Errno.isError(result)) {
            throw failure(call, address, length, (int) -result);
        }
        return result;
    }

    /** {@return the exception for a failed call, with the remedy that fits the call and the error} */
    public final NativeException failure(
        final NativeCall call, final long address, final long length, final int errno) {
        return new NativeException(call, address, length, errno, Remedies.of(this, call, length, errno));
    }

    /** {@return addresses that were got through these calls, and that reservations may have again} */
    final AddressLot lot() {
        return lot;
    }

    /** Chooses the calls by the names of operating system and machine. */
    static final class Platform {
        private static volatile @Nullable NativeMemory instance;

        static NativeMemory system() {
            final NativeMemory known = instance;
            return known != null ? known : create();
        }

        private static synchronized NativeMemory create() {
            NativeMemory memory = instance;
            if (memory == null) {
                final Machine machine = Machine.of(System.getProperty("os.name"), System.getProperty("os.arch"));
                requireNativeAccess();
                memory = new LinuxMemory(machine);
                instance = memory;
            }
            return memory;
        }

        // The linker would fail in a static initialiser, whose second use says nothing but "could not initialize".
        @SuppressWarnings("restricted")
        private static void requireNativeAccess() {
            try {
                MemorySegment.NULL.reinterpret(1);
            } catch (final IllegalCallerException denied) {
                final Module module = NativeMemory.class.getModule();
                final String name = module.isNamed() ? module.getName() : "ALL-UNNAMED";
                throw new IllegalStateException("native access denied: module=" + name +
                    "; start the JVM with --enable-native-access=io.holdfast" +
                    " (--enable-native-access=ALL-UNNAMED when Holdfast is on the class path)", denied);
            }
        }

        private Platform() {
        }
    }

    /** The supported machines, with what differs between them. */
    enum Machine {
        /** AMD and Intel, 64 bit. */
        X86_64(324),
        /** ARM, 64 bit. */
        AARCH64(283);

        private final long membarrier;

        Machine(final long membarrier) {
            this.membarrier = membarrier;
        }

        /** {@return the number of the {@code membarrier} call, for which the C library has no function} */
        long membarrierNumber() {
            return membarrier;
        }

        static Machine of(final String system, final String architecture) {
            if ("Linux".equals(system)) {
                switch (architecture) {
                    case "amd64", "x86_64" -> {
                        return X86_64;
                    }
                    case "aarch64", "arm64" -> {
                        return AARCH64;
                    }
                    default -> {
                        // Reported below with the systems that are not supported.
                    }
                }
            }
            throw new UnsupportedOperationException("platform not supported: os=" + system + ", arch=" + architecture +
                ": Holdfast runs on Linux on x86-64 and AArch64");
        }
    }
}
