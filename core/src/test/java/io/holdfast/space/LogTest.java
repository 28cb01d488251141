// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is logged without debug mode and without a listener of the user's. */
class LogTest {
    @TempDir
    Path directory;

    private String output() throws Exception {
        final Path config = Files.writeString(directory.resolve("logging.properties"), """
            handlers=java.util.logging.ConsoleHandler
            java.util.logging.ConsoleHandler.level=ALL
            .level=INFO
            io.holdfast.level=ALL
            """);
        final Children.Outcome outcome = Children.run(LoggingProgram.class,
            List.of("-Djava.util.logging.config.file=" + config));
        assertThat(outcome.output()).contains("done");
        assertThat(outcome.status()).isZero();
        return outcome.output();
    }

    /** G11: a wait says for whom it waits, without being asked; times and places are for debug mode. */
    @Test
    void aLongWaitMustBeLoggedWithItsHolders() throws Exception {
        assertThat(output()).containsPattern("WARNING: still waiting: WaitReport\\[space=logged, region=[^\\n]*" +
            "waiter=other[^\\n]*threadName=other, how=SHARED, since=null, place=null");
    }

    @Test
    void theBarrierFlavourMustBeLoggedOnce() throws Exception {
        final String flavour = System.getProperty("io.holdfast.barrier", "membarrier").toUpperCase(Locale.ROOT);
        assertThat(output()).containsOnlyOnce("barrier flavour: ").contains("barrier flavour: " + flavour);
    }
}
