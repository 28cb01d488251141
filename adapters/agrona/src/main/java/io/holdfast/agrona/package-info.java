// SPDX-License-Identifier: Apache-2.0

/**
 * Regions for programs that use Agrona: {@link io.holdfast.agrona.RegionBuffer} is an {@code AtomicBuffer} over the
 * bytes of a region, checked all the way, that needs no flags of the virtual machine.
 *
 * <p>Uses only the public API of Holdfast.
 */
@NullMarked
package io.holdfast.agrona;

import org.jspecify.annotations.NullMarked;
