// SPDX-License-Identifier: Apache-2.0

/**
 * Who is reading, and what may be reclaimed: one slot per platform thread with the epoch of its pin and its hazards,
 * slots that virtual threads claim for the time of a pin, the light and the heavy barrier in both flavours, and lists
 * of retired items that are reclaimed once every earlier pin has ended.
 *
 * <p>Readers announce themselves with a store and a light barrier; whoever wants to know of them pays for a heavy
 * barrier first. Slots are type-stable and are never given back, only reused.
 *
 * <p>May import {@code io.holdfast.layout}, {@code io.holdfast.memory} and the idle strategies and agents of {@code
 * org.agrona.concurrent}.
 */
@NullMarked
package io.holdfast.epoch;

import org.jspecify.annotations.NullMarked;
