// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Engine with the JDK's own means: each mapping belongs to a shared arena. Readers take no lock; closing an arena is a
 * handshake with every thread of the process. A mapping cannot grow, so growth maps the file anew and closes the old
 * arena.
 */
final class SharedArenaStorage implements SegmentStorage {
    private final AtomicLong mappedBytes = new AtomicLong();
    private final AtomicLong mappedFiles = new AtomicLong();

    @Override
    public MappedFile map(final Path file, final long size, final long sizeMax) {
        final ArenaFile mapped = new ArenaFile(file, Mapping.of(file, size));
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
        // Each arena was closed with its file; there is nothing that belongs to the storage as a whole.
    }

    private record Mapping(Arena arena, MemorySegment segment) {
        static Mapping of(final Path file, final long size) {
            final Arena arena = Arena.ofShared();
            try {
                return new Mapping(arena, StoreFiles.map(file, size, arena));
            } catch (final IOException e) {
                arena.close();
                throw new StoreException("cannot map segment: file=" + file + ", bytes=" + size + ", cause=" +
                    StoreFiles.reason(e) + "; raise vm.max_map_count or the segment size", e);
            }
        }
    }

    private final class ArenaFile implements MappedFile {
        private final Path file;
        // Volatile: a reader that was refused sees the mapping that replaced the one it knew.
        private volatile Mapping mapping;
        private boolean unmapped;

        ArenaFile(final Path file, final Mapping mapping) {
            this.file = file;
            this.mapping = mapping;
        }

        @Override
        public long size() {
            return mapping.segment().byteSize();
        }

        @Override
        public boolean read(final long offset, final byte[] target, final int length) {
            Mapping current = mapping;
            while (true) {
                try {
                    MemorySegment.copy(current.segment(), ValueLayout.JAVA_BYTE, offset, target, 0, length);
                    return true;
                } catch (final IllegalStateException e) {
                    if (current.segment().scope().isAlive()) {
                        throw e;
                    }
                }
                final Mapping next = mapping;
                if (next.equals(current)) {
                    return false;
                }
                current = next;
            }
        }

        @Override
        public boolean readOptimistically(final long offset, final byte[] target, final int length) {
            return false;
        }

        @Override
        public void write(final long offset, final byte[] source, final int length) {
            MemorySegment.copy(source, 0, mapping.segment(), ValueLayout.JAVA_BYTE, offset, length);
        }

        @Override
        public void grow(final long newSize) {
            final Mapping before = mapping;
            mapping = Mapping.of(file, newSize);
            before.arena().close();
            mappedBytes.addAndGet(newSize - before.segment().byteSize());
        }

        @Override
        public void force() {
            mapping.segment().force();
        }

        @Override
        public void unmap() {
            if (!unmapped) {
                unmapped = true;
                mapping.arena().close();
                mappedBytes.addAndGet(-size());
                mappedFiles.decrementAndGet();
            }
        }
    }
}
