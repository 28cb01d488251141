// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.PrintStream;
import java.util.function.Supplier;

/**
 * Says what the job is doing: on a terminal by one line that is written over and over, elsewhere by a line every few
 * seconds. Belongs to one thread.
 */
final class Progress {
    private static final long TERMINAL_INTERVAL_NS = 250_000_000L;
    private static final long PLAIN_INTERVAL_NS = 2_000_000_000L;

    private final PrintStream stream;
    private final boolean terminal;
    private long lastNs = System.nanoTime();
    private int lastLength;

    Progress(final PrintStream stream, final boolean terminal) {
        this.stream = stream;
        this.terminal = terminal;
    }

    /** How often a caller that waits between two updates should make one. */
    long intervalNs() {
        return terminal ? TERMINAL_INTERVAL_NS : PLAIN_INTERVAL_NS;
    }

    /** Shows the text if the last one has been there for a while. */
    void update(final Supplier<String> text) {
        final long now = System.nanoTime();
        if (now - lastNs >= intervalNs()) {
            lastNs = now;
            show(text.get());
        }
    }

    private void show(final String text) {
        if (terminal) {
            stream.print("\r" + text + " ".repeat(Math.max(0, lastLength - text.length())));
            lastLength = text.length();
        } else {
            stream.println(text);
        }
        stream.flush();
    }

    /** Clears the line, if there is one, for whatever is printed next. */
    void clear() {
        if (terminal && lastLength > 0) {
            show("");
            stream.print("\r");
            stream.flush();
            lastLength = 0;
        }
    }
}
