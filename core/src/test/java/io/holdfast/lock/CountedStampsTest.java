// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Counted locks of stamps: each has a stamp of its own, which ends once (G10). */
class CountedStampsTest {
    private static final long RECORD = 64;
    private static final long OTHER = 128;

    @Test
    void aStampMustEndOnceAndOnItsRecordAlone() {
        final long stamp = CountedStamps.give(RECORD);
        assertThat(CountedStamps.isGiven(RECORD, stamp)).isTrue();
        assertThat(CountedStamps.isGiven(OTHER, stamp)).isFalse();
        assertThat(CountedStamps.end(OTHER, stamp)).isFalse();
        assertThat(CountedStamps.end(RECORD, stamp)).isTrue();
        assertThat(CountedStamps.end(RECORD, stamp)).isFalse();
        final long next = CountedStamps.give(RECORD);
        assertThat(next).isNotEqualTo(stamp);
        assertThat(CountedStamps.end(RECORD, stamp)).isFalse();
        assertThat(CountedStamps.end(RECORD, next)).isTrue();
    }

    @Test
    void asManyAsOneThreadWantsMustDifferAndEachMustEnd() {
        final int many = 10_000;
        final List<Long> stamps = new ArrayList<>();
        for (int i = 0; i < many; i++) {
            stamps.add(CountedStamps.give(i % 2 == 0 ? RECORD : OTHER));
        }
        assertThat(new HashSet<>(stamps)).hasSize(many);
        for (int i = 0; i < many; i++) {
            assertThat(CountedStamps.end(i % 2 == 0 ? RECORD : OTHER, stamps.get(i))).isTrue();
        }
    }

    /** [N2]: threads that end one stamp at once. */
    @Test
    void ofThreadsThatEndAStampAtOnceOneMustSucceed() {
        final int rounds = 20_000;
        final int threads = 3;
        final AtomicLong current = new AtomicLong(CountedStamps.give(RECORD));
        final AtomicInteger arrived = new AtomicInteger();
        final AtomicInteger ended = new AtomicInteger();
        final Set<Long> seen = new HashSet<>();
        EpochTestSupport.together(threads, thread -> {
            for (int round = 0; round < rounds; round++) {
                final long stamp = current.get();
                if (CountedStamps.end(RECORD, stamp)) {
                    ended.incrementAndGet();
                }
                if (arrived.incrementAndGet() == threads) { // the last one begins the next round
                    assertThat(ended.getAndSet(0)).isEqualTo(1);
                    assertThat(seen.add(stamp)).as("no stamp comes again").isTrue();
                    arrived.set(0);
                    current.set(CountedStamps.give(RECORD));
                }
                while (current.get() == stamp) {
                    Thread.onSpinWait();
                    Thread.yield();
                }
            }
        });
        assertThat(CountedStamps.end(RECORD, current.get())).isTrue();
    }
}
