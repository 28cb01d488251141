// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs a JVM of its own into vm.max_map_count, where the kernel refuses to give mappings back. */
class MapLimitTest {
    private static final long MIB = 1L << 20;

    @TempDir
    private Path directory;

    /** What the child runs: first with injected faults, so that everything is loaded, then at the limit itself. */
    static final class Child {
        private static final long PAGE = Inspection.PAGE;
        private static final long LENGTH = 4 * PAGE;
        private static final long OFFSET = (64L << 30) - 16 * MIB;

        private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
        private final Reservation reservation = Reservation.reserve(memory, 64L << 30);
        private final Path path;

        Child(final Path path) {
            this.path = path;
        }

        public static void main(final String[] arguments) {
            final Child child = new Child(Path.of(arguments[0]));
            child.run(false);
            System.out.print(child.run(true));
        }

        private String run(final boolean truly) {
            final StringBuilder report = new StringBuilder(1000);
            try (FileHandle file = FileHandle.open("map", memory, path, FileAccess.READ_WRITE, false)) {
                reservation.mapFile(OFFSET, LENGTH, file, 0, FileAccess.READ_WRITE);
                final long table = memory.mmap(0, 4 * memory.maxMapCount() * PAGE, NativeMemory.PROT_NONE,
                    NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS | NativeMemory.MAP_NORESERVE, -1, 0);
                if (truly) {
                    useUpMappings(table);
                } else {
                    memory.reportMaxMapCount(1);
                    memory.failFrom(NativeCall.MMAP, 1, Errno.ENOMEM, FaultInjectingMemory.Damage.NONE);
                }
                report.append("at the limit: ").append(reservation.restore(OFFSET, LENGTH))
                    .append(", kept: ").append(Inspection.get(reservation.base() + OFFSET));
                report.append(", mapping more: ").append(mapMore(file));
                memory.disarm();
                memory.reportMaxMapCount(-1);
                memory.munmap(table, 4 * memory.maxMapCount() * PAGE);
            }
            report.append(System.lineSeparator()).append("left: ").append(reservation.retryQuarantined())
                .append(", lost: ").append(reservation.lostBytes())
                .append(", zero: ").append(Inspection.isZero(reservation.base() + OFFSET, LENGTH))
                .append(", mappings: ").append(Inspection.mappingsOf(path)).append(System.lineSeparator());
            return report.toString();
        }

        private String mapMore(final FileHandle file) {
            try {
                reservation.mapFile(OFFSET + 2 * LENGTH, LENGTH, file, 0, FileAccess.READ_WRITE);
                return "granted";
            } catch (final NativeException refused) {
                return refused.getMessage().contains("vm.max_map_count is " + memory.maxMapCount())
                    ? "refused by name" : refused.getMessage();
            }
        }

        private void useUpMappings(final long table) {
            final int flags = NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS | NativeMemory.MAP_FIXED;
            long page = table;
            while (memory.mmap(page, PAGE, NativeMemory.PROT_READ, flags, -1, 0) > 0) {
                page += 2 * PAGE;
            }
            // Each of the above parts another mapping, which stops short of the very last ones.
            long made = 0;
            int protection = NativeMemory.PROT_READ;
            while (made >= 0) {
                made = memory.mmap(0, PAGE, protection, NativeMemory.MAP_PRIVATE | NativeMemory.MAP_ANONYMOUS, -1, 0);
                protection = NativeMemory.PROT_READ - protection;
            }
        }
    }

    @Test
    void pagesThatCannotBeGivenBackAtTheLimitMustBeGivenBackLater() throws Exception {
        final Path path = Inspection.file(directory, "data", 4, 5);
        final String output = runChild(path);
        assertEquals("""
            at the limit: QUARANTINED, kept: 5, mapping more: refused by name
            left: 0, lost: 0, zero: true, mappings: 0
            """, output);
        assertEquals(4 * Inspection.PAGE, Files.size(path));
    }

    // The child's JVM gets all memory for its own use at once, since it could not get any more at the limit.
    private static String runChild(final Path path) throws IOException, InterruptedException, URISyntaxException {
        final ProcessBuilder builder = new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "--enable-native-access=ALL-UNNAMED",
            "-XX:+UseSerialGC", "-Xms64m", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:InitialCodeCacheSize=32m",
            "-XX:ReservedCodeCacheSize=32m", "-XX:-UseDynamicNumberOfCompilerThreads", "-cp",
            location(NativeMemory.class) + ":" + location(Child.class), Child.class.getName(), path.toString());
        builder.environment().put("MALLOC_ARENA_MAX", "1");
        builder.environment().put("MALLOC_TOP_PAD_", Long.toString(64 * MIB));
        builder.environment().put("MALLOC_MMAP_THRESHOLD_", Long.toString(1024 * MIB));
        final Process child = builder.redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, child.waitFor(), output);
        return output;
    }

    private static Path location(final Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
