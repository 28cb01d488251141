// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.nio.file.Path;

/** An engine around another one, for tests that interfere with single operations. */
class StorageDecorator implements SegmentStorage {
    private final SegmentStorage inner;

    StorageDecorator(final SegmentStorage inner) {
        this.inner = inner;
    }

    @Override
    public MappedFile map(final Path file, final long size, final long sizeMax) {
        return new FileDecorator(inner.map(file, size, sizeMax));
    }

    @Override
    public long mappedBytes() {
        return inner.mappedBytes();
    }

    @Override
    public long mappedFiles() {
        return inner.mappedFiles();
    }

    @Override
    public void close() {
        inner.close();
    }

    /** Called before each read. */
    void beforeRead() {
    }

    /** Called with what was read. */
    void afterRead(final byte[] target, final int length) {
    }

    /** Called before each write. */
    void beforeWrite() {
    }

    private final class FileDecorator implements MappedFile {
        private final MappedFile file;

        FileDecorator(final MappedFile file) {
            this.file = file;
        }

        @Override
        public long size() {
            return file.size();
        }

        @Override
        public boolean read(final long offset, final byte[] target, final int length) {
            beforeRead();
            final boolean read = file.read(offset, target, length);
            afterRead(target, length);
            return read;
        }

        @Override
        public boolean readOptimistically(final long offset, final byte[] target, final int length) {
            beforeRead();
            final boolean read = file.readOptimistically(offset, target, length);
            afterRead(target, length);
            return read;
        }

        @Override
        public void write(final long offset, final byte[] source, final int length) {
            beforeWrite();
            file.write(offset, source, length);
        }

        @Override
        public void grow(final long newSize) {
            file.grow(newSize);
        }

        @Override
        public void force() {
            file.force();
        }

        @Override
        public void unmap() {
            file.unmap();
        }
    }
}
