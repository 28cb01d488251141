// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MappingException;
import io.holdfast.memory.NativeMemory;
import java.util.concurrent.atomic.AtomicLong;

/**
 * How many mappings the kernel still grants the process ({@code vm.max_map_count}). Mapping a file stops a reserve
 * before it refuses, because giving memory back needs mappings too, and so do new threads.
 *
 * <p>Thread-safe. The kernel's list is read seldom: after it, as many regions are mapped without looking as would fit
 * if none were unmapped meanwhile.
 */
final class MappingHeadroom {
    /** A mapping inside another one parts it, so the kernel has two more; and one for who else maps meanwhile. */
    private static final long MAPPINGS_PER_REGION = 3;
    private static final long LARGEST_RESERVE = 1024;
    private static final long RESERVE_OF_LIMIT = 16;

    private final NativeMemory memory;
    private final String space;
    /** Regions that may be mapped before the next look. */
    private final AtomicLong unseen = new AtomicLong();

    MappingHeadroom(final NativeMemory memory, final String space) {
        this.memory = memory;
        this.space = space;
    }

    /**
     * Counts a region that becomes a mapping of its own.
     *
     * @throws MappingException if only the reserve is left
     */
    void take() {
        if (unseen.decrementAndGet() < 0) {
            look();
        }
    }

    private synchronized void look() {
        if (unseen.get() > 0) {
            return;
        }
        final long limit = memory.maxMapCount();
        final long count = memory.mapCount();
        final long reserve = Math.min(LARGEST_RESERVE, limit / RESERVE_OF_LIMIT);
        final long room = limit - reserve - count;
        if (room <= 0) {
            throw new MappingException("map failed: too few kernel mappings are left in space " + space +
                ": mappings=" + count + ", vm.max_map_count=" + limit + ", reserve=" + reserve +
                "; unmap file regions, or raise the limit (sysctl -w vm.max_map_count=" + limit * 4 + ")");
        }
        unseen.set(room / MAPPINGS_PER_REGION);
    }

    /** Mappings that the kernel still grants, the reserve included. Reads the kernel's list. */
    long now() {
        return Math.max(0, memory.maxMapCount() - memory.mapCount());
    }
}
