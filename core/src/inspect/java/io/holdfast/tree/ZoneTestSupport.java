// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

/** Has threads change zones of their own without races, and tells what they change. */
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

    /** Swings the root that a change is for: 1 if it is that of a zone, 0 if that of the base, -1 if it has lost. */
    public static int publish(final IntervalTree tree, final Object change) {
        final Change published = (Change) change;
        final boolean zone = !published.zone().equals(tree.zoning().base());
        return !tree.publish(published) ? -1 : zone ? 1 : 0;
    }

    /** Where the root word of the base is. */
    public static long baseRoot(final Object zoning) {
        return ((Zoning) zoning).base().rootAddress();
    }

    /** Puts gaps into the place of what names a zone. */
    public static void takeBackNothing(final Object change, final Object zone) {
        ((Change) change).takeBack((Zone) zone, ((Change) change).base());
    }

    /** Puts gaps into a range of a zone. */
    public static void cut(final Object change, final long start, final long end) {
        ((Change) change).cut(start, end);
    }

    /** Freezes the zone that has an address; the caller is pinned. */
    public static void freeze(final IntervalTree tree, final long address) {
        final long named = TreeReader.findUnder(tree.zoning().base().rootAcquire(), address);
        final Zone zone = tree.zoning().zone(Zone.numberOf(named));
        while (!zone.freeze(zone.rootAcquire())) {
            Thread.onSpinWait();
        }
    }
}
