// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

/** Has threads change zones of their own without races. */
public final class ZoneTestSupport {
    private ZoneTestSupport() {
    }

    /** From here on the calling thread is one that has lost enough races, until it cannot have a zone. */
    public static void contend(final IntervalTree tree) {
        while (!tree.isContended()) {
            tree.zoning().hasLost();
        }
    }

    /** Windows that zones have at this moment. */
    public static int windows(final IntervalTree tree) {
        final int[] windows = {0};
        try (Snapshot snapshot = tree.snapshot()) {
            TreeReader.forEach(snapshot.checkedRoots().root(0), 0, tree.bounds().to(), (start, end, value) -> {
                windows[0] += Zone.isElsewhere(value) ? 1 : 0;
                return true;
            });
        }
        return windows[0];
    }
}
