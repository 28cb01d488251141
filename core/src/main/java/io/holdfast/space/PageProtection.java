// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.Waiting;
import io.holdfast.memory.NativeException;
import org.jspecify.annotations.Nullable;

/** Pages whose protection a change of the structure changes, and the way back. Not thread-safe. */
final class PageProtection {
    /*
     * Where the kernel refuses the way back, the pages may not be writable though their region says that they are: writing
     * would crash. So the region is unmapped, with what was made for that before anything was changed.
     */
    private final RegionHandle region;
    private final SpaceHandle space;
    private final SpaceResources core;
    private final Reshape.Pages pages;
    private final boolean wasWritable;
    private final @Nullable PendingUnmap unmapping;
    private final Eras.WriteBan ban;

    private PageProtection(final RegionHandle region, final Reshape.Pages pages, final boolean wasWritable,
                           final @Nullable PendingUnmap unmapping) {
        this.region = region;
        this.space = region.space();
        this.core = space.core();
        this.pages = pages;
        this.wasWritable = wasWritable;
        this.unmapping = unmapping;
        this.ban = new Eras.WriteBan(pages.start(), pages.start() + pages.length());
    }

    /**
     * Takes what the way back needs; nothing is changed yet.
     *
     * @param region which is changed
     * @param record of the region that lookups find there, 0 if they find none
     */
    static PageProtection prepare(final RegionHandle region, final Reshape.Pages pages, final boolean wasWritable,
                                  final long record) {
        final SpaceHandle space = region.space();
        space.registry().headroom().take("protect", region);
        final PendingUnmap unmapping = record == 0 ? null : space.unmapper().prepare();
        boolean prepared = false;
        try {
            if (unmapping != null) {
                unmapping.of(record);
            }
            final PageProtection protection = new PageProtection(region, pages, wasWritable, unmapping);
            prepared = true;
            return protection;
        } finally {
            if (!prepared && unmapping != null) {
                unmapping.close();
            }
        }
    }

    /** Changes the pages, when nobody writes to them any more who holds no lock. */
    void make() {
        if (wasWritable) {
            try (Waiting waiting = space.patience("protect", region)) {
                space.eras().ban(ban, waiting);
            }
        }
        core.reservation().protect(pages.start(), pages.length(), !wasWritable);
    }

    /** The pages stay as they are now. */
    void keep() {
        space.eras().lift(ban);
        if (unmapping != null) {
            unmapping.cancel();
        }
    }

    /** Gives the pages their protection again; false if the kernel refuses, or heap or stack are at their end. */
    boolean isUndone() {
        try {
            core.reservation().protect(pages.start(), pages.length(), wasWritable);
            return true;
        } catch (final NativeException | OutOfMemoryError | StackOverflowError e) {
            return false;
        }
    }

    /** The same for a change that comes to nothing; unmaps a region whose pages are of no use any more. Can be repeated. */
    void takeBack(final Publication.Owner owner) {
        final PendingUnmap lost = unmapping;
        if (lost == null || !lost.detached) {
            // Where too much is allowed now, it hurts nobody.
            if (isUndone() || !wasWritable || lost == null || !owner.holds(lost.record())) {
                keep();
                return;
            }
            owner.abandon(lost.record());
            lost.detached = true; // with no call between
        }
        core.lifetimes().detached(lost.record());
        space.eras().lift(ban);
    }

    /** The region that was unmapped, if one was. */
    @Nullable PendingUnmap lost() {
        return unmapping != null && unmapping.detached ? unmapping : null;
    }
}
