// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.Region;
import io.holdfast.TruncatedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** Copies to and from a file that is truncated now and then; run in virtual machines of several kinds. */
final class TruncatedCopies {
    private static final int LENGTH = 1 << 18;
    private static final int LEFT = 3 * 4096 + 100;
    private static final int WARM = 12_000;
    private static final int ROUNDS = 60;
    private static final int SEARCHES = 100;
    private static final int[] LENGTHS = {1, 8, 33, 100, 5000, 100_000};

    private final Region region;
    private final Path path;
    private final MemorySegment heap = MemorySegment.ofArray(new byte[LENGTH]);
    private final MemorySegment outside;
    private int reported;

    private TruncatedCopies(final Region region, final Path path, final Arena arena) {
        this.region = region;
        this.path = path;
        this.outside = arena.allocate(LENGTH);
    }

    public static void main(final String[] args) throws IOException {
        final Path path = Path.of(args[0]);
        setLength(path, LENGTH);
        try (Arena arena = Arena.ofConfined(); AddressSpace space = AddressSpace.builder().capacity(1 << 30).open()) {
            final Region region = space.map(FileBacking.readWrite(path));
            final TruncatedCopies copies = new TruncatedCopies(region, path, arena);
            for (int i = 0; i < ROUNDS; i++) {
                copies.round();
            }
            check(copies.reported == ROUNDS * LENGTHS.length * 4, "reported " + copies.reported);
            region.unmap();
        }
        System.out.println("all copies are accounted for");
    }

    private static void setLength(final Path path, final long length) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(length);
        }
    }

    private void round() throws IOException {
        for (int i = 0; i < WARM / ROUNDS; i++) {
            final int length = LENGTHS[i % LENGTHS.length];
            region.copyIn(i % 2 == 0 ? heap : outside, 0, i % 1000, length);
            region.copyOut(i % 1000, i % 2 == 0 ? heap : outside, 0, length);
        }
        check(region.readableBytes() == LENGTH, "all readable");
        try (Lease lease = region.lease()) {
            region.copyOut(0, heap, 0, LENGTH);
            check(lease.mismatch(0, heap, 0, LENGTH) == -1, "all equal");
        }
        check(CheckedCopy.copyDifferences(region.optimisticSegment(), outside, LENGTH), "differences of whole files");
        setLength(path, LEFT);
        for (int i = 0; i < SEARCHES; i++) { // compiled, each read must still be told from the next
            final long readable = region.readableBytes();
            check(readable == 4 * 4096, "readable: " + readable);
        }
        for (final int length : LENGTHS) {
            for (final MemorySegment other : Arrays.asList(heap, outside)) {
                copyMustFail(other, 150_000, length, 150_000);
                copyMustFail(other, 10_000, length + 20_000, 4 * 4096);
            }
        }
        leaseMustFail();
        // As a region that moves is copied: by more than single accesses, so in code that HotSpot must know.
        check(!CheckedCopy.copyDifferences(region.optimisticSegment(), outside, LENGTH), "from what is gone");
        check(!CheckedCopy.copyDifferences(outside, region.optimisticSegment(), LENGTH), "to what is gone");
        region.copyOut(0, heap, 0, LEFT);
        setLength(path, LENGTH);
        region.copyOut(0, heap, 0, LENGTH);
        check(heap.get(JAVA_BYTE, LENGTH - 1) == 0, "zeros behind the old end");
    }

    /** Whatever is done through a lease with many bytes under a lock. */
    private void leaseMustFail() {
        region.copyOut(0, heap, 0, 4 * 4096); // so that a comparison gets as far as what is gone
        try (Lease lease = region.lease()) {
            final List<Runnable> all = List.of(() -> lease.mismatch(0, heap, 0, LENGTH),
                () -> lease.fill(0, LENGTH, (byte) 0), () -> lease.putBytes(0, heap, 0, LENGTH));
            for (int i = 0; i < all.size(); i++) {
                try {
                    all.get(i).run();
                    check(false, "no exception by operation " + i + " of a lease");
                } catch (final TruncatedException e) {
                    check(e.offset() == 4 * 4096 && e.file().equals(path), e.getMessage());
                }
            }
        }
        try (Guard guard = region.tryExclusive()) {
            check(guard.isHeld(), "a lock of a lease has leaked");
        }
    }

    private void copyMustFail(final MemorySegment other, final long offset, final int length, final long first) {
        final boolean out = reported % 2 == 0;
        try {
            if (out) {
                region.copyOut(offset, other, 0, length);
            } else {
                region.copyIn(other, 0, offset, length);
            }
            check(false, "no exception: offset=" + offset + ", length=" + length);
        } catch (final TruncatedException e) {
            reported++;
            check(e.offset() == first && e.fileOffset() == first && e.file().equals(path), e.getMessage());
            check(e.getMessage().contains(path.toString()), e.getMessage());
        }
        try (Guard guard = region.tryExclusive()) {
            check(guard.isHeld(), "a lock has leaked");
        }
    }

    private static void check(final boolean condition, final String message) {
        if (!condition) {
            throw new AssertionError(message);
        }
    }
}
