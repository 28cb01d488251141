// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A chart as SVG text: lines with their names at the right, both axes logarithmic, the numbers on x those that were
 * measured. It needs neither AWT nor fonts, so it is drawn the same on any machine.
 */
final class LineChart {
    private static final int WIDTH = 860;
    private static final int HEIGHT = 440;
    private static final int LEFT = 104;
    private static final int RIGHT = 240;
    private static final int TOP = 46;
    private static final int BOTTOM = 54;
    private static final int NAME_HEIGHT = 15;
    private static final String OURS = "holdfast";
    // Distinguishable with the common colour deficiencies; readable on white, which is painted.
    private static final List<String> OUR_COLOURS = List.of("#0b5fa5", "#2e9bd6", "#0a8a7a", "#5b4db3");
    private static final List<String> PEER_COLOURS =
        List.of("#d1495b", "#c77c0e", "#7a7a7a", "#8c564b", "#b5179e", "#444444", "#9a8c00", "#e07a5f");

    private final String title;
    private final String xName;
    private final String yName;
    private final List<Line> lines = new ArrayList<>();

    /**
     * A named line.
     *
     * @param name   at its right end
     * @param points by x
     */
    record Line(String name, List<Point> points) {
    }

    /**
     * A point of a line.
     *
     * @param x above zero, or zero, which stands left of the rest
     * @param y above zero
     * @param label of x
     */
    record Point(double x, double y, String label) {
    }

    LineChart(final String title, final String xName, final String yName) {
        this.title = title;
        this.xName = xName;
        this.yName = yName;
    }

    void add(final Line line) {
        if (!line.points.isEmpty()) {
            lines.add(line);
        }
    }

    boolean isEmpty() {
        return lines.stream().allMatch(line -> line.points.size() < 2);
    }

    @Override
    public String toString() {
        final Scale x = Scale.over(lines.stream().flatMap(line -> line.points.stream()).mapToDouble(Point::x).toArray(),
            LEFT, WIDTH - RIGHT);
        final Scale y = Scale.decades(
            lines.stream().flatMap(line -> line.points.stream()).mapToDouble(Point::y).toArray(), HEIGHT - BOTTOM, TOP);
        final StringBuilder svg = new StringBuilder();
        svg.append("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + WIDTH + " " + HEIGHT +
            "\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\">\n");
        svg.append("<title>" + escaped(title) + "</title>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        text(svg, LEFT, 24, "start", "#111111", "15", title);
        text(svg, (LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 12, "middle", "#333333", "12", xName);
        svg.append("<g transform=\"rotate(-90 18 " + HEIGHT / 2 + ")\">");
        text(svg, 18, HEIGHT / 2.0, "middle", "#333333", "12", yName);
        svg.append("</g>\n");
        grid(svg, x, y);
        curves(svg, x, y);
        return svg.append("</svg>\n").toString();
    }

    private void grid(final StringBuilder svg, final Scale x, final Scale y) {
        for (final double value : y.ticks()) {
            rule(svg, LEFT, y.at(value), WIDTH - RIGHT, y.at(value));
            text(svg, LEFT - 6, y.at(value) + 4, "end", "#333333", "12", Table.number(value));
        }
        lines.stream().flatMap(line -> line.points.stream()).distinct().map(Point::label).distinct().forEach(label -> {
            final double at = x.at(lines.stream().flatMap(line -> line.points.stream())
                .filter(point -> point.label.equals(label)).findFirst().orElseThrow().x);
            rule(svg, at, TOP, at, HEIGHT - BOTTOM);
            text(svg, at, HEIGHT - BOTTOM + 18, "middle", "#333333", "12", label);
        });
    }

    private void curves(final StringBuilder svg, final Scale x, final Scale y) {
        final List<Line> byEnd = new ArrayList<>(lines);
        byEnd.sort((one, other) -> Double.compare(last(other).y, last(one).y));
        double lowestName = TOP - NAME_HEIGHT;
        int ours = 0;
        int peers = 0;
        for (final Line line : byEnd) {
            final boolean own = line.name.startsWith(OURS);
            final String colour = own
                ? OUR_COLOURS.get(ours++ % OUR_COLOURS.size()) : PEER_COLOURS.get(peers++ % PEER_COLOURS.size());
            final StringBuilder path = new StringBuilder();
            for (final Point point : line.points) {
                path.append(number(x.at(point.x)) + "," + number(y.at(point.y)) + " ");
                svg.append("<circle cx=\"" + number(x.at(point.x)) + "\" cy=\"" + number(y.at(point.y)) +
                    "\" r=\"3\" fill=\"" + colour + "\"/>\n");
            }
            svg.append("<polyline fill=\"none\" stroke=\"" + colour + "\" stroke-width=\"" + (own ? "2.6" : "1.4") +
                "\" points=\"" + path.toString().strip() + "\"/>\n");
            final double end = y.at(last(line).y) + 4;
            lowestName = Math.max(end, lowestName + NAME_HEIGHT);
            text(svg, WIDTH - RIGHT + 12, lowestName, "start", colour, "12",
                line.name + " " + Table.number(last(line).y));
        }
    }

    private static Point last(final Line line) {
        return line.points.getLast();
    }

    private static void rule(
        final StringBuilder svg, final double fromX, final double fromY, final double toX, final double toY) {
        svg.append("<line x1=\"" + number(fromX) + "\" y1=\"" + number(fromY) + "\" x2=\"" + number(toX) + "\" y2=\"" +
            number(toY) + "\" stroke=\"#dddddd\"/>\n");
    }

    private static void text(final StringBuilder svg, final double x, final double y, final String anchor,
                             final String colour, final String size, final String content) {
        svg.append("<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\" fill=\"" +
            colour + "\" font-size=\"" + size + "\">" + escaped(content) + "</text>\n");
    }

    private static String escaped(final String content) {
        return content.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    private static String number(final double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    /**
     * A logarithmic axis.
     *
     * @param low   least value shown
     * @param high  greatest value shown
     * @param start where the least is drawn
     * @param end   where the greatest is drawn
     * @param zero  whether zero is shown, at the start; the least value other than zero then stands a little after it
     */
    private record Scale(double low, double high, double start, double end, boolean zero) {
        private static final double ZERO_SHARE = 0.15;
        private static final double[] STEPS = {1, 2, 5};
        private static final int MANY_DECADES = 3;

        static Scale over(final double[] values, final double start, final double end) {
            double low = Double.MAX_VALUE;
            double high = 0;
            boolean zero = false;
            for (final double value : values) {
                if (value > 0) {
                    low = Math.min(low, value);
                    high = Math.max(high, value);
                } else {
                    zero = true;
                }
            }
            return new Scale(low, high, start, end, zero);
        }

        static Scale decades(final double[] values, final double start, final double end) {
            final Scale tight = over(values, start, end);
            return new Scale(step(tight.low, false), step(tight.high, true), start, end, false);
        }

        private static double step(final double value, final boolean up) {
            final double decade = Math.pow(10, Math.floor(Math.log10(value)));
            double chosen = up ? 10 * decade : decade;
            for (final double step : STEPS) {
                if (up && step * decade >= value) {
                    chosen = Math.min(chosen, step * decade);
                } else if (!up && step * decade <= value) {
                    chosen = step * decade;
                }
            }
            return chosen;
        }

        double at(final double value) {
            if (value <= 0) {
                return start;
            }
            final double from = zero ? start + ZERO_SHARE * (end - start) : start;
            return high == low ? end : from + (end - from) * Math.log(value / low) / Math.log(high / low);
        }

        List<Double> ticks() {
            final List<Double> ticks = new ArrayList<>();
            final boolean many = Math.log10(high / low) > MANY_DECADES;
            for (double decade = Math.pow(10, Math.floor(Math.log10(low))); decade <= high; decade *= 10) {
                for (final double step : STEPS) {
                    final double value = step * decade;
                    if (value >= low * 0.999 && value <= high * 1.001 && (step == 1 || !many)) {
                        ticks.add(value);
                    }
                }
            }
            return ticks;
        }
    }
}
