// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What sixteen threads that share nothing pass to each other, whatever the machine: next to nothing. */
class SharedLinesTest {
    private static final int THREADS = 16;
    private static final Map<LineChanges.Row, double[]> SEEN = new EnumMap<>(LineChanges.Row.class);

    private static String output = "";

    /** In a process of its own, whose JVM believes in sixteen processors, as the library does then. */
    @BeforeAll
    static void watch() throws IOException, InterruptedException {
        final Process process = new ProcessBuilder(List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-ea",
            "-XX:ActiveProcessorCount=" + THREADS, "--enable-native-access=ALL-UNNAMED", "-cp",
            System.getProperty("java.class.path"), LineWatch.class.getName(), "--threads", Integer.toString(THREADS),
            "--rows", "GUARD,FIND,HOLD,PAGE,SIZES,READ_SECTION"))
            .redirectErrorStream(true).start();
        try (BufferedReader lines = new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            output = lines.lines().collect(Collectors.joining("\n"));
        }
        assertThat(process.waitFor()).as(output).isZero();
        output.lines().skip(2).map(line -> line.split("\\|")).forEach(cells -> SEEN.put(
            LineChanges.Row.valueOf(cells[1].strip()),
            new double[] {Double.parseDouble(cells[2]), Double.parseDouble(cells[3])}));
    }

    private static double lines(final LineChanges.Row row) {
        return SEEN.get(row)[0];
    }

    private static double calls(final LineChanges.Row row) {
        return SEEN.get(row)[1];
    }

    @Test
    void aLineThatAllWriteMustBeSeen() {
        assertThat(lines(LineChanges.Row.HOLD)).as(output).isGreaterThanOrEqualTo(1);
    }

    @Test
    void readersMustPassNothing() {
        assertThat(lines(LineChanges.Row.GUARD)).as(output).isZero();
        assertThat(lines(LineChanges.Row.FIND)).as(output).isZero();
        assertThat(calls(LineChanges.Row.GUARD) + calls(LineChanges.Row.FIND)).as(output).isZero();
    }

    /** A grace period looks at all slots, and is for some twenty maps; what it has looked at passes back. */
    @Test
    void aMapAndAnUnmapOfAPageMustPassALittleMoreThanOneLine() {
        assertThat(lines(LineChanges.Row.PAGE)).as(output).isLessThan(1.5);
        assertThat(calls(LineChanges.Row.PAGE)).as(output).isZero();
    }

    /** Its range is the one of the section before. */
    @Test
    void aSectionOverARangeOfTheThreadsOwnMustPassNothing() {
        assertThat(lines(LineChanges.Row.READ_SECTION)).as(output).isZero();
        assertThat(calls(LineChanges.Row.READ_SECTION)).as(output).isZero();
    }

    /** Each thread has a root of its own by then, of a zone. */
    @Test
    void changesOfTheTreeMustPassFewLines() {
        assertThat(lines(LineChanges.Row.SIZES)).as(output).isLessThan(10);
    }
}
