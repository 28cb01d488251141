// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.lock.RegionLock;
import java.util.function.LongFunction;

/** What an address space does its work with. */
record Engines(SpaceCore core, SpaceEngine space, MapEngine map, PageEngine pages, StructureEngine structure,
               Unmapper unmapper, Mover mover) {
    static Engines of(final SpaceCore core, final SpaceEngine space, final RegionLock lock, final Unmapper unmapper,
                      final LongFunction<Region> handle) {
        final MapEngine map = new MapEngine(core, space);
        final PageEngine pages = new PageEngine(core, space);
        final Publisher publisher = new Publisher(core, space, lock, handle);
        final Mover mover = new Mover(core, space, map, pages);
        return new Engines(core, space, map, pages, new StructureEngine(core, space, publisher, unmapper, mover), unmapper,
            mover);
    }
}
