// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A process that is killed in the middle of its work loses nothing that it acknowledged: whatever the moment, the store
 * is exactly what some number of its operations leave behind, and that number includes every acknowledged one. The
 * system property {@code holdfast.kills} says how often it is killed, one store going on all the time (G9).
 */
class KillTest {
    private static final int LINES_MAX = 1_500;

    @TempDir(factory = InMemory.class)
    private Path directory;

    @ParameterizedTest
    @EnumSource
    void killedStoreMustRecoverEveryAcknowledgedWrite(final Engine engine) throws Exception {
        killAndRecover(engine, Integer.getInteger("holdfast.kills", 6));
    }

    @Test
    @Tag("long")
    void storeMustSurviveHundredsOfKills() throws Exception {
        killAndRecover(Engine.HOLDFAST, 300);
    }

    private void killAndRecover(final Engine engine, final int kills) throws Exception {
        final long seed = Long.getLong("holdfast.seed", System.nanoTime());
        final SplittableRandom random = new SplittableRandom(seed);
        final Map<String, byte[]> model = new HashMap<>();
        long replayed = 0;
        int compacted = 0;
        for (int kill = 0; kill < kills; kill++) {
            final Life life = Life.run(directory, engine, seed, random.nextInt(LINES_MAX));
            compacted += life.compacted;
            try (Store store = Store.open(CrashingWriter.options(directory, engine))) {
                final String when = "seed %d, kill %d, acknowledged %d".formatted(seed, kill, life.acknowledged);
                assertThat(store.lastSequence()).as(when)
                    .isGreaterThanOrEqualTo(Math.max(replayed, life.acknowledged));
                while (replayed < store.lastSequence()) {
                    replayed++;
                    apply(model, new CrashingWriter.Operation(seed, replayed));
                }
                assertSame(store, model, when);
            }
        }
        assertThat(compacted).as("compactions survived, seed %d", seed).isPositive();
    }

    private static void apply(final Map<String, byte[]> model, final CrashingWriter.Operation operation) {
        if (operation.deletes() && model.containsKey(operation.key())) {
            model.remove(operation.key());
        } else {
            model.put(operation.key(), operation.value());
        }
    }

    private static void assertSame(final Store store, final Map<String, byte[]> model, final String when) {
        assertThat(store.statistics().entries()).as(when).isEqualTo(model.size());
        for (int i = 0; i < CrashingWriter.KEYS; i++) {
            final String key = "key" + i;
            assertThat(store.get(key)).as("%s, %s", key, when).isEqualTo(model.get(key));
        }
    }

    /** From the start of a process to its death. */
    private static final class Life {
        private long acknowledged;
        private int compacted;

        static Life run(final Path directory, final Engine engine, final long seed, final int linesBeforeDeath)
            throws Exception {
            final List<String> command = ChildJvm.command(
                CrashingWriter.class, directory.toString(), engine.name(), Long.toString(seed));
            final Process process =
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            final Life life = new Life();
            try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.US_ASCII))) {
                for (int i = 0; i <= linesBeforeDeath; i++) {
                    final String line = lines.readLine();
                    assertThat(line).as("the process must not end by itself").isNotNull();
                    life.hear(line);
                }
                // Through the handle: the process object would close the stream with what is still in it.
                process.toHandle().destroyForcibly();
                // What it had said by the time it died was acknowledged too; the last line may be cut off.
                final StringWriter said = new StringWriter();
                lines.transferTo(said);
                final String rest = said.toString();
                final int complete = rest.lastIndexOf('\n') + 1;
                rest.substring(0, complete).lines().forEach(life::hear);
            } finally {
                process.destroyForcibly().waitFor();
            }
            return life;
        }

        private void hear(final String line) {
            if (Character.isDigit(line.charAt(0))) {
                acknowledged = Long.parseLong(line);
            } else if (line.equals("compacted")) {
                compacted++;
            }
        }
    }
}
