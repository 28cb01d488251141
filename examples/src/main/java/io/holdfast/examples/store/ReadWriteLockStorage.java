// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * Engine as many data stores have it: a read-write lock for each mapping, taken for reading by every access and for
 * writing by growth and unmapping, and memory that the JDK would never unmap by itself. Only the lock stands between a
 * reader and a crash. Growth maps the file anew.
 */
final class ReadWriteLockStorage implements SegmentStorage {
    private final AtomicLong mappedBytes = new AtomicLong();
    private final AtomicLong mappedFiles = new AtomicLong();
    private final MethodHandle munmap = munmapHandle();

    @Override
    public MappedFile map(final Path file, final long size, final long sizeMax) {
        final LockedFile mapped = new LockedFile(file, mapping(file, size));
        mappedBytes.addAndGet(size);
        mappedFiles.incrementAndGet();
        return mapped;
    }

    @Override
    public long mappedBytes() {
        return mappedBytes.get();
    }

    @Override
    public long mappedFiles() {
        return mappedFiles.get();
    }

    @Override
    public void close() {
        // Each mapping was given back with its file; there is nothing that belongs to the storage as a whole.
    }

    private static MemorySegment mapping(final Path file, final long size) {
        try {
            return StoreFiles.map(file, size, Arena.global());
        } catch (final IOException e) {
            throw new StoreException("cannot map segment: file=" + file + ", bytes=" + size + ", cause=" +
                StoreFiles.reason(e) + "; raise vm.max_map_count or the segment size", e);
        }
    }

    private void unmap(final MemorySegment mapping) {
        final int result;
        try {
            result = (int) munmap.invokeExact(mapping, mapping.byteSize());
        } catch (final Throwable e) {
            throw new IllegalStateException("munmap cannot be called: address=" + mapping.address(), e);
        }
        if (result != 0) {
            throw new StoreException("cannot unmap segment: address=" + Long.toHexString(mapping.address()) +
                ", bytes=" + mapping.byteSize() + "; raise vm.max_map_count");
        }
    }

    /** The one system call that the JDK does not offer for memory of the global arena. */
    @SuppressWarnings("restricted")
    private static MethodHandle munmapHandle() {
        try {
            final Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow("munmap"), FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG));
        } catch (final IllegalCallerException e) {
            throw new StoreException("cannot unmap by hand: cause=" + e.getMessage() +
                "; start the JVM with --enable-native-access=ALL-UNNAMED", e);
        }
    }

    private final class LockedFile implements MappedFile {
        private final Path file;
        private final Lock reading;
        private final Lock changing;
        // Both guarded by the lock: read under either half, changed under the changing half.
        private MemorySegment mapping;
        private boolean unmapped;

        LockedFile(final Path file, final MemorySegment mapping) {
            final ReadWriteLock lock = new ReentrantReadWriteLock();
            this.file = file;
            this.reading = lock.readLock();
            this.changing = lock.writeLock();
            this.mapping = mapping;
        }

        @Override
        public long size() {
            reading.lock();
            try {
                return mapping.byteSize();
            } finally {
                reading.unlock();
            }
        }

        @Override
        public boolean read(final long offset, final byte[] target, final int length) {
            reading.lock();
            try {
                if (unmapped) {
                    return false;
                }
                MemorySegment.copy(mapping, ValueLayout.JAVA_BYTE, offset, target, 0, length);
                return true;
            } finally {
                reading.unlock();
            }
        }

        @Override
        public boolean readOptimistically(final long offset, final byte[] target, final int length) {
            return false;
        }

        @Override
        public void write(final long offset, final byte[] source, final int length) {
            reading.lock();
            try {
                requireMapped();
                MemorySegment.copy(source, 0, mapping, ValueLayout.JAVA_BYTE, offset, length);
            } finally {
                reading.unlock();
            }
        }

        @Override
        public void grow(final long newSize) {
            final MemorySegment larger = mapping(file, newSize);
            changing.lock();
            try {
                requireMapped();
                ReadWriteLockStorage.this.unmap(mapping);
                mappedBytes.addAndGet(newSize - mapping.byteSize());
                mapping = larger;
            } finally {
                changing.unlock();
            }
        }

        @Override
        public void force() {
            reading.lock();
            try {
                requireMapped();
                mapping.force();
            } finally {
                reading.unlock();
            }
        }

        @Override
        public void unmap() {
            changing.lock();
            try {
                if (!unmapped) {
                    unmapped = true;
                    ReadWriteLockStorage.this.unmap(mapping);
                    mappedBytes.addAndGet(-mapping.byteSize());
                    mappedFiles.decrementAndGet();
                }
            } finally {
                changing.unlock();
            }
        }

        private void requireMapped() {
            if (unmapped) {
                throw new IllegalStateException("segment is unmapped: file=" + file);
            }
        }
    }
}
