// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.FileSystems;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;

/**
 * The files that the job loads: every regular file below a directory, symbolic links not followed, each cut into
 * pieces of bounded length so that one piece is in memory at a time.
 */
final class InputTree {
    private final Path root;

    /** Receives the pieces one after the other. */
    @FunctionalInterface
    interface PieceConsumer {
        /**
         * Takes a piece.
         *
         * @param name of the file, followed by a zero character and the number of the piece from the second one on
         * @param content the piece; the receiver's own
         * @return whether to go on
         */
        boolean accept(String name, byte[] content);
    }

    private InputTree(final Path root) {
        this.root = root;
    }

    /** The modules of the running JDK. */
    static InputTree ofJdk() {
        return new InputTree(FileSystems.getFileSystem(URI.create("jrt:/")).getPath("/"));
    }

    /**
     * The files below a directory.
     *
     * @throws StoreException if it is no directory that can be read
     */
    static InputTree of(final Path directory) {
        if (!Files.exists(directory)) {
            throw new StoreException("input does not exist: path=" + directory + "; name a directory with files in it");
        }
        if (!Files.isDirectory(directory)) {
            throw new StoreException(
                "input is not a directory: path=" + directory + "; name a directory, its files are loaded");
        }
        if (!Files.isReadable(directory)) {
            throw new StoreException("input cannot be read: path=" + directory + "; check its permissions");
        }
        try {
            return new InputTree(directory.toRealPath());
        } catch (final IOException e) {
            throw unreadable(directory, e);
        }
    }

    /** Whether that path lies below the root. */
    boolean contains(final Path path) {
        return path.getFileSystem().equals(root.getFileSystem()) && path.startsWith(root);
    }

    /**
     * Hands over every piece of every file.
     *
     * @param pieceBytes length of all pieces but a file's last
     * @param consumer of the pieces
     * @throws StoreException if a file or directory cannot be read
     */
    void read(final int pieceBytes, final PieceConsumer consumer) {
        try {
            Files.walkFileTree(root, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(final Path file, final BasicFileAttributes attributes) {
                    // In jrt:/ a link says that it is a regular file as well.
                    final boolean skipped = !attributes.isRegularFile() || attributes.isSymbolicLink();
                    return skipped || readFile(file, pieceBytes, consumer) ?
                        FileVisitResult.CONTINUE : FileVisitResult.TERMINATE;
                }

                @Override
                public FileVisitResult visitFileFailed(final Path file, final IOException e) {
                    throw unreadable(file, e);
                }
            });
        } catch (final IOException e) {
            throw unreadable(root, e);
        }
    }

    @Override
    public String toString() {
        return root.toString();
    }

    private static boolean readFile(final Path file, final int pieceBytes, final PieceConsumer consumer) {
        try (InputStream stream = Files.newInputStream(file)) {
            byte[] piece = stream.readNBytes(pieceBytes);
            int number = 0;
            boolean goOn = consumer.accept(file.toString(), piece);
            while (goOn && piece.length == pieceBytes) {
                piece = stream.readNBytes(pieceBytes);
                number++;
                goOn = piece.length == 0 || consumer.accept(file + "\0" + number, piece);
            }
            return goOn;
        } catch (final IOException e) {
            throw unreadable(file, e);
        }
    }

    private static StoreException unreadable(final Path file, final IOException cause) {
        return new StoreException("input cannot be read: path=" + file + ", cause=" + StoreFiles.reason(cause) +
            "; check its permissions or name another directory", cause);
    }
}
