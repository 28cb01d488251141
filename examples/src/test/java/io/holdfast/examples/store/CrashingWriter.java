// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * The process that is killed: writes to a store without end, and says on its output which operations have been
 * acknowledged. Operation n depends on the seed, on n, and on whether its key has a value, so whoever knows the seed
 * can replay it. Compacts every now and then, and forces.
 */
final class CrashingWriter {
    static final int KEYS = 200;
    static final int VALUE_MAX = 3_000;
    static final long SEGMENT_BYTES = StoreOptions.SEGMENT_BYTES_MIN;
    private static final int COMPACT_EVERY = 100;
    private static final int FORCE_EVERY = 250;
    private static final double GARBAGE_MIN = 0.4;

    private CrashingWriter() {
    }

    /** What operation n does. */
    static final class Operation {
        private final String key;
        private final boolean deletes;
        private final byte[] value;

        Operation(final long seed, final long number) {
            final SplittableRandom random = new SplittableRandom(seed ^ (number * 0x9e3779b97f4a7c15L));
            this.key = "key" + random.nextInt(KEYS);
            this.deletes = random.nextInt(4) == 0;
            this.value = new byte[random.nextInt(VALUE_MAX)];
            random.nextBytes(value);
        }

        String key() {
            return key;
        }

        /** Whether it deletes the key if that has a value; otherwise it is a put. */
        boolean deletes() {
            return deletes;
        }

        byte[] value() {
            return value;
        }
    }

    static StoreOptions options(final Path directory, final Engine engine) {
        return StoreOptions.in(directory).engine(engine).segmentBytes(SEGMENT_BYTES);
    }

    /** Arguments: directory, engine, seed. */
    public static void main(final String[] args) throws IOException {
        final long seed = Long.parseLong(args[2]);
        // Not System.out, which would let this process go on for ever when nobody listens any more.
        final OutputStream out = new FileOutputStream(FileDescriptor.out);
        say(out, "begins");
        try (Store store = Store.open(options(Path.of(args[0]), Engine.valueOf(args[1])))) {
            say(out, "opened");
            for (long number = store.lastSequence() + 1; number > 0; number++) {
                final Operation operation = new Operation(seed, number);
                if (operation.deletes() && store.contains(operation.key())) {
                    store.delete(operation.key());
                } else {
                    store.put(operation.key(), operation.value());
                }
                say(out, Long.toString(number));
                if (number % COMPACT_EVERY == 0 && store.compact(GARBAGE_MIN) > 0) {
                    say(out, "compacted");
                }
                if (number % FORCE_EVERY == 0) {
                    store.force();
                    say(out, "forced");
                }
            }
        }
    }

    private static void say(final OutputStream out, final String line) throws IOException {
        out.write((line + "\n").getBytes(StandardCharsets.US_ASCII));
        out.flush();
    }
}
