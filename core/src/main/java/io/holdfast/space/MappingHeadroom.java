// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.event.HeadroomLowEvent;
import io.holdfast.memory.NativeMemory;
import java.lang.System.Logger.Level;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How many mappings the kernel still grants the process ({@code vm.max_map_count}). Whatever may part mappings stops a
 * reserve before the kernel refuses, because giving memory back needs mappings too, and a virtual machine that gets
 * none for a new thread may die.
 *
 * <p>Thread-safe. The kernel's list is read seldom: after it, as many calls are let through without looking as would
 * fit if nothing were given back meanwhile. Where {@code /proc} is hidden, the limit is taken to be the kernel's default,
 * and half of it to be used by others.
 */
final class MappingHeadroom {
    /** Pages of their own inside a mapping part it, so the kernel has two more; and one for who else maps meanwhile. */
    private static final long MAPPINGS_PER_CALL = 3;
    private static final long LARGEST_RESERVE = 1024;
    private static final long RESERVE_OF_LIMIT = 16;
    private static final long LOW_OF_LIMIT = 8;
    private static final long USUAL_LIMIT = 65_530;
    private static final long UNKNOWN = -1;
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final NativeMemory memory;
    private final String space;
    private final IntSupplier files;
    private boolean warned; // under this
    /** Calls that are let through before the next look. */
    private final AtomicLong unseen = new AtomicLong();

    /**
     * For a space.
     *
     * @param files how many file regions it has, where nobody can say what the process has
     */
    MappingHeadroom(final NativeMemory memory, final String space, final IntSupplier files) {
        this.memory = memory;
        this.space = space;
        this.files = files;
    }

    /**
     * Counts a call that may give pages a mapping of their own: a file, huge pages, other advice or protection than their
     * neighbours', locking.
     *
     * @param region for which it is, null for one that is being mapped
     * @throws MappingException if only the reserve is left
     */
    void take(final String operation, final @Nullable RegionHandle region) {
        if (unseen.decrementAndGet() < 0) {
            look(operation, region);
        }
    }

    private synchronized void look(final String operation, final @Nullable RegionHandle region) {
        if (unseen.get() > 0) {
            return;
        }
        final long limit = limit();
        final long listed = memory.mapCount();
        final boolean known = isKnown(listed);
        final long count = known ? listed : limit / 2 + files.getAsInt() * MAPPINGS_PER_CALL;
        final long reserve = Math.min(LARGEST_RESERVE, limit / RESERVE_OF_LIMIT);
        final long room = limit - reserve - count;
        if (room <= limit / LOW_OF_LIMIT) {
            HeadroomLowEvent.tell(space, count, limit, reserve, room <= 0);
        }
        if (room <= 0) {
            throw new MappingException(operation + " failed: too few kernel mappings are left for space " + space +
                ": " + (region == null ? "" : region.describe() + ", ") + "mappings=" + count +
                (known ? "" : " (a guess: /proc is hidden)") + ", vm.max_map_count=" + limit + ", reserve=" + reserve +
                "; unmap regions of files and those with advice, protection or locked pages of their own, or raise " +
                "the limit (sysctl -w vm.max_map_count=" + limit * 4 + ")");
        }
        if (!known && !warned) {
            warned = true;
            LOGGER.log(Level.WARNING, "how many mappings the process has, or may have, is hidden (/proc/self/maps, " +
                "/proc/sys/vm/max_map_count): space " + space + " takes the limit to be " + limit + ", and half of it to " +
                "be used by others");
        }
        unseen.set(room / MAPPINGS_PER_CALL);
    }

    /** Mappings that the kernel still grants, the reserve included; negative if it does not tell. Reads its list. */
    long now() {
        final long listed = memory.mapCount();
        return isKnown(listed) ? Math.max(0, memory.maxMapCount() - listed) : UNKNOWN;
    }

    private boolean isKnown(final long listed) {
        return listed != 0 && memory.maxMapCount() != Long.MAX_VALUE;
    }

    private long limit() {
        final long told = memory.maxMapCount();
        return told == Long.MAX_VALUE ? USUAL_LIMIT : told;
    }
}
