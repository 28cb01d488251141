// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Region;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A space for each test, and the ways to a buffer over a region. */
abstract class Regions {
    /** What a buffer is made of. */
    enum Kind { GUARD, HOLD, LEASE, SLICE, SHARED }

    final List<Region> regions = new ArrayList<>();
    final List<AutoCloseable> held = new ArrayList<>();
    AddressSpace space;

    @BeforeEach
    void open() {
        space = AddressSpace.builder().capacity(1 << 28).eras(Duration.ZERO, Duration.ZERO).open();
    }

    @AfterEach
    void close() throws Exception {
        letGo();
        for (final Region region : regions) {
            region.unmap();
        }
        space.close();
    }

    /** Ends guards and holds. */
    void letGo() throws Exception {
        for (final AutoCloseable each : held) {
            each.close();
        }
        held.clear();
    }

    /** A buffer over the first bytes of a new region. */
    RegionBuffer buffer(final Kind kind, final int capacity) {
        final Region region = space.map(Math.max(capacity, 64));
        regions.add(region);
        return switch (kind) {
            case GUARD -> {
                final Guard guard = region.shareWritable();
                held.add(guard);
                yield capacity == guard.segment().byteSize() ? RegionBuffer.of(guard)
                    : RegionBuffer.of(guard.segment().asSlice(0, capacity));
            }
            case HOLD -> {
                final Hold hold = region.hold();
                held.add(hold);
                yield cut(RegionBuffer.of(hold), capacity);
            }
            case LEASE -> cut(RegionBuffer.of(region.lease()), capacity);
            case SLICE -> RegionBuffer.of(region.lease().slice(0, capacity));
            case SHARED -> RegionBuffer.of(region.sharedSegment().asSlice(0, capacity));
        };
    }

    private static RegionBuffer cut(final RegionBuffer whole, final int capacity) {
        if (whole.capacity() == capacity) {
            return whole;
        }
        final RegionBuffer part = new RegionBuffer();
        part.wrap(whole, 0, capacity);
        return part;
    }
}
