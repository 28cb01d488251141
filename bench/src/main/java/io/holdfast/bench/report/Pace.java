// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench.report;

/**
 * How long each row is measured.
 *
 * @param forks           processes
 * @param warmups         iterations that do not count
 * @param warmupMillis    length of one
 * @param iterations      iterations that count
 * @param iterationMillis length of one
 */
record Pace(int forks, int warmups, int warmupMillis, int iterations, int iterationMillis) {
    static final Pace QUICK = new Pace(1, 2, 200, 5, 100);
    static final Pace STEADY = new Pace(3, 3, 250, 5, 150);
    static final Pace THOROUGH = new Pace(3, 5, 500, 5, 500);

    private static final int PATIENT_WARM_UPS = 12;

    Pace forks(final int count) {
        return new Pace(count, warmups, warmupMillis, iterations, iterationMillis);
    }

    /** With a warm-up of seconds: what maps and unmaps is compiled in many steps, and the last takes that long. */
    Pace patient() {
        return new Pace(forks, PATIENT_WARM_UPS, warmupMillis, iterations, iterationMillis);
    }

    Pace millis(final int millis) {
        return new Pace(forks, warmups, millis, iterations, millis);
    }
}
