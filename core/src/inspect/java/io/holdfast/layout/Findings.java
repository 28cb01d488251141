// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

import java.util.ArrayList;
import java.util.List;

/** What an inspection has found to be wrong, each in a sentence. Not thread-safe. */
public final class Findings {
    private static final int SHOWN = 20;

    private final List<String> all = new ArrayList<>();
    private int count;

    /** Nothing is wrong. */
    public Findings() {
    }

    /** Notes something that is wrong. */
    public void add(final String what) {
        count++;
        if (all.size() < SHOWN) {
            all.add(what);
        }
    }

    /** Notes what is wrong unless it holds; returns whether it holds. */
    public boolean require(final boolean holds, final String what, final long where) {
        if (!holds) {
            add(what + " 0x" + Long.toHexString(where));
        }
        return holds;
    }

    /** Whether nothing is wrong. */
    public boolean isEmpty() {
        return count == 0;
    }

    @Override
    public String toString() {
        return count + " " + all;
    }
}
