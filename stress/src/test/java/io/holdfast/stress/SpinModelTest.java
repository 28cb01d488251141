// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The models of {@code stress/spin}: the protocol of readers and writers must hold under every interleaving, and the
 * checker must find the error in every mutant of it (guarantees G1, G2, G5, G6).
 */
class SpinModelTest {
    private static final Path FOLDER = Path.of("spin").toAbsolutePath();
    private static final Path OUT = Path.of("target", "spin").toAbsolutePath();
    private static final int LIMIT_MINUTES = 15;
    private static final Pattern SWITCH = Pattern.compile("(?m)^#ifn?def (\\w+)|defined\\((\\w+)\\)");

    @Test
    void modelsMustHoldAndMutantsMustFail() throws IOException, InterruptedException {
        for (final String program : new String[] {"bash", "spin", "gcc"}) {
            assumeTrue(isOnPath(program), program + " not found, so the models are not checked: install it, on Debian " +
                "and Ubuntu with: apt-get install -y spin gcc libc6-dev");
        }
        Files.createDirectories(OUT);
        final Path table = OUT.resolve("table.txt");
        final Process process = new ProcessBuilder("bash", FOLDER.resolve("run").toString(), "--out", OUT.toString())
            .redirectErrorStream(true).redirectOutput(table.toFile()).start();
        try {
            assertThat(process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES))
                .as("checked within %d minutes: %s", LIMIT_MINUTES, table).isTrue();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).as("%s", Files.readString(table)).isZero();
        assertThat(Files.readString(table)).contains(" 0 wrong");
    }

    @Test
    void everySwitchOfAModelMustBeUsedByARow() throws IOException {
        final String rows = Files.readString(FOLDER.resolve("run"));
        for (final String model : new String[] {"region.pml", "barrier.pml", "turn.pml",
            "magazine.pml", "zone.pml"}) {
            final TreeSet<String> unused = new TreeSet<>();
            final Matcher matcher = SWITCH.matcher(Files.readString(FOLDER.resolve(model)));
            while (matcher.find()) {
                final String name = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
                if (!Pattern.compile("-D" + name + "\\b").matcher(rows).find()) {
                    unused.add(name);
                }
            }
            assertThat(unused).as("switches of %s without a row in the script", model).isEmpty();
        }
    }

    private static boolean isOnPath(final String program) {
        for (final String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
            if (Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }
}
