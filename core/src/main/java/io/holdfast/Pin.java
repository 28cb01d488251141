// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.PinHandle;
import org.jspecify.annotations.Nullable;

/**
 * Keeps every region that its thread finds through it mapped until it is closed (guarantee G1), whatever is unmapped
 * meanwhile. Pins are cheap and nest; they end in the thread that began them.
 *
 * <p>A pinned thread holds up every synchronous unmap in the space, so pin only around a lookup and the reads that
 * follow it immediately. A pinned thread must not wait: blocking acquires and synchronous unmaps by it throw an {@link
 * IllegalMonitorStateException} (G10).
 *
 * {@snippet class="io.holdfast.SnippetsTest" region="pin"}
 */
public sealed interface Pin extends AutoCloseable permits PinHandle {
    /**
     * The region that contains an address, or null if there is none. Wait-free up to the height of the tree.
     *
     * <p>A region that is being unmapped is not found. One that is found stays mapped, and its
     * {@linkplain Region#optimisticSegment() optimistic segment} readable as that region, until the pin is closed;
     * a stamp or a guard tells whether a writer changes it meanwhile.
     *
     * @param address space-relative, in bytes
     * @return a handle to the region, or null
     * @throws IllegalStateException if the pin is closed
     * @throws WrongThreadException  if another thread began it
     */
    @Nullable Region find(long address);

    /**
     * Ends the pin; does nothing if it is closed already.
     *
     * @throws WrongThreadException  if another thread began it
     */
    @Override
    void close();
}
