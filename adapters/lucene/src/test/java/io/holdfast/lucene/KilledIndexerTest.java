// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that is killed while it indexes leaves each commit that it had acknowledged, and nothing that is broken. */
class KilledIndexerTest {
    @TempDir
    private Path path;

    @Test
    void killedIndexerMustLeaveEachAcknowledgedCommit() throws Exception {
        killAndReopen(3);
    }

    @Test
    @Tag("long")
    void indexMustSurviveAHundredKills() throws Exception {
        killAndReopen(100);
    }

    private void killAndReopen(final int kills) throws IOException, InterruptedException {
        final long seed = Long.getLong("holdfast.seed", System.nanoTime());
        final SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < kills; i++) {
            final long acknowledged = acknowledgedByAKilledProcess(1 + random.nextInt(6));
            try (Directory directory = new HoldfastDirectory(path)) {
                assertThat(Indexer.checkedCount(directory)).as("seed %d, kill %d", seed, i)
                    .isGreaterThanOrEqualTo((int) acknowledged);
            }
        }
    }

    private long acknowledgedByAKilledProcess(final int commits) throws IOException, InterruptedException {
        final Process indexer = ChildJvm.start(Indexer.class, path.toString());
        long acknowledged = -1;
        String last = "";
        try (BufferedReader output = indexer.inputReader()) {
            for (int lines = 0; lines < commits;) {
                last = output.readLine();
                assertThat(last).as("the indexer ended by itself").isNotNull();
                if (last.matches("[0-9]+")) {
                    acknowledged = Long.parseLong(last);
                    lines++;
                }
            }
            indexer.destroyForcibly();
        }
        indexer.waitFor();
        return acknowledged;
    }
}
