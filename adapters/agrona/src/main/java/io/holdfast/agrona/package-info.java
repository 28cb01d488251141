// SPDX-License-Identifier: Apache-2.0

/**
 * Regions for programs that speak Agrona: {@link io.holdfast.agrona.RegionBuffer} is an {@code AtomicBuffer} over the
 * bytes of a region, checked all the way, that needs no flags of the virtual machine.
 *
 * <p>Stands on the public API of Holdfast alone.
 */
@NullMarked
package io.holdfast.agrona;

import org.jspecify.annotations.NullMarked;
