// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.NonReadableChannelException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Opens the files behind open channels, by whatever name they go, or none. */
public final class ChannelFiles {
    /*
     * The JDK does not tell the descriptor of a channel. But it maps a byte for whoever asks, and the kernel's list of
     * mappings says which file that is; among the descriptors of the process there is one of that file, the channel's at
     * least, and it can be opened again by its entry in /proc, even if the file has been deleted.
     */
    private static final Path DESCRIPTORS = Path.of("/proc/self/fd");
    private static final String DELETED = " (deleted)";

    /**
     * Opens the file behind a channel once more.
     *
     * @param memory the calls to use, also for everything done with the handle later
     * @param channel open for reading, and for writing if the access says so
     * @param access what mappings of the handle will need at most
     * @return the open file
     * @throws UncheckedIOException if the channel is closed, not for reading, or not of the operating system's file system;
     *     if the file is empty, or cannot be found or opened again
     */
    public static FileHandle open(final NativeMemory memory, final FileChannel channel, final FileAccess access) {
        final KernelMappings.Entry mapping = probe(channel);
        final String name = mapping.name();
        final Path path = Path.of(name.endsWith(DELETED) ? name.substring(0, name.length() - DELETED.length()) : name);
        try (DirectoryStream<Path> links = Files.newDirectoryStream(DESCRIPTORS)) {
            for (final Path link : links) {
                final FileHandle found = open(memory, link, path, access, mapping);
                if (found != null) {
                    return found;
                }
            }
        } catch (final IOException | DirectoryIteratorException e) {
            throw failed("the descriptors of the process cannot be listed", new IOException(e));
        }
        throw failed("the file of the channel is not among the descriptors of the process: path=" + path,
            new IOException(path.toString()));
    }

    private static KernelMappings.Entry probe(final FileChannel channel) {
        try (Arena arena = Arena.ofConfined()) {
            if (channel.size() == 0) {
                throw failed("the file of the channel is empty, and so cannot be told from others; write a byte first, " +
                    "or map it by its path", new IOException("empty file"));
            }
            final long address = channel.map(FileChannel.MapMode.READ_ONLY, 0, 1, arena).address();
            return KernelMappings.within(address, address + 1).getFirst();
        } catch (final IOException | UnsupportedOperationException | NonReadableChannelException e) {
            throw failed("the channel cannot be used: " + e, new IOException(e));
        }
    }

    private static @Nullable FileHandle open(final NativeMemory memory, final Path link, final Path path,
                                             final FileAccess access, final KernelMappings.Entry mapping) {
        if (!mayLeadTo(link, mapping.inode())) {
            return null;
        }
        final FileHandle found = FileHandle.reopen("map", memory, link, path, access);
        if (found.inode() == mapping.inode() && found.device() == mapping.device()) {
            return found;
        }
        found.close();
        return null;
    }

    private static boolean mayLeadTo(final Path link, final long inode) {
        try {
            return Files.isRegularFile(link) && Files.getAttribute(link, "unix:ino") instanceof final Long number &&
                number == inode;
        } catch (final IOException gone) {
            return false;
        }
    }

    private static UncheckedIOException failed(final String reason, final IOException cause) {
        return new UncheckedIOException("map failed: " + reason, cause);
    }

    private ChannelFiles() {
    }
}
