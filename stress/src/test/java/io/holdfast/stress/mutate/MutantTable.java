// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

import io.holdfast.stress.mutate.Mutant.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/** The mutants of {@code stress/MUTANTS.md}, each with the test that catches it. */
final class MutantTable {
    private static final Path TABLE = Path.of("MUTANTS.md");
    private static final Pattern ROW = Pattern.compile("\\| `[\\w.$<>]+` \\| `.+` \\| [A-Z]+ \\d+ \\| `[\\w.]+` \\|.*");
    private static final Pattern CELLS = Pattern.compile("(?<!\\\\)\\|");

    private MutantTable() {
    }

    /**
     * A mutant, named by the text of its line, so that a change elsewhere leaves it where it is.
     *
     * @param type   of the class
     * @param method in which the line is
     * @param text   of the line
     * @param kind   what is changed
     * @param number which of the places of this kind in such lines of such methods, from 1
     * @param test   that catches it
     */
    record Row(String type, String method, String text, Kind kind, int number, String test) {
        List<String> tests() {
            return List.of(test);
        }

        @Override
        public String toString() {
            return type + "." + method + " " + kind + " " + number + " in " + text;
        }
    }

    /** All rows. */
    static List<Row> read() throws IOException {
        return Files.readAllLines(TABLE).stream().filter(line -> ROW.matcher(line).matches())
            .map(MutantTable::row).toList();
    }

    private static Row row(final String line) {
        final String[] cells = CELLS.split(line, -1);
        final String place = "io.holdfast." + code(cells[1]);
        final String[] kind = cells[3].strip().split(" ", -1);
        return new Row(place.substring(0, place.lastIndexOf('.')), place.substring(place.lastIndexOf('.') + 1),
            code(cells[2]), Kind.valueOf(kind[0]), Integer.parseInt(kind[1]), "io.holdfast." + code(cells[4]));
    }

    private static String code(final String cell) {
        final String stripped = cell.strip();
        return stripped.substring(1, stripped.length() - 1).replace("\\|", "|");
    }
}
