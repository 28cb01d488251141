// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.Stripes;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;

/** A limit that is counted in stripes: exact whatever the stripes have taken for themselves, from plenty to nothing. */
class StripedLimitTest {
    private static final long BATCH = 4;
    private static final long PLENTY = 4L * Stripes.COUNT * BATCH;
    private static final int WORKERS = 4;
    private static final int ROUNDS = 20_000;
    private static final int MOST_ROUNDS = 1_000 * ROUNDS; // on a machine that lets one of the workers wait

    /** A limit from which every stripe has taken a batch for itself, of which it uses one. */
    private static StripedLimit withCredits(final long most, final List<Peer> peers) {
        final StripedLimit limit = new StripedLimit(most, BATCH);
        for (int i = 0; i < Stripes.COUNT; i++) {
            final Peer peer = Peer.platform();
            peers.add(peer);
            assertThat(peer.call(() -> limit.take(1))).isTrue();
        }
        return limit;
    }

    @Test
    void nobodyMustBeRefusedBeforeTheCreditsOfAllStripesAreUsedUp() {
        final List<Peer> peers = new ArrayList<>();
        final StripedLimit limit = withCredits(PLENTY, peers);
        for (long used = peers.size(); used < PLENTY; used++) {
            assertThat(limit.take(1)).as("used=%d of %d", used, PLENTY).isTrue();
            assertThat(limit.inUse()).isEqualTo(used + 1);
        }
        assertThat(limit.take(1)).isFalse();
        for (final Peer peer : peers) {
            assertThat(peer.call(() -> limit.take(1))).as("of another stripe").isFalse();
            peer.run(() -> limit.giveBack(1));
            assertThat(limit.take(2)).isFalse();
            assertThat(limit.take(1)).as("what another stripe gave back").isTrue();
            peer.close();
        }
    }

    @Test
    void allThatIsLeftMustBeHadAtOnce() {
        final List<Peer> peers = new ArrayList<>();
        final StripedLimit limit = withCredits(PLENTY, peers);
        assertThat(limit.take(PLENTY - peers.size() + 1)).isFalse();
        assertThat(limit.take(PLENTY - peers.size())).isTrue();
        assertThat(limit.inUse()).isEqualTo(PLENTY);
        limit.giveBack(PLENTY - peers.size());
        for (final Peer peer : peers) {
            peer.run(() -> limit.giveBack(1));
            peer.close();
        }
        assertThat(limit.inUse()).isZero();
        assertThat(limit.take(PLENTY)).isTrue();
    }

    @Test
    void limitsNearTheSmallestAndTheLargestMustBeExact() {
        final StripedLimit one = new StripedLimit(1, BATCH);
        assertThat(one.take(2)).isFalse();
        assertThat(one.take(1)).isTrue();
        assertThat(one.take(1)).isFalse();
        one.takeBeyond(3);
        assertThat(one.inUse()).isEqualTo(4);
        one.giveBack(3);
        assertThat(one.take(1)).isFalse();
        one.giveBack(1);
        assertThat(one.take(1)).isTrue();
        final StripedLimit none = new StripedLimit(Long.MAX_VALUE, BATCH);
        assertThat(none.take(Long.MAX_VALUE)).isTrue();
        assertThat(none.take(1)).isFalse();
        none.giveBack(Long.MAX_VALUE);
        assertThat(none.inUse()).isZero();
        assertThat(none.take(1)).isTrue();
        assertThat(none.inUse()).isOne();
    }

    @Test
    void whatIsTakenBeyondTheLimitMustCountWhereverItComesFrom() {
        final StripedLimit limit = new StripedLimit(PLENTY, BATCH);
        assertThat(limit.take(1)).isTrue(); // from here on the stripe has credit
        limit.takeBeyond(1);
        limit.takeBeyond(2 * BATCH); // more than that
        assertThat(limit.inUse()).isEqualTo(2 + 2 * BATCH);
        limit.giveBack(2 + 2 * BATCH);
        assertThat(limit.take(PLENTY)).isTrue();
        limit.takeBeyond(1); // all is closed
        assertThat(limit.inUse()).isEqualTo(PLENTY + 1);
    }

    @Test
    void whatBeginsTightMustBecomeStripedWithPlentyAndTightAgain() {
        final StripedLimit limit = new StripedLimit(PLENTY, BATCH);
        for (int round = 0; round < 3; round++) {
            assertThat(limit.take(PLENTY)).isTrue();
            assertThat(limit.take(1)).isFalse();
            limit.giveBack(PLENTY);
            try (Peer peer = Peer.platform()) {
                assertThat(peer.call(() -> limit.take(1))).isTrue();
                peer.run(() -> limit.giveBack(1));
            }
            assertThat(limit.inUse()).isZero();
        }
    }

    private static boolean haveAllTaken(final AtomicLongArray done) {
        for (int i = 0; i < WORKERS; i++) {
            if (done.get(i) == 0) {
                return false;
            }
        }
        return true;
    }

    /**
     * Workers take one each and give it back as another, beside one who takes all but what they need, so that it goes from
     * plenty to nothing all the time: whoever is refused was refused although there was enough.
     */
    @Test
    void nobodyMustBeRefusedWhileThereIsEnoughAtEachMoment() {
        final StripedLimit limit = new StripedLimit(PLENTY + WORKERS, BATCH);
        final ConcurrentLinkedQueue<Boolean> taken = new ConcurrentLinkedQueue<>();
        final AtomicLong tokens = new AtomicLong(WORKERS);
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLongArray done = new AtomicLongArray(WORKERS + 1);
        EpochTestSupport.together(WORKERS + 1, thread -> {
            if (thread == WORKERS) {
                try {
                    for (int i = 0; i < ROUNDS || i < MOST_ROUNDS && !haveAllTaken(done); i++) {
                        assertThat(limit.take(PLENTY)).as("all but the others'").isTrue();
                        limit.giveBack(PLENTY);
                        done.incrementAndGet(thread);
                    }
                } finally {
                    stop.set(true);
                }
            } else {
                while (!stop.get()) {
                    if (tokens.getAndDecrement() > 0) {
                        assertThat(limit.take(1)).as("one of %d", WORKERS).isTrue();
                        taken.add(true);
                        done.incrementAndGet(thread);
                    } else {
                        tokens.incrementAndGet();
                    }
                    if (taken.poll() != null) {
                        limit.giveBack(1);
                        tokens.incrementAndGet();
                    }
                    EpochTestSupport.letOthersRun();
                }
            }
        });
        for (int i = 0; i <= WORKERS; i++) {
            assertThat(done.get(i)).as("seen: takes of thread %d", i).isPositive();
        }
        assertThat(limit.inUse()).isEqualTo(taken.size());
    }

    /** [A2]: what one stripe takes and another gives back must not hide what stays. */
    @Test
    void whatStaysMustBeSeenWhileOthersComeAndGoOnceItIsCountedExactly() {
        final StripedLimit limit = new StripedLimit(Long.MAX_VALUE, BATCH);
        assertThat(limit.take(1)).isTrue(); // stays
        final ConcurrentLinkedQueue<Boolean> taken = new ConcurrentLinkedQueue<>();
        final AtomicBoolean stop = new AtomicBoolean();
        final AtomicLong given = new AtomicLong();
        EpochTestSupport.together(3, thread -> {
            if (thread == 0) {
                try {
                    EpochTestSupport.await("some are given back", () -> given.get() != 0);
                    limit.closeForGood();
                    for (int i = 0; i < ROUNDS; i++) {
                        assertThat(limit.inUse()).isPositive();
                        EpochTestSupport.letOthersRun();
                    }
                    EpochTestSupport.await("some more are given back", () -> given.get() > ROUNDS / 10);
                } finally {
                    stop.set(true);
                }
            } else if (thread == 1) {
                while (!stop.get()) {
                    assertThat(limit.take(1)).isTrue();
                    taken.add(true);
                    EpochTestSupport.letOthersRun();
                }
            } else {
                while (!stop.get()) {
                    if (taken.poll() != null) {
                        limit.giveBack(1);
                        given.incrementAndGet();
                    }
                    EpochTestSupport.letOthersRun();
                }
            }
        });
        assertThat(limit.inUse()).isEqualTo(1 + taken.size());
    }
}
