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
    public Replacement replacement() {
        return new ReplacementDecorator(inner.replacement());
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

    /** Called before what was written is forced to the disk. */
    void beforeForce() {
    }

    /** Called when the manifest lists fresh segments and the old ones are mapped as ever. */
    void beforeExchange() {
    }

    /** Called when readers of the old segments are turned away, before the fresh ones can be read. */
    void beforePublish() {
    }

    /** Called when the fresh segments can be read, before the index leads to them. */
    void afterPublish() {
    }

    private final class ReplacementDecorator implements Replacement {
        private final Replacement replacement;
        private boolean exchanging;

        ReplacementDecorator(final Replacement replacement) {
            this.replacement = replacement;
        }

        @Override
        public boolean isAtomic() {
            return replacement.isAtomic();
        }

        @Override
        public MappedFile map(final Path file, final long size, final long sizeMax) {
            return new FileDecorator(replacement.map(file, size, sizeMax));
        }

        @Override
        public void unmap(final MappedFile file) {
            if (!exchanging) {
                exchanging = true;
                beforeExchange();
            }
            replacement.unmap(((FileDecorator) file).file);
        }

        @Override
        public void publish() {
            beforePublish();
            replacement.publish();
            afterPublish();
        }

        @Override
        public void close() {
            replacement.close();
        }
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
            beforeForce();
            file.force();
        }

        @Override
        public void unmap() {
            file.unmap();
        }
    }
}
