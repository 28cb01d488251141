// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether the file system of a mount maps reliably, once it has been asked, so that it is not asked again for each file. It
 * never changes for a mount, and the number of a mount is never used again.
 *
 * <p>Thread-safe. Only the last mount is remembered: the files of a process are mostly on one.
 */
final class Mounts {
    private record Known(long mount, boolean reliable) {
    }

    private volatile @Nullable Known last;

    /**
     * Whether a mount's file system does.
     *
     * @param ask for what the file system says, null if it says nothing
     */
    boolean mapsReliably(final long mount, final Supplier<@Nullable FileSystemStatus> ask) {
        final Known known = last;
        if (known != null && known.mount == mount) {
            return known.reliable;
        }
        final FileSystemStatus system = ask.get();
        final boolean found = system != null && system.mapsReliably();
        if (system != null && mount != FileStatus.NO_MOUNT) {
            last = new Known(mount, found);
        }
        return found;
    }
}
