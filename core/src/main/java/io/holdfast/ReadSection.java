// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.space.ReadSectionHandle;
import org.jspecify.annotations.Nullable;

/**
 * The right to a structure that does not change: while the section is open, no region of the range is mapped, unmapped,
 * split, merged, moved, resized or protected, except by downgraded sections, which did so before. Other read sections
 * may be open on the same range. Regions can be locked as usual.
 *
 * <p>Belongs to the thread that began it. A change that another thread begins in the range waits until the section is
 * closed.
 */
public sealed interface ReadSection extends AutoCloseable permits ReadSectionHandle {
    /** {@return the space} */
    AddressSpace space();

    /** {@return whether the section still has its range} */
    boolean isOpen();

    /**
     * Makes this a write section if nobody else has a section on the range, and not too much waits for pins and snapshots
     * ({@link AddressSpace.Builder#retiredBytes}); this one is closed then. Never waits.
     *
     * @return the write section, or null, and then this one is open as before
     * @throws IllegalStateException if the section is closed
     * @throws WrongThreadException  if another thread began it
     */
    @Nullable WriteSection tryUpgrade();

    /**
     * Ends the section; does nothing if it is closed.
     *
     * @throws WrongThreadException if another thread began it
     */
    @Override
    void close();
}
