// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import java.util.Locale;

/** How an access or a fence orders, in the words of {@link java.lang.invoke.VarHandle}. */
public enum Mode {
    /** Plain access. */
    PLAIN,
    /** Opaque access. */
    OPAQUE,
    /** Acquire access or fence. */
    ACQUIRE,
    /** Release access or fence. */
    RELEASE,
    /** Volatile access. */
    VOLATILE,
    /** A fence of stores among themselves. */
    STORESTORE,
    /** A full fence. */
    FULL;

    /** The mode that a description calls so. */
    public static Mode of(final String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }

    /** Whether reads in this mode come before what follows them. */
    boolean acquires() {
        return this == ACQUIRE || this == VOLATILE;
    }

    /** Whether writes in this mode come after what precedes them. */
    boolean releases() {
        return this == RELEASE || this == VOLATILE;
    }
}
