// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.concurrent.ThreadLocalRandom;

/**
 * Chooses what is remembered in production, where it would cost too much to remember everything: about one in as many as
 * the system property {@value #PROPERTY} says, at random, so that no pattern of the program hides a place for ever. Off,
 * and free of cost, unless the property is a positive number; in debug mode everything is remembered instead.
 * Thread-safe.
 */
public final class Sampling {
    /** System property that switches it on, and says of how many things one is remembered. */
    public static final String PROPERTY = "io.holdfast.leakSampling";

    private static final int MOST = 1 << 30;
    private static final int ONE_IN = Ledger.ENABLED ? 0 : Math.clamp(Integer.getInteger(PROPERTY, 0), 0, MOST);

    /** Whether it is on. Constant, so what depends on it costs nothing where it is off. */
    public static final boolean ON = ONE_IN != 0;

    private static final int LEFT = 0;
    private static final int LAST = 1;

    /** What is left until the next one, and the address of the last one: longs, as the thread may outlive our classes. */
    private static final ThreadLocal<long[]> MINE =
        ThreadLocal.withInitial(() -> new long[] {ThreadLocalRandom.current().nextInt(ONE_IN) + 1, 0});

    private Sampling() {
    }

    /**
     * Whether something that the current thread takes is to be remembered.
     *
     * @param address of the word in which it is announced; 0 if it is in none
     */
    public static boolean isDue(final long address) {
        if (!ON) {
            return false;
        }
        final long[] mine = MINE.get();
        mine[LAST] = 0;
        mine[LEFT]--;
        if (mine[LEFT] > 0) {
            return false;
        }
        mine[LEFT] = ThreadLocalRandom.current().nextLong(2L * ONE_IN - 1) + 1; // ONE_IN on average
        mine[LAST] = address;
        return true;
    }

    /** Address of what the current thread took last, if that was to be remembered; else 0. */
    static long lastAddress() {
        return MINE.get()[LAST];
    }
}
