// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Drained unmaps that are given back together (G3). */
class BatchTest {
    private static final int STEP = 64;

    private static final int MOST = 200;

    private static PendingUnmap at(final long start) {
        final PendingUnmap pending = new PendingUnmap(1, 0);
        pending.taken(start + 1_000, start);
        return pending;
    }

    @Test
    void anyNumberMustComeOutOnceAndInOrder() {
        for (int count = 0; count < MOST; count++) {
            final Batch batch = new Batch(count);
            final List<PendingUnmap> all = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                all.add(at(i));
            }
            final List<PendingUnmap> shuffled = new ArrayList<>(all);
            Collections.shuffle(shuffled, new Random(count));
            shuffled.forEach(batch::add);
            final List<PendingUnmap> sorted = new ArrayList<>();
            for (PendingUnmap each = batch.takeSorted(); each != null; each = each.behind) {
                sorted.add(each);
            }
            assertThat(sorted).isEqualTo(all);
            assertThat(batch.takeSorted()).as("nothing is left").isNull();
            for (int i = 0; i < Math.min(count, STEP); i++) {
                assertThat(batch.note(at(i))).isEqualTo(i < STEP - 1);
            }
        }
    }

    @Test
    void aRoundThatFailedMustLeaveNothingToTheNext() {
        final Batch batch = new Batch(2);
        batch.add(at(1));
        batch.add(at(0));
        batch.note(at(2));
        batch.clear();
        assertThat(batch.takeSorted()).isNull();
        assertThat(batch.takeNoted()).isZero();
    }

    @Test
    void intervalsMustBeNotedUpToAStep() {
        final Batch batch = new Batch(STEP);
        for (int i = 1; i <= STEP; i++) {
            assertThat(batch.note(at(i))).as("room for another after %d", i).isEqualTo(i < STEP);
        }
        assertThat(batch.intervals()).startsWith(1, 1_001, 2, 1_002).endsWith(STEP, STEP + 1_000);
        assertThat(batch.takeNoted()).isEqualTo(STEP);
        assertThat(batch.takeNoted()).isZero();
    }
}
