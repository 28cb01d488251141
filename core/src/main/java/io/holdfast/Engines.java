// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.lock.RegionLock;
import java.util.function.LongFunction;

/** What an address space does its work with. */
record Engines(SpaceCore core, SpaceEngine space, MapEngine map, PageEngine pages, GrowthEngine growth,
               StructureEngine structure, Unmapper unmapper, Mover mover) {
    static Engines of(final SpaceCore core, final SpaceEngine space, final SpaceSettings settings, final RegionLock lock,
                      final Unmapper unmapper, final LongFunction<Region> handle) {
        final MapEngine map = new MapEngine(core, space);
        final PageEngine pages = new PageEngine(core, space);
        final GrowthEngine growth = new GrowthEngine(core, space, pages, settings);
        final Publisher publisher = new Publisher(core, space, lock, handle);
        final Mover mover = new Mover(core, space, map, pages);
        final StructureEngine structure = new StructureEngine(core, space, growth, publisher, unmapper, mover);
        return new Engines(core, space, map, pages, growth, structure, unmapper, mover);
    }
}
