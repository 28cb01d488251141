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
    private final SpaceHandle space;
    private final SpaceResources core;
    private final Reshape.Pages pages;
    private final boolean wasWritable;
    private final long record;
    private final @Nullable PendingUnmap unmapping;
    private final Eras.WriteBan ban;
    private boolean isLost;

    private PageProtection(final SpaceHandle space, final Reshape.Pages pages, final boolean wasWritable,
                           final long record) {
        this.space = space;
        this.core = space.core();
        this.pages = pages;
        this.wasWritable = wasWritable;
        this.record = record;
        this.ban = new Eras.WriteBan(pages.start(), pages.start() + pages.length());
        this.unmapping = record == 0 ? null : new PendingUnmap(record);
    }

    /**
     * Takes what the way back needs; nothing is changed yet.
     *
     * @param record of the region that lookups find there, 0 if they find none
     */
    static PageProtection prepare(final SpaceHandle space, final Reshape.Pages pages, final boolean wasWritable,
                                  final long record) {
        space.registry().headroom().take("protect");
        return new PageProtection(space, pages, wasWritable, record);
    }

    /** Changes the pages, when nobody writes to them any more who holds no lock. */
    void make() {
        if (wasWritable) {
            try (Waiting waiting = space.waiting(Waiting.FOREVER, false)) {
                space.eras().ban(ban, waiting);
            }
        }
        core.reservation().protect(pages.start(), pages.length(), !wasWritable);
    }

    /** The pages stay as they are now. */
    void keep() {
        space.eras().lift(ban);
    }

    /** Gives the pages their protection again; false if the kernel refuses. */
    boolean isUndone() {
        try {
            core.reservation().protect(pages.start(), pages.length(), wasWritable);
            return true;
        } catch (final NativeException e) {
            return false;
        }
    }

    /** The same for a change that comes to nothing; unmaps the region if its pages cannot be used any more. */
    void takeBack(final Publication.Owner owner) {
        // Where too much is allowed now, it hurts nobody.
        if (isUndone() || !wasWritable || record == 0 || !owner.holds(record)) {
            keep();
        } else {
            owner.abandon(record);
            core.lifetimes().detached(record);
            isLost = true;
            space.eras().lift(ban);
        }
    }

    /** The region that was unmapped, if one was. */
    @Nullable PendingUnmap lost() {
        return isLost ? unmapping : null;
    }
}
