// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.layout.Behind;
import java.util.List;
import java.util.Map;
import java.util.WeakHashMap;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Checks, after each test, the invariants of every space that has been closed since the one before. */
public final class InspectedSpaces implements AfterEachCallback {
    private static final Map<SpaceResources, String> CHANGES = new WeakHashMap<>();

    @Override
    public void afterEach(final ExtensionContext context) {
        inspectParked();
    }

    /** Checks the spaces that have been closed and have changed since they were checked. */
    static void inspectParked() {
        final List<SpaceResources> parked;
        final Object lock = Behind.field(SpaceResources.class, "PARKED");
        synchronized (lock) {
            parked = ((List<?>) lock).stream().map(SpaceResources.class::cast).toList();
        }
        IllegalStateException broken = null;
        for (final SpaceResources core : parked) {
            if (core == parked.getFirst() || !changes(core).equals(CHANGES.get(core))) {
                try {
                    SpaceInspector.check(core);
                } catch (final IllegalStateException e) {
                    broken = broken == null ? e : broken;
                }
                CHANGES.put(core, changes(core)); // so that a damaged one is reported once
            }
        }
        if (broken != null) {
            throw broken;
        }
    }

    /** Changes whenever a record is taken or given back: each head has a tag that rises with that. */
    private static String changes(final SpaceResources core) {
        return Behind.field(core.records(), "heads").toString();
    }
}
