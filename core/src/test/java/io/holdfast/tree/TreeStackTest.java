// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.epoch.StackDigger;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Wherever the stack ends in a change, no node is lost, and no pin is left. */
class TreeStackTest {
    private static final int ROUNDS = 5;
    private static final int CALLS = 500;
    private static final int WINDOW_BITS = 6;
    private static final long SPACE = 400L << WINDOW_BITS;

    private final TreeFixture fixture = TreeFixture.with(new TreeTuning(3, 3, 1, 4, WINDOW_BITS, 1), SPACE);
    private final IntervalTree tree = fixture.tree;

    /** Changes, none of which needs that another has happened. */
    enum Kind {
        INSERT(tree -> tree.insert(100, 110, 1)),
        REMOVE(tree -> tree.remove(20)),
        REMOVE_ALL(tree -> tree.removeAll(new long[] {20, 3, 60, 7, 300, 31}, 3)),
        REPLACE(tree -> tree.replace(0, 200, 10, 20, 1, 30, 31, 2)),
        INTO_A_GAP(tree -> tree.insertIntoGap(3, 1, 0, SPACE, true, 1)),
        INTO_A_ZONE(tree -> {
            ZoneTestSupport.contend(tree);
            tree.insertIntoZone(3, 1, 0, SPACE, true, 1);
        }),
        UNITE(tree -> tree.unite()),
        CARVE(tree -> {
            ZoneTestSupport.contend(tree);
            tree.carve(0, SPACE / 8);
        }),
        EDIT(tree -> {
            try (Edit edit = tree.edit()) {
                edit.replace(20, 30, 20, 25, 9);
                edit.replace(2000, 2010, 2001, 2002, 9);
                edit.publish();
            }
        });

        private final Consumer<IntervalTree> change;

        Kind(final Consumer<IntervalTree> change) {
            this.change = change;
        }
    }

    /** From the second round on the change is compiled, with ever more of what it calls. */
    private void warmUp(final Kind kind, final int round) {
        for (int i = 0; i < round * CALLS; i++) {
            kind.change.accept(tree);
        }
    }

    @ParameterizedTest
    @EnumSource
    void noNodeMustBeLostWhereverTheStackEnds(final Kind kind) throws Exception {
        for (int round = 0; round < ROUNDS; round++) {
            warmUp(kind, round);
            tree.unite();
            tree.replace(0, SPACE);
            for (int i = 0; i < 40; i++) {
                tree.insert(i * 10L, i * 10L + 5, i + 1);
            }
            assertThat(StackDigger.dig(() -> kind.change.accept(tree), round)).as("seen: changes without stack")
                .isGreaterThan(5);
            fixture.checkNoNodeIsLost();
            assertThat(fixture.domain.isStructurePinned()).isFalse();
        }
    }
}
