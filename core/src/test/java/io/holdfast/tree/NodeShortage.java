// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.NativeException;
import java.util.ArrayList;
import java.util.List;
import org.agrona.concurrent.BackoffIdleStrategy;

/** Keeps all nodes of a tree that can be had, but for some, while no memory for more can be had. */
public final class NodeShortage {
    private static final int MORE_THAN_IDLE = 16 * Runtime.getRuntime().availableProcessors();

    private final IntervalTree tree;
    private final EpochDomain domain;
    private final List<Change> held = new ArrayList<>();

    public NodeShortage(final IntervalTree tree, final EpochDomain domain) {
        this.tree = tree;
        this.domain = domain;
    }

    /**
     * From here on exactly so many nodes can be had, and what is reserved for one removal.
     *
     * @param refuse makes the system refuse memory
     */
    public void leave(final int nodes, final Runnable refuse) {
        keep(nodes);
        final Change store = held.getLast();
        if (!domain.isStructurePinned()) {
            tree.drain(BackoffIdleStrategy::new);
        }
        refuse.run();
        pinned(() -> assertThatExceptionOfType(NativeException.class)
            .isThrownBy(() -> store.supply().reserve(Integer.MAX_VALUE)));
        for (int i = 0; i < MORE_THAN_IDLE; i++) {
            held.add(tree.takeChange());
        }
        final Change only = tree.takeChange();
        assertThat(only.supply().stored().size()).isZero();
        for (int i = 0; i < nodes; i++) {
            only.supply().stored().push(store.supply().stored().pop());
        }
        tree.giveBack(only);
    }

    /** Keeps so many nodes at least; others can be had. */
    public void keep(final int nodes) {
        final Change store = tree.takeChange();
        held.add(store);
        pinned(() -> store.supply().reserve(nodes));
    }

    /** Uses up what is reserved for one removal. */
    public void useReserve() {
        final Change store = tree.takeChange();
        tree.reserve().lend(store.supply());
        tree.giveBack(store);
    }

    /** Ends the shortage. */
    public void giveAllBack() {
        held.forEach(tree::giveBack);
        held.clear();
    }

    private void pinned(final Runnable action) {
        domain.pinStructure();
        try {
            action.run();
        } finally {
            domain.unpinStructure();
        }
    }
}
