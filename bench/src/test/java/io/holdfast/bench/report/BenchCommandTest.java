// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchCommandTest {
    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir
    private Path directory;

    private int execute(final String... args) {
        return BenchCommand.execute(new PrintWriter(out, true), new PrintWriter(err, true), args);
    }

    @Test
    void reportMustRunItsRowsAndLeaveResultsThatItCanReadAgain() throws IOException {
        final Path first = directory.resolve("first");
        assertThat(execute("report", "--only", "pin", "--forks", "1", "--millis", "10", "--commit", "abc", "--out",
            first.toString())).as(err.toString()).isZero();
        assertThat(first.resolve("pin.json")).content().contains("PinBenchmark.holdfastPinFenced");
        assertThat(out.toString()).containsPattern("pin \\+ unpin +\\| full-fence pin +\\| +\\d.*(met|missed)");

        final Path second = directory.resolve("second");
        assertThat(execute("report", "--from", first.resolve("pin.json") + "," + first.resolve("machine.json"), "--out",
            second.toString())).as(err.toString()).isZero();
        assertThat(second.resolve("report.md")).hasSameTextualContentAs(first.resolve("report.md"));
        assertThat(second.resolve("report.md")).content().contains("abc", "holdfastPinFenced", "ns/op");
    }

    @Test
    void partThatDoesNotExistMustBeRefusedByName() {
        assertThat(execute("report", "--only", "pni")).isEqualTo(2);
        assertThat(err.toString()).contains("no such part: --only=pni, set=quick");
    }

    @Test
    void fileThatIsNoResultMustBeRefusedByName() throws IOException {
        final Path file = Files.writeString(directory.resolve("wrong.json"), "[{\"benchmark\": \"a.B.c\"}]");
        assertThat(execute("report", "--from", file.toString(), "--out", directory.toString())).isEqualTo(2);
        assertThat(err.toString()).contains("not a file of results").contains("wrong.json");
    }

    @Test
    void everyPartOfEverySetMustNameRowsThatExist() {
        for (final NamedSet set : NamedSet.values()) {
            for (final Part part : set.parts()) {
                assertThat(SetRunner.rows(part)).as(set.label() + " " + part.name()).isPositive();
            }
        }
    }
}
