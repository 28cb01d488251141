// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The exchange of engines that can change one mapping at a time: fresh files are mapped as they come, old ones unmapped
 * one after another at the end.
 */
final class StepwiseReplacement implements Replacement {
    private final FileMapper mapper;
    private final List<MappedFile> fresh = new ArrayList<>();
    private final List<MappedFile> old = new ArrayList<>();
    private boolean published;

    StepwiseReplacement(final FileMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public boolean isAtomic() {
        return false;
    }

    @Override
    public MappedFile map(final Path file, final long size, final long sizeMax) {
        final MappedFile mapped = mapper.map(file, size, sizeMax);
        fresh.add(mapped);
        return mapped;
    }

    @Override
    public void unmap(final MappedFile file) {
        old.add(file);
    }

    @Override
    public void publish() {
        published = true;
    }

    @Override
    public void close() {
        (published ? old : fresh).forEach(MappedFile::unmap);
    }
}
