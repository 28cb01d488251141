// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Pin;
import io.holdfast.epoch.EpochDomain;
import org.jspecify.annotations.Nullable;

/** An announced pin of its thread. */
public final class PinHandle implements Pin {
    private final SpaceHandle space;
    private final EpochDomain domain;
    private final long slot;
    private final Thread owner;
    private boolean closed;

    /** For the current thread, which was pinned in a slot of its own. */
    PinHandle(final SpaceHandle space, final EpochDomain domain, final long slot) {
        this.space = space;
        this.domain = domain;
        this.slot = slot;
        this.owner = Thread.currentThread();
    }

    @Override
    public @Nullable RegionHandle find(final long address) {
        check("find");
        return space.findPinned(address);
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        try {
            end();
        } catch (final InternalError late) { // of an access long past, and thrown wherever the thread comes by
            if (!closed) {
                end();
            }
            throw late;
        }
    }

    private void end() {
        check("close");
        closed = true; // before: a pin that ended twice would be another's
        try {
            domain.unpin(slot);
        } catch (final StackOverflowError e) {
            closed = false; // it can be repeated
            throw e;
        }
    }

    private void check(final String operation) {
        if (owner != Thread.currentThread()) {
            throw new WrongThreadException(operation + " of a pin of another thread: owner=" + owner.getName() +
                ", caller=" + Thread.currentThread().getName());
        }
        if (closed) {
            throw new IllegalStateException(operation + " of a closed pin: space=" + space.name());
        }
    }
}
