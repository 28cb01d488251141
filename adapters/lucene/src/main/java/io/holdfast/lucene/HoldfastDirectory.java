// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import io.holdfast.AddressSpace;
import io.holdfast.EmptyFileException;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FSLockFactory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.LockFactory;
import org.apache.lucene.store.MMapDirectory;
import org.apache.lucene.store.ReadAdvice;
import org.apache.lucene.util.Constants;
import org.apache.lucene.util.Unwrappable;
import org.jspecify.annotations.Nullable;

/**
 * A directory of the file system whose files are read where they are mapped, as with {@link MMapDirectory}, and leave
 * memory soon after they are closed, at a cost shared by all files that are closed at about the same time.
 *
 * {@snippet :
 * try (Directory directory = new HoldfastDirectory(Path.of("index"));
 *      DirectoryReader reader = DirectoryReader.open(directory)) {
 *     TopDocs hits = new IndexSearcher(reader).search(query, 10);
 * }
 * }
 *
 * <p>An input may be closed by any thread while others read it and its clones and slices: for a moment they still read
 * the right bytes, or they get an {@link org.apache.lucene.store.AlreadyClosedException}. That moment is an era of the
 * space ({@link AddressSpace.Builder#eras}, 100 ms by default); when it is over, the file is no longer in any list of
 * mappings, and one that was deleted has given its blocks back. Segments that an input hands out ({@link
 * org.apache.lucene.store.MemorySegmentAccessInput}) throw an {@link IllegalStateException} from then on.
 *
 * <p>A file is one region, whatever its size, and has the file's name in {@link AddressSpace#maps()}, in reports and in
 * events. Like each mapped file, it must not be truncated while it is open. Small files are not mapped but read into memory
 * when they are opened ({@link Builder#copyUpTo}): the kernel changes no mapping for them.
 *
 * <p>Thread-safe.
 */
public class HoldfastDirectory extends FSDirectory {
    private static final long SHARED_CAPACITY = 1L << 44; // of addresses, which cost nothing
    private static final int COPIED = 16 << 10;

    private static @Nullable AddressSpace shared; // under the class

    private final AddressSpace space;
    private final boolean background;
    private final int copyUpTo;
    private final BiPredicate<String, IOContext> preload;
    private final BiFunction<String, IOContext, Optional<ReadAdvice>> readAdvice;
    private final AtomicReference<@Nullable Opening> abandoned = new AtomicReference<>();

    /**
     * A directory with the default lock factory and default settings.
     *
     * @param path the directory, which is created if it does not exist
     * @throws IOException if the directory cannot be created
     */
    public HoldfastDirectory(final Path path) throws IOException {
        this(path, FSLockFactory.getDefault());
    }

    /**
     * A directory with default settings.
     *
     * @param path        the directory, which is created if it does not exist
     * @param lockFactory makes the locks of the index
     * @throws IOException if the directory cannot be created
     */
    public HoldfastDirectory(final Path path, final LockFactory lockFactory) throws IOException {
        this(path, builder().lockFactory(lockFactory));
    }

    private HoldfastDirectory(final Path path, final Builder settings) throws IOException {
        super(path, settings.lockFactory);
        final AddressSpace given = settings.space;
        this.space = given != null ? given : sharedSpace();
        this.background = settings.background;
        this.copyUpTo = settings.copyUpTo;
        this.preload = settings.preload;
        this.readAdvice = settings.readAdvice;
    }

    /** What directories share that were not given a space. */
    private static synchronized AddressSpace sharedSpace() {
        AddressSpace space = shared;
        if (space == null) {
            space = AddressSpace.builder().capacity(SHARED_CAPACITY).name("lucene").open();
            shared = space;
        }
        return space;
    }

    /** {@return default settings for directories} */
    public static Builder builder() {
        return new Builder();
    }

    /** {@return the space in which the files of this directory are mapped} */
    public AddressSpace space() {
        return space;
    }

    @Override
    public IndexInput openInput(final String name, final IOContext context) throws IOException {
        ensureOpen();
        ensureCanRead(name);
        unmapAbandoned();
        final Path path = Unwrappable.unwrapAll(directory.resolve(name));
        final Opening opening = new Opening();
        try {
            return new HoldfastInput(open(opening, name, path, context), path, adviceFor(name, context));
        } catch (final Throwable e) {
            abandon(opening);
            throw e;
        }
    }

    private OpenFile open(final Opening opening, final String name, final Path path, final IOContext context)
            throws IOException {
        final long size = Files.size(path);
        final boolean isSmall = size <= copyUpTo && path.getFileSystem() == FileSystems.getDefault();
        try {
            return isSmall ? copy(opening, name, path, (int) size)
                : map(opening, name, path, context); // which refuses other file systems
        } catch (final MappingException e) {
            throw new IOException("cannot map " + path + ": " + e.getMessage(), e);
        }
    }

    private OpenFile map(final Opening opening, final String name, final Path path, final IOContext context)
            throws IOException {
        final MapRequest file = MapRequest.file(FileBacking.readOnly(path)).named(name);
        final Region region;
        try {
            region = space.mapFile(preload.test(name, context) ? file.populated() : file);
        } catch (final EmptyFileException e) {
            return copy(opening, name, path, 0); // it was not empty at the first look
        }
        opening.region = region;
        return new OpenFile(this, name, region, region.size(), false);
    }

    private OpenFile copy(final Opening opening, final String name, final Path path, final int size) throws IOException {
        final byte[] bytes = new byte[size];
        final int length;
        try (InputStream file = new FileInputStream(path.toFile())) { // an interrupt does not end it, as it would a channel
            length = file.readNBytes(bytes, 0, size);
        }
        final Region region = space.map(MapRequest.anonymous(Math.max(1, length)).named(name));
        opening.region = region;
        try (Guard guard = region.shareWritable()) {
            MemorySegment.copy(bytes, 0, guard.segment(), ValueLayout.JAVA_BYTE, 0, length);
        }
        return new OpenFile(this, name, region, length, true);
    }

    /** The region of a file that is being opened; made before it, because nothing can be made where heap or stack ends. */
    private static final class Opening {
        private @Nullable Region region;
        private @Nullable Opening next;
    }

    /** Gives back what was mapped for a file that cannot be opened: now, or with the next if heap or stack has ended. */
    private void abandon(final Opening opening) {
        if (opening.region == null) {
            return;
        }
        Opening head;
        do {
            head = abandoned.get();
            opening.next = head;
        } while (!abandoned.compareAndSet(head, opening));
        unmapAbandoned();
    }

    /** Unmaps what nobody reads, in the background; what throws is left for the next time, and nobody hears of it. */
    private void unmapAbandoned() {
        try {
            for (Opening first = abandoned.get(); first != null; first = abandoned.get()) {
                OpenFile.unmap(Objects.requireNonNull(first.region), true);
                abandoned.compareAndSet(first, first.next); // another thread may have been quicker
            }
        } catch (final RuntimeException | OutOfMemoryError | StackOverflowError e) {
            return;
        }
    }

    @Override
    public synchronized void close() throws IOException {
        unmapAbandoned();
        super.close();
    }

    /** Whether a close waits for nobody. */
    boolean unmapsInBackground() {
        return background;
    }

    /** How a file, or a part of it, is going to be read. */
    ReadAdvice adviceFor(final String name, final IOContext context) {
        return readAdvice.apply(name, context).orElse(Constants.DEFAULT_READADVICE);
    }

    @Override
    public String toString() {
        return super.toString() + " space=" + space.name();
    }

    /** Settings of directories that are to be opened. Not thread-safe; can be used for several directories. */
    public static final class Builder {
        private LockFactory lockFactory = FSLockFactory.getDefault();
        private @Nullable AddressSpace space;
        private boolean background = true;
        private int copyUpTo = COPIED;
        private BiPredicate<String, IOContext> preload = MMapDirectory.NO_FILES;
        private BiFunction<String, IOContext, Optional<ReadAdvice>> readAdvice = (_, _) -> Optional.empty();

        private Builder() {
        }

        /**
         * Sets what makes the locks of the index.
         *
         * @param factory the lock factory
         * @return this
         */
        public Builder lockFactory(final LockFactory factory) {
            this.lockFactory = Objects.requireNonNull(factory, "factory");
            return this;
        }

        /**
         * Sets the space in which files are mapped, and with it the limits of addresses, files and backlog, the length
         * of an era, and the listener for long waits. By default all directories of the process share one, which lasts
         * as long as the process. Closing the directory does not close its space; closing the space closes all inputs.
         *
         * @param shared a space, which other directories, and anything else, may use too
         * @return this
         */
        public Builder space(final AddressSpace shared) {
            this.space = Objects.requireNonNull(shared, "shared");
            return this;
        }

        /**
         * Sets whether the close of an input returns at once, so that the file leaves memory at the end of the era
         * together with all others closed by then, which is the default; or waits until the file has left.
         *
         * @param inBackground whether closes return at once
         * @return this
         */
        public Builder unmapInBackground(final boolean inBackground) {
            this.background = inBackground;
            return this;
        }

        /**
         * Sets up to which size a file is not mapped but read into anonymous memory, 16 KiB by default. Most files of a
         * segment are smaller than a page, and mapping one, reading its first page and giving it back takes more
         * processor time than reading it. A copied file takes memory of the process, a page at least, where a mapped one
         * is in the page cache; it takes no mapping of the kernel, and its blocks are free as soon as it is deleted.
         *
         * @param bytes the size of the largest file that is copied; 0 maps all that are not empty
         * @return this
         * @throws IllegalArgumentException if it is negative
         */
        public Builder copyUpTo(final int bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("copyUpTo must not be negative: bytes=" + bytes);
            }
            this.copyUpTo = bytes;
            return this;
        }

        /**
         * Sets which of the mapped files are read into memory when they are opened; by default none.
         *
         * @param files decides by the name of the file and the context that it is opened for
         * @return this
         */
        public Builder preload(final BiPredicate<String, IOContext> files) {
            this.preload = Objects.requireNonNull(files, "files");
            return this;
        }

        /**
         * Sets how the kernel is to read files in, for example {@link MMapDirectory#ADVISE_BY_CONTEXT}.
         *
         * @param advice decides by the name of the file and the context that it, or a part of it, is opened for; where
         *               it gives none, as by default, {@link Constants#DEFAULT_READADVICE} applies
         * @return this
         */
        public Builder readAdvice(final BiFunction<String, IOContext, Optional<ReadAdvice>> advice) {
            this.readAdvice = Objects.requireNonNull(advice, "advice");
            return this;
        }

        /**
         * Opens a directory.
         *
         * @param path the directory, which is created if it does not exist
         * @return the directory
         * @throws IOException if the directory cannot be created
         */
        public HoldfastDirectory open(final Path path) throws IOException {
            return new HoldfastDirectory(path, this);
        }
    }
}
