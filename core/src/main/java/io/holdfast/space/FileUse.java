// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.memory.FileHandle;
import java.util.Objects;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One thread's use of an open file while it maps a part of it: from the opening to the end of the mapping, whatever comes
 * of it. At its end a claim that no record has is given back, and the handle is closed unless the {@link MappedFile}
 * keeps it.
 */
final class FileUse implements AutoCloseable {
    private final FileHandle opened;
    private final RegionRegistry registry;
    private final boolean isMine; // the handle
    private @Nullable MappedFile file;
    private @Nullable FileShare share;

    /** Takes over a handle, which is closed also if this comes to nothing. */
    FileUse(final FileHandle opened, final RegionRegistry registry) {
        this.opened = opened;
        this.registry = registry;
        this.isMine = true;
        boolean joined = false;
        try {
            this.file = MappedFile.join(opened);
            joined = true;
        } finally {
            if (!joined) {
                registry.close(opened);
            }
        }
    }

    /** Uses the descriptor that is kept for a region, which the caller keeps mapped. */
    FileUse(final MappedFile file, final RegionRegistry registry) {
        this.opened = file.descriptor();
        this.registry = registry;
        this.isMine = false;
        this.file = file;
    }

    FileHandle opened() {
        return opened;
    }

    MappedFile file() {
        return Objects.requireNonNull(file);
    }

    /**
     * Claims bytes that the file has [F1].
     *
     * @param operation for messages
     * @param before {@link MappedFile#cuts} from before the file was opened
     * @param plan   makes a plan of the file's size, or refuses
     */
    MapPlan shareAsItIs(final String operation, final long before, final LongFunction<MapPlan> plan) {
        long cuts = before;
        long size = opened.openedSize();
        while (true) {
            final MapPlan made = plan.apply(Math.min(size, file().limit()));
            final FileShare claim = Objects.requireNonNull(made.share());
            share = claim;
            if (file().add(claim, opened, cuts)) {
                return made;
            }
            cuts = MappedFile.cuts();
            size = opened.size(operation);
        }
    }

    /** Claims bytes that the file is given if it has not got them, for who holds it. */
    void shareGrowing(final FileShare claim, final String operation) {
        share = claim;
        file().addGrowing(claim, opened, operation);
    }

    @Override
    public void close() {
        final FileShare claim = share;
        if (claim != null && !claim.isHandedOver()) {
            claim.remove();
        }
        if (isMine) {
            if (!file().owns(opened)) {
                registry.close(opened);
            }
            file().leave();
        }
    }
}
