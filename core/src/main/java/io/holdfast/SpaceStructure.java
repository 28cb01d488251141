// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.epoch.Waiting;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How the structure of an address space is changed: one region at a time. Thread-safe; a change waits while a section
 * has its addresses, and a region that may be anywhere goes where no section is.
 */
abstract sealed class SpaceStructure extends SpaceInspection permits AddressSpace {
    /**
     * Maps anonymous memory, zeroed, readable and writable.
     *
     * @param sizeBytes more than 0; addresses are taken in whole pages
     * @return the region, mapped
     * @throws IllegalArgumentException if the size is not positive
     * @throws MappingException         if a limit of the space is reached or the system refuses; nothing has changed
     *                                  then
     * @throws IllegalStateException    if the space is closed
     */
    public Region map(final long sizeBytes) {
        return map(MapRequest.anonymous(sizeBytes));
    }

    /**
     * Maps a part of a file.
     *
     * @param backing the file, the access to it, and the range of bytes
     * @return the region, mapped
     * @throws IllegalArgumentException     if the range makes no sense
     * @throws java.io.UncheckedIOException if the file is missing, unreadable, not a regular file, empty, or shorter
     *                                      than the range, or cannot grow
     * @throws MappingException             if a limit of the space is reached or the system refuses; nothing has
     *                                      changed then
     * @throws IllegalStateException        if the space is closed
     */
    public Region map(final FileBacking backing) {
        return map(MapRequest.file(backing));
    }

    /**
     * Maps what a request says, where and how it says it.
     *
     * @param request what is to be mapped
     * @return the region, mapped
     * @throws IllegalArgumentException     if a fixed address is misaligned or outside of the space, or a range makes
     *                                      no sense
     * @throws java.io.UncheckedIOException as {@link #map(FileBacking)}
     * @throws MappingException             if a fixed address is taken, a limit of the space is reached, or the system
     *                                      refuses; nothing has changed then
     * @throws IllegalStateException        if the space is closed
     * @throws IllegalMonitorStateException if a section has the addresses, and the thread would wait for itself, or
     *                                      could: the section is its own, or it holds a guard or a pin (G10)
     */
    public Region map(final MapRequest request) {
        try (Waiting waiting = engines().space().waiting(Waiting.FOREVER, false)) {
            return Objects.requireNonNull(engines().map().map(request, waiting, this::region));
        }
    }

    /**
     * Maps what a request says if no section keeps it from that at this moment.
     *
     * @param request what is to be mapped
     * @return the region, mapped, or null if a section has the addresses
     * @throws IllegalArgumentException     as {@link #map(MapRequest)}
     * @throws java.io.UncheckedIOException as {@link #map(MapRequest)}
     * @throws MappingException             as {@link #map(MapRequest)}
     * @throws IllegalStateException        as {@link #map(MapRequest)}
     * @throws IllegalMonitorStateException as {@link #map(MapRequest)}
     */
    public @Nullable Region tryMap(final MapRequest request) {
        try (Waiting noTime = engines().space().waiting(0, false)) {
            return engines().map().map(request, noTime, this::region);
        }
    }
}
