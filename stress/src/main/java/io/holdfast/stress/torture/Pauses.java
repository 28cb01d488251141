// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.util.StringJoiner;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** What woven classes call between the steps of a protocol: mostly nothing, sometimes a pause. */
public final class Pauses {
    private static final Point[] POINTS = Point.values();
    private static final LongAdder[] TAKEN = new LongAdder[POINTS.length];
    private static final int MOST_SPINS = 400;
    private static volatile boolean armed;

    static {
        for (int i = 0; i < TAKEN.length; i++) {
            TAKEN[i] = new LongAdder();
        }
    }

    private Pauses() {
    }

    /** A thread has come to a point. */
    public static void at(final int point) {
        if (!armed) {
            return;
        }
        final int dice = ThreadLocalRandom.current().nextInt();
        final Point.Rarity rarity = POINTS[point].rarity();
        if ((dice & rarity.shortOneIn() - 1) == 0) {
            pause(point, dice >>> 12, rarity);
        }
    }

    private static void pause(final int point, final int dice, final Point.Rarity rarity) {
        TAKEN[point].increment();
        if (dice % (rarity.longOneIn() / rarity.shortOneIn()) == 0) {
            LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(rarity.longestNs()));
            return;
        }
        for (int i = dice % MOST_SPINS; i > 0; i--) {
            Thread.onSpinWait();
        }
    }

    static void arm(final boolean on) {
        armed = on;
    }

    /** Points at which nobody has paused, though somebody could. */
    static String untouched(final boolean quickPath) {
        final StringJoiner names = new StringJoiner(", ");
        for (int i = 0; i < TAKEN.length; i++) {
            if (TAKEN[i].sum() == 0 && (quickPath || !POINTS[i].isQuickPathOnly())) {
                names.add(POINTS[i].name());
            }
        }
        return names.toString();
    }

    /** The pauses taken, by point. */
    static String table() {
        final StringBuilder text = new StringBuilder();
        for (int i = 0; i < TAKEN.length; i++) {
            text.append(String.format("  %-26s %,15d%n", POINTS[i], TAKEN[i].sum()));
        }
        return text.toString();
    }
}
