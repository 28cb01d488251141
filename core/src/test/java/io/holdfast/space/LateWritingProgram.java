// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;

/** Writes to regions after their unmap, by raw addresses; and to one that it does not. */
final class LateWritingProgram {
    private static final int LATE = 20;
    private static final int OFFSET = 17;
    private static final long SIZE = 8192;

    private LateWritingProgram() {
    }

    public static void main(final String[] args) {
        System.setErr(System.out);
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("late").open()) {
            space.map(MapRequest.anonymous(SIZE).named("honest")).unmap();
            for (int i = 0; i < LATE; i++) {
                final Region cache = mapCache(space);
                final MemorySegment raw = raw(cache);
                cache.unmap();
                System.out.println("read late: " + Integer.toHexString(raw.get(JAVA_BYTE, 0)));
                if (space.statistics().restingBytes() != 0) {
                    raw.set(JAVA_BYTE, OFFSET, (byte) i);
                }
            }
            System.out.println("rests: " + space.statistics().restingBytes());
            final Region whole = space.map(space.capacity());
            try (Guard guard = whole.share()) {
                final long other = guard.segment().mismatch(MemorySegment.ofArray(new byte[(int) space.capacity()]));
                System.out.println(other < 0 ? "all is zero again" : "not zero at " + other);
            }
        }
    }

    private static Region mapCache(final AddressSpace space) {
        return space.map(MapRequest.anonymous(SIZE).named("cache"));
    }

    @SuppressWarnings("restricted")
    private static MemorySegment raw(final Region region) {
        return MemorySegment.ofAddress(region.unsafeNativeAddress()).reinterpret(region.size());
    }
}
