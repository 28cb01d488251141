// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** How long the space's own thread naps. */
class NapLengthTest {
    private static final long MS = Duration.ofMillis(1).toNanos();
    private static final long MOST = 16 * MS;
    private static final long ERA = 1000;
    private static final int UNTIL_SETTLED = 20;

    private final NapLength nap = new NapLength(MOST, ERA);

    @Test
    void napsMustBeAsLongAsTheyMayAtFirst() {
        assertThat(nap.ns()).isEqualTo(MOST);
        assertThat(new NapLength(1, ERA).ns()).isEqualTo(MS);
    }

    @Test
    void napsMustGetShorterWhereTheThreadIsWokenForBytes() {
        nap.woken(ERA);
        assertThat(nap.ns()).isEqualTo(MOST / 2);
        for (int i = 0; i < UNTIL_SETTLED; i++) {
            nap.woken(2 * ERA);
        }
        assertThat(nap.ns()).isEqualTo(MS);
    }

    @Test
    void napsMustStayWhereTheThreadIsWokenForSomethingElse() {
        nap.woken(ERA - 1);
        assertThat(nap.ns()).isEqualTo(MOST);
    }

    @Test
    void napsMustGetLongerWhereLittleComesTogether() {
        nap.woken(ERA);
        nap.woken(ERA);
        nap.over(ERA / 2);
        assertThat(nap.ns()).as("enough for an era in twice the time").isEqualTo(MOST / 4);
        nap.over(ERA / 2 - 1);
        assertThat(nap.ns()).isEqualTo(MOST / 2);
        nap.over(0);
        nap.over(0);
        assertThat(nap.ns()).isEqualTo(MOST);
    }

    @Test
    void aSteadyRateMustWakeTheThreadAFewTimesAndNeverAgain() {
        for (long bytesPerMs = 1; bytesPerMs <= ERA; bytesPerMs++) {
            final NapLength steady = new NapLength(MOST, ERA);
            int wakes = 0;
            int last = 0;
            for (int round = 1; round <= 10 * UNTIL_SETTLED; round++) {
                final long bytes = steady.ns() * bytesPerMs / MS;
                if (bytes >= 2 * ERA) {
                    steady.woken(2 * ERA);
                    wakes++;
                    last = round;
                } else {
                    steady.over(bytes);
                }
            }
            assertThat(wakes).as("bytes a millisecond: %d", bytesPerMs).isLessThanOrEqualTo(4);
            assertThat(last).as("bytes a millisecond: %d", bytesPerMs).isLessThanOrEqualTo(UNTIL_SETTLED);
        }
    }
}
