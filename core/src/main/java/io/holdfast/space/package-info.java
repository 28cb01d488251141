// SPDX-License-Identifier: Apache-2.0

/**
 * What an address space does, behind the contracts of {@code io.holdfast}: the handles that users hold, the life of
 * regions (map, unmap, reclaim, close), and their shape (split, merge, cut, protect, grow, move, sections).
 *
 * <p>It implements the contracts and uses their values; they know it at one door, {@link io.holdfast.space.SpaceBuilder}.
 */
@NullMarked
package io.holdfast.space;

import org.jspecify.annotations.NullMarked;
