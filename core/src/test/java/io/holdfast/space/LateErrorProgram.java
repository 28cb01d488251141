// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;

/**
 * Reads under guards what another program has cut off a file. Compiled, such a read goes on, and its error is thrown where
 * the thread comes by next: in the close of the guard, if that is a call. Prints how many locks were released there and
 * how many were left; the virtual machine is told to make it a call.
 */
final class LateErrorProgram {
    private static final int LENGTH = 16384;
    private static final int WARM_UP = 200_000;
    private static final int ROUNDS = 40;
    private static long sum;

    private LateErrorProgram() {
    }

    public static void main(final String[] args) throws IOException {
        int released = 0;
        int left = 0;
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 26).open()) {
            final Region whole = map(space);
            for (int i = 0; i < WARM_UP; i++) {
                read(whole);
            }
            for (int round = 0; round < ROUNDS; round++) {
                final Path file = file();
                final Region region = space.map(FileBacking.readWrite(file).range(0, LENGTH));
                try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                    channel.truncate(LENGTH / 4);
                }
                boolean isInClose = false;
                try {
                    read(region);
                } catch (final InternalError e) {
                    isInClose = Arrays.stream(e.getStackTrace()).anyMatch(frame ->
                        frame.getClassName().endsWith("GuardHandle") && frame.getMethodName().equals("close"));
                }
                final boolean isFree = isFree(region);
                released += isInClose && isFree ? 1 : 0;
                left += isInClose && !isFree ? 1 : 0;
                Files.delete(file);
            }
            // Some come up before the first instruction of the close, where nobody can catch them.
            System.out.println("released=" + released + ", left=" + left);
            System.out.flush();
            Runtime.getRuntime().halt(0); // the space cannot be closed over what was left before the close was called
        }
    }

    private static boolean isFree(final Region region) {
        try (Guard guard = region.tryExclusive()) {
            return guard.isHeld();
        }
    }

    private static Region map(final AddressSpace space) throws IOException {
        return space.map(FileBacking.readWrite(file()).range(0, LENGTH));
    }

    private static Path file() throws IOException {
        final Path file = Files.createTempFile("late", ".bin");
        file.toFile().deleteOnExit();
        Files.write(file, new byte[LENGTH]);
        return file;
    }

    private static void read(final Region region) {
        try (Guard guard = region.share()) {
            sum += guard.segment().get(ValueLayout.JAVA_LONG, LENGTH / 2);
        }
    }
}
