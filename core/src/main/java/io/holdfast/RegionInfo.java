// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * A line of {@link AddressSpace#maps()}: what a region was when it was looked at.
 *
 * @param address    of the first byte, relative to the space
 * @param size       in bytes
 * @param writable   whether guards may write
 * @param path       the file, null for anonymous memory
 * @param fileOffset offset of the first byte in the file, 0 for anonymous memory
 * @param name       given when it was mapped, null if it was not
 * @param locked     whether its pages are kept in memory
 * @param lock       the decoded state of the region's lock
 */
public record RegionInfo(long address, long size, boolean writable, @Nullable Path path, long fileOffset,
                         @Nullable String name, boolean locked, String lock) {
}
