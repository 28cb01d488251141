// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Engine on Holdfast: each segment file is a growable region of one address space. Readers hold a shared guard for the
 * length of one copy, or read optimistically; growth happens in place under them; unmapping waits for those inside.
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
            final Region region = space.map(FileBacking.readWrite(file).range(0, size).growableTo(sizeMax));
            mappedBytes.addAndGet(size);
            return new RegionFile(region);
        } catch (final MappingException | UncheckedIOException e) {
            throw new StoreException(
                "cannot map segment: file=" + file + ", bytes=" + size + ", cause=" + e.getMessage(), e);
        }
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

    private final class RegionFile implements MappedFile {
        private final Region region;

        RegionFile(final Region region) {
            this.region = region;
        }

        @Override
        public long size() {
            return region.size();
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
