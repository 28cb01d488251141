// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import io.holdfast.AddressSpace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;

/**
 * Opens and closes a file at each depth from the end of the stack up to where it has room, so that the stack ends at every
 * call on the way: {@code directory digs}. Ends with 1 if a file stays mapped, or if the stack never ended.
 */
final class DeepOpens {
    private static final int STACK = 192 << 10;
    private static final int DEEPEST = 1_000_000; // where no stack has room
    private static final int WARM_UPS = 3_000;
    private static final String MAPPED = "mapped"; // the one that is opened has either name
    private static final String COPIED = "copied";

    private final AddressSpace space;
    private final HoldfastDirectory directory;
    private String name = MAPPED;
    private IndexInput input;
    private boolean opened;
    private long ends;

    private DeepOpens(final AddressSpace space, final HoldfastDirectory directory) {
        this.space = space;
        this.directory = directory;
    }

    private void openAndClose() {
        try {
            if (input == null) {
                input = directory.openInput(name, IOContext.DEFAULT);
            }
            input.close();
            input = null;
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private boolean dig(final int depth) {
        try {
            if (depth < DEEPEST && dig(depth + 1)) {
                return true;
            }
        } catch (final StackOverflowError e) {
            ends++;
        }
        try {
            openAndClose();
            return true;
        } catch (final StackOverflowError e) {
            ends++;
            return false;
        }
    }

    /** From a stack that is a little further down each time. */
    private boolean digLower(final int frames) {
        return frames == 0 ? dig(0) : digLower(frames - 1);
    }

    private void finish() throws Exception {
        while (space.statistics().backlogUnmaps() > 0) {
            space.reclaimer().doWork();
        }
    }

    private void run(final int digs) throws Exception {
        for (int i = 0; i < WARM_UPS; i++) {
            name = i % 2 == 0 ? MAPPED : COPIED;
            openAndClose();
        }
        finish();
        for (int i = 0; i < digs; i++) {
            name = i % 2 == 0 ? MAPPED : COPIED;
            final int frames = i;
            final Thread thread = new Thread(null, () -> opened |= digLower(frames), "digger", STACK);
            thread.start();
            thread.join();
            if (!opened) {
                System.out.println("the stack has room nowhere");
                System.exit(1);
            }
            opened = false;
            finish();
            openAndClose();
            finish();
            if (space.statistics().regions() != 0) {
                System.out.println("left mapped: " + space.maps() + space.pendingUnmaps());
                System.exit(1);
            }
        }
        System.out.println("the stack ended " + ends + " times");
        System.exit(ends > 0 ? 0 : 1);
    }

    private static void write(final HoldfastDirectory directory, final String name, final int length) throws IOException {
        try (IndexOutput output = directory.createOutput(name, IOContext.DEFAULT)) {
            output.writeBytes(new byte[length], length);
        }
    }

    /** Starts it. */
    public static void main(final String... args) throws Exception {
        try (AddressSpace space = AddressSpace.builder().eras(Duration.ZERO, Duration.ZERO).startReclaimer(false).open();
             HoldfastDirectory directory = HoldfastDirectory.builder().space(space).open(Path.of(args[0]))) {
            write(directory, MAPPED, 20_000);
            write(directory, COPIED, 100);
            new DeepOpens(space, directory).run(Integer.parseInt(args[1]));
        }
    }
}
