// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/**
 * The torture run on every way in which the virtual machine can execute it: interpreter, C1, C2; G1, ZGC, Serial; both
 * flavours; debug mode on and off. G1 to G7 and G9.
 */
class MatrixTest {
    private static final String[] COMPILERS = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:-TieredCompilation"};
    private static final String[] COLLECTORS = {"-XX:+UseG1GC", "-XX:+UseZGC", "-XX:+UseSerialGC"};
    private static final String[] FLAVOURS = {"membarrier", "fence"};

    @TempDir
    private Path directory;

    /** A way to execute. */
    record Cell(String compiler, String collector, String flavour, boolean debug) {
    }

    /** Every pair of compiler and collector, with the other two in turn. */
    static List<Cell> pairs() {
        final List<Cell> cells = new ArrayList<>();
        for (int i = 0; i < COMPILERS.length; i++) {
            for (int j = 0; j < COLLECTORS.length; j++) {
                cells.add(new Cell(COMPILERS[i], COLLECTORS[j], FLAVOURS[(i + j) % 2], (i + 2 * j) % 3 != 0));
            }
        }
        return cells;
    }

    /** All. */
    static List<Cell> product() {
        final List<Cell> cells = new ArrayList<>();
        for (final String compiler : COMPILERS) {
            for (final String collector : COLLECTORS) {
                for (final String flavour : FLAVOURS) {
                    cells.add(new Cell(compiler, collector, flavour, true));
                    cells.add(new Cell(compiler, collector, flavour, false));
                }
            }
        }
        return cells;
    }

    @ParameterizedTest
    @MethodSource("pairs")
    void everyGuaranteeMustHoldOnEveryPair(final Cell cell) {
        assertThat(run(cell, "3")).as("%s", cell).isZero();
    }

    @ParameterizedTest
    @Tag("long")
    @MethodSource("product")
    void everyGuaranteeMustHoldInEveryCell(final Cell cell) {
        assertThat(run(cell, "60")).as("%s", cell).isZero();
    }

    private int run(final Cell cell, final String seconds) {
        return new CommandLine(new Torture()).execute("--seconds", seconds, "--anything", "--patience", "60",
            "--flavour", cell.flavour(), "--jvm", cell.compiler(), "--jvm", cell.collector(), "--jvm",
            "-Dio.holdfast.debug=" + cell.debug(), "--directory", directory.toString());
    }
}
