// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.EpochDomain;
import org.jspecify.annotations.Nullable;

/**
 * Keeps every region that its thread finds through it mapped until it is closed (guarantee G1), whatever is unmapped
 * meanwhile. Pins are cheap and nest; they end in the thread that began them.
 *
 * <p>A pinned thread holds up every synchronous unmap in the space, so a pin belongs around a lookup and what is read
 * right after it. A pinned thread must not wait: blocking acquires and synchronous unmaps by it end in an
 * {@link IllegalMonitorStateException} (G10).
 */
public final class Pin implements AutoCloseable {
    private final AddressSpace space;
    private final EpochDomain domain;
    private final long slot;
    private final Thread owner;
    private boolean closed;

    /** For the current thread, which was pinned in a slot of its own. */
    Pin(final AddressSpace space, final EpochDomain domain, final long slot) {
        this.space = space;
        this.domain = domain;
        this.slot = slot;
        this.owner = Thread.currentThread();
    }

    /**
     * The region that contains an address, or null if there is none. Wait-free up to the height of the tree.
     *
     * <p>A region that is being unmapped is not found. One that is found stays mapped, and its
     * {@linkplain Region#optimisticSegment() optimistic segment} readable as that region, until the pin is closed;
     * whether a writer changes it meanwhile is what a stamp or a guard is for.
     *
     * @param address space-relative, in bytes
     * @return a handle to the region, or null
     * @throws IllegalStateException if the pin is closed
     * @throws WrongThreadException  if another thread began it
     */
    public @Nullable Region find(final long address) {
        check("find");
        return space.findPinned(address);
    }

    /**
     * Ends the pin.
     *
     * @throws IllegalStateException if it is closed already
     * @throws WrongThreadException  if another thread began it
     */
    @Override
    public void close() {
        check("close");
        domain.unpin(slot);
        closed = true; // after it: an end for which the stack was too short can be repeated
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
