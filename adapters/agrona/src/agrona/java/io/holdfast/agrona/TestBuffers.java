// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.agrona.DirectBuffer;

/**
 * What Agrona's own tests get where they ask for an {@code UnsafeBuffer} or for direct memory: buffers over regions, made of what
 * the system property {@code of} says.
 */
public final class TestBuffers {
    private static final AddressSpace SPACE = AddressSpace.open();
    private static final List<Region> REGIONS = new ArrayList<>();
    private static final List<Guard> GUARDS = new ArrayList<>();
    private static final int MAX_GUARDS = 16;
    private static final String OF = System.getProperty("of", "hold");

    private TestBuffers() {
    }

    /** An empty one. */
    public static RegionBuffer of() {
        return new RegionBuffer();
    }

    /** One over the array. */
    public static RegionBuffer of(final byte[] bytes) {
        return of(bytes, 0, bytes.length);
    }

    /** One over the array. */
    public static RegionBuffer of(final byte[] bytes, final int offset, final int length) {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(bytes, offset, length);
        return buffer;
    }

    /** One over the region that a direct buffer shows, else over the buffer. */
    public static RegionBuffer of(final ByteBuffer bytes) {
        final MemorySegment segment = MemorySegment.ofBuffer(bytes.duplicate().clear());
        for (final Region region : REGIONS) {
            final MemorySegment whole = region.sharedSegment();
            final long offset = segment.address() - whole.address();
            if (segment.isNative() && offset >= 0 && offset + segment.byteSize() <= whole.byteSize()) {
                return of(region, offset, (int) segment.byteSize());
            }
        }
        return of(bytes, 0, bytes.capacity());
    }

    private static RegionBuffer of(final Region region, final long offset, final int length) {
        return switch (OF) {
            case "guard" -> RegionBuffer.of(guard(region).segment().asSlice(offset, length));
            case "lease" -> RegionBuffer.of(region.lease().slice(offset, length));
            default -> RegionBuffer.of(region.hold().sharedSegment().asSlice(offset, length));
        };
    }

    /** One of the latest guards: a thread can hold only so many. */
    private static Guard guard(final Region region) {
        if (GUARDS.size() == MAX_GUARDS) {
            GUARDS.removeFirst().close();
        }
        final Guard guard = region.shareWritable();
        GUARDS.add(guard);
        return guard;
    }

    /** One over a part of a byte buffer. */
    public static RegionBuffer of(final ByteBuffer bytes, final int offset, final int length) {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(bytes, offset, length);
        return buffer;
    }

    /** One over another. */
    public static RegionBuffer of(final DirectBuffer other) {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(other);
        return buffer;
    }

    /** One over a part of another. */
    public static RegionBuffer of(final DirectBuffer other, final int offset, final int length) {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(other, offset, length);
        return buffer;
    }

    /** One over an address, which is refused. */
    public static RegionBuffer of(final long address, final int length) {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(address, length);
        return buffer;
    }

    /** Direct memory: a region. */
    public static ByteBuffer direct(final int capacity) {
        return direct(capacity, Long.BYTES);
    }

    /** The same, at a multiple of the alignment and of no greater one below that of a {@code long}. */
    public static ByteBuffer direct(final int capacity, final int alignment) {
        final int offset = alignment < Long.BYTES ? alignment : 0;
        final Region region = SPACE.map(offset + Math.max(capacity, 1));
        REGIONS.add(region);
        return region.sharedSegment().asSlice(offset, capacity).asByteBuffer();
    }
}
