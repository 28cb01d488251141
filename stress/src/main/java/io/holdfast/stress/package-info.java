// SPDX-License-Identifier: Apache-2.0

/**
 * Litmus tests of the protocols: one class per protocol, with weakened twins that must be caught. Where a few steps are all
 * there is, a class has a {@code Model} with volatile fields; the model of the region lock, of its holds, pins, optimistic
 * reads, unmap and reuse is the one in {@code stress/spin}.
 */
@NullMarked
package io.holdfast.stress;

import org.jspecify.annotations.NullMarked;
