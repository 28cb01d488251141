// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Hostile input in a child process: no crash, no hang, no leak, and only what is documented is thrown: G4, G9, G10. */
class ApiFuzzTest {
    private static final int SECONDS = 8;
    private static final int LIMIT_SECONDS = 120;

    @TempDir
    private Path directory;

    @ParameterizedTest
    @ValueSource(strings = {"membarrier", "fence"})
    void anyCallMustDoWhatIsDocumented(final String flavour) throws IOException, InterruptedException {
        final Path output = directory.resolve("output");
        final List<String> command = List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea",
            "-Xmx512m", "-XX:-CreateCoredumpOnCrash", "-XX:ErrorFile=" + directory.resolve("hs_err.log"),
            "--enable-native-access=ALL-UNNAMED", "-Dio.holdfast.debug=true", "-Dio.holdfast.barrier=" + flavour, "-cp",
            System.getProperty("java.class.path"), ApiFuzz.class.getName(), "--sources", "../core/src/main/java",
            "--seconds", Long.toString(Long.getLong("holdfast.fuzz.seconds", SECONDS)));
        final Process process = new ProcessBuilder(command).redirectErrorStream(true)
            .redirectOutput(output.toFile()).start();
        try {
            assertThat(process.waitFor(LIMIT_SECONDS + Long.getLong("holdfast.fuzz.seconds", SECONDS), TimeUnit.SECONDS))
                .as("ended by itself").isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as("%s", Files.readString(output)).isZero();
    }
}
