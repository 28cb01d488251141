// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.stress.weave.Weave;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.TreeTuning;
import io.holdfast.tree.ZoneTestSupport;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What woven classes call so that a run meets zones of the tree: windows are small, so that regions lie across their
 * borders, and in every other space threads have zones without having lost races. Counts what is met of them.
 */
public final class Zones {
    private static final int WINDOW_BITS = 17; // the largest region has room in a quarter of it
    private static final List<String> NAMES = List.of("leased", "evacuated", "changed", "carved");
    private static final int LEASED = 0; // a zone got a window
    private static final int EVACUATED = 1; // the base has what a zone had
    private static final int CHANGED = 2; // a change swung the root of a zone
    private static final int CARVED = 3; // a zone got a range with what is in it
    private static final LongAdder[] COUNTS = new LongAdder[NAMES.size()];
    private static volatile boolean wanted;

    static {
        Arrays.setAll(COUNTS, _ -> new LongAdder());
    }

    private Zones() {
    }

    /** Small windows, with the granule that was asked for. */
    public static TreeTuning tuned(final TreeTuning tuning, final long granule) {
        return new TreeTuning(tuning.leafCapacity(), tuning.innerCapacity(), granule, tuning.retireBatch(), WINDOW_BITS,
            tuning.races());
    }

    /** Whether the calling thread has lost enough races, or gets a zone all the same. */
    public static boolean contended(final IntervalTree tree) {
        return wanted || tree.isContended();
    }

    /** Publishes a change, and counts it if it is one of a zone. */
    public static boolean publish(final IntervalTree tree, final Object change) {
        final int zones = ZoneTestSupport.publish(tree, change);
        if (zones > 0) {
            count(CHANGED);
        }
        return zones >= 0;
    }

    /** Counts. */
    public static void count(final int met) {
        COUNTS[met].increment();
    }

    /** Whether threads are to have zones in the space that is opened next. */
    static void want(final boolean zones) {
        wanted = zones;
    }

    /** What was not met. */
    static List<String> unmet() {
        return NAMES.stream().filter(name -> counted(name) == 0).map(name -> "zones " + name).toList();
    }

    /** How often each was met. */
    static String table() {
        return NAMES.stream().map(name -> String.format("%s=%,d", name, counted(name))).collect(Collectors.joining(", "));
    }

    private static long counted(final String name) {
        return COUNTS[NAMES.indexOf(name)].sum();
    }

    /** What is woven into every run. */
    static List<Weave> weaves() {
        final List<Weave> weaves = new ArrayList<>(List.of(
            Weave.Place.of("io.holdfast.space.SpaceResources", "<init>", "TreeTuning.withGranule", 1)
                .instead(Zones.class, "tuned"),
            Weave.Place.of("io.holdfast.space.Mapper", "insertIntoZone", "IntervalTree.isContended", 1)
                .instead(Zones.class, "contended"),
            Weave.Place.of("io.holdfast.tree.IntervalTree", "carve", "IntervalTree.isContended", 1)
                .instead(Zones.class, "contended"),
            Weave.Place.of("io.holdfast.tree.Zoning", "carve", "Zoning.hint", 1)
                .before(Zones.class, "count", CARVED),
            Weave.Place.of("io.holdfast.tree.Zoning", "lease", "Zoning.open", 1)
                .before(Zones.class, "count", LEASED),
            Weave.Place.of("io.holdfast.tree.Zoning", "complete", "Zoning.forgetHints", 1)
                .before(Zones.class, "count", EVACUATED)));
        Stream.of("insert", "removeIf", "removeAll", "replace", "insertIntoGap").forEach(method -> weaves.add(
            Weave.Place.of("io.holdfast.tree.IntervalTree", method, "IntervalTree.publish", 1)
                .instead(Zones.class, "publish")));
        return weaves;
    }
}
