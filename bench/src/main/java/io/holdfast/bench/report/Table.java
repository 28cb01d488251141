// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** A table in Markdown, its columns aligned so that it can be read as it is. */
final class Table {
    private static final int DIGITS = 3;

    private final List<String[]> lines = new ArrayList<>();
    private final boolean[] numeric;

    /** The columns from {@code firstNumber} on are set flush right. */
    Table(final int firstNumber, final List<String> columns) {
        lines.add(columns.toArray(String[]::new));
        numeric = new boolean[columns.size()];
        Arrays.fill(numeric, Math.min(firstNumber, numeric.length), numeric.length, true);
    }

    void add(final List<String> cells) {
        if (cells.size() != numeric.length) {
            throw new IllegalArgumentException("cells do not match columns: cells=" + cells);
        }
        lines.add(cells.toArray(String[]::new));
    }

    boolean isEmpty() {
        return lines.size() == 1;
    }

    /** A number with three significant digits, without an exponent. */
    static String number(final double value) {
        if (Double.isNaN(value)) {
            return "";
        }
        final double size = Math.abs(value);
        if (size < 0.0005) {
            return "0";
        }
        final int before = size < 1 ? 1 : (int) Math.floor(Math.log10(size)) + 1;
        return String.format(Locale.ROOT, "%,." + Math.max(0, DIGITS - before + (size < 0.1 ? 1 : 0)) + "f", value);
    }

    @Override
    public String toString() {
        final int[] widths = new int[numeric.length];
        for (final String[] line : lines) {
            for (int column = 0; column < line.length; column++) {
                widths[column] = Math.max(widths[column], line[column].length());
            }
        }
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < lines.size(); i++) {
            line(text, lines.get(i), widths);
            if (i == 0) {
                rule(text, widths);
            }
        }
        return text.toString();
    }

    private void line(final StringBuilder text, final String[] cells, final int[] widths) {
        for (int column = 0; column < cells.length; column++) {
            final String padding = " ".repeat(widths[column] - cells[column].length());
            text.append("| ").append(numeric[column] ? padding + cells[column] : cells[column] + padding).append(' ');
        }
        text.append("|\n");
    }

    private void rule(final StringBuilder text, final int[] widths) {
        for (int column = 0; column < widths.length; column++) {
            text.append('|').append("-".repeat(widths[column] + 1)).append(numeric[column] ? ':' : '-');
        }
        text.append("|\n");
    }
}
