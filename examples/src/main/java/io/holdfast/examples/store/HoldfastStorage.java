// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Engine on Holdfast: each segment file is a growable region of one address space. Readers hold a shared guard for the
 * length of one copy, or read optimistically; growth happens in place under them; unmapping waits for those inside. A
 * write section exchanges any number of segments in one step.
 */
final class HoldfastStorage implements SegmentStorage {
    private final AddressSpace space;
    private final AtomicLong mappedBytes = new AtomicLong();
    private long leftRegions = -1;

    HoldfastStorage() {
        try {
            space = AddressSpace.builder().name("store").open();
        } catch (final UnsupportedOperationException | IllegalStateException | MappingException e) {
            throw new StoreException("cannot open an address space: " + e.getMessage(), e);
        }
    }

    @Override
    public MappedFile map(final Path file, final long size, final long sizeMax) {
        try {
            final Region region = space.map(request(file, size, sizeMax));
            mappedBytes.addAndGet(size);
            return new RegionFile(region, file, null);
        } catch (final MappingException | UncheckedIOException e) {
            throw cannotMap(file, size, e);
        }
    }

    private static MapRequest request(final Path file, final long size, final long sizeMax) {
        return MapRequest.file(FileBacking.readWrite(file).range(0, size).growableTo(sizeMax));
    }

    private static StoreException cannotMap(final Path file, final long size, final RuntimeException cause) {
        return new StoreException(
            "cannot map segment: file=" + file + ", bytes=" + size + ", cause=" + cause.getMessage(), cause);
    }

    @Override
    public Replacement replacement() {
        return new SectionReplacement();
    }

    @Override
    public long mappedBytes() {
        return mappedBytes.get();
    }

    @Override
    public synchronized long mappedFiles() {
        return leftRegions >= 0 ? leftRegions : space.statistics().regions();
    }

    @Override
    public synchronized void close() {
        if (leftRegions < 0) {
            leftRegions = space.statistics().regions();
            space.close();
        }
    }

    /** Everything in one write section, which undoes itself if it is closed without having been published. */
    private final class SectionReplacement implements Replacement {
        private final WriteSection section = space.write();
        private final List<RegionFile> fresh = new ArrayList<>();
        private long moreBytes;

        @Override
        public boolean isAtomic() {
            return true;
        }

        @Override
        public MappedFile map(final Path file, final long size, final long sizeMax) {
            try {
                final Region region = section.map(request(file, size, sizeMax));
                final RegionFile mapped = new RegionFile(region, file, section.segment(region));
                fresh.add(mapped);
                moreBytes += size;
                return mapped;
            } catch (final MappingException | UncheckedIOException e) {
                throw cannotMap(file, size, e);
            }
        }

        @Override
        public void unmap(final MappedFile file) {
            final Region region = ((RegionFile) file).region;
            final long size = region.size();
            section.unmap(region);
            moreBytes -= size;
        }

        @Override
        public void publish() {
            try {
                section.publish();
            } catch (final MappingException e) {
                throw new StoreException("cannot exchange segments: cause=" + e.getMessage(), e);
            }
            fresh.forEach(RegionFile::published);
            mappedBytes.addAndGet(moreBytes);
        }

        @Override
        public void close() {
            section.close();
        }
    }

    private final class RegionFile implements MappedFile {
        private final Region region;
        private final Path file;
        // The bytes while nobody can lock the region, because its section is not published. The writer's alone.
        private @Nullable MemorySegment unpublished;

        RegionFile(final Region region, final Path file, final @Nullable MemorySegment unpublished) {
            this.region = region;
            this.file = file;
            this.unpublished = unpublished;
        }

        void published() {
            unpublished = null;
        }

        @Override
        public long size() {
            final MemorySegment own = unpublished;
            return own == null ? region.size() : own.byteSize();
        }

        @Override
        public boolean read(final long offset, final byte[] target, final int length) {
            try (Guard guard = region.tryShare()) {
                if (guard.isHeld()) {
                    MemorySegment.copy(guard.segment(), ValueLayout.JAVA_BYTE, offset, target, 0, length);
                    return true;
                }
            }
            return region.isMapped() && readWaiting(offset, target, length);
        }

        /** Somebody excludes readers without unmapping, or the refusal was spurious. */
        private boolean readWaiting(final long offset, final byte[] target, final int length) {
            try (Guard guard = region.share()) {
                MemorySegment.copy(guard.segment(), ValueLayout.JAVA_BYTE, offset, target, 0, length);
                return true;
            } catch (final RegionException e) {
                if (region.isMapped()) {
                    throw e;
                }
                return false;
            }
        }

        @Override
        public boolean readOptimistically(final long offset, final byte[] target, final int length) {
            final long stamp = region.tryOptimisticRead();
            if (stamp == 0) {
                return false;
            }
            // Never faults: should the region be unmapped by now, the copy has other bytes and the stamp fails.
            final MemorySegment segment = region.optimisticSegment();
            if (offset + length > segment.byteSize()) {
                return false;
            }
            MemorySegment.copy(segment, ValueLayout.JAVA_BYTE, offset, target, 0, length);
            return region.validate(stamp);
        }

        @Override
        public void write(final long offset, final byte[] source, final int length) {
            final MemorySegment own = unpublished;
            if (own != null) {
                MemorySegment.copy(source, 0, own, ValueLayout.JAVA_BYTE, offset, length);
                return;
            }
            try (Guard guard = region.shareWritable()) {
                MemorySegment.copy(source, 0, guard.segment(), ValueLayout.JAVA_BYTE, offset, length);
            }
        }

        @Override
        public void grow(final long newSize) {
            final long before = region.size();
            try {
                region.grow(newSize);
            } catch (final MappingException | UncheckedIOException e) {
                throw new StoreException("cannot grow segment: bytes=" + newSize + ", cause=" + e.getMessage(), e);
            }
            mappedBytes.addAndGet(newSize - before);
        }

        @Override
        public void force() {
            if (unpublished != null) {
                StoreFiles.forceFile(file);
                return;
            }
            try {
                region.force();
            } catch (final UncheckedIOException e) {
                throw new StoreException("cannot force segment: cause=" + e.getMessage(), e);
            }
        }

        @Override
        public void unmap() {
            if (region.isMapped()) {
                final long size = region.size();
                region.unmap();
                mappedBytes.addAndGet(-size);
            }
        }
    }
}
