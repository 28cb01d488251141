// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import io.holdfast.layout.Words;

/**
 * A part of a tree that has a root of its own, so that changes of different parts do not race for one root. Number 0 is the
 * base, which has all that no other zone has.
 *
 * <p>Thread-safe: nothing here changes but the root word. Zoning says how zones come and go.
 */
final class Zone {
    /** Bytes of a root word, which has a line pair to itself. */
    static final int BYTES = 128;
    /** In a root word: no change may swing it, and the base says whether it counts. Root words are below it. */
    private static final long FROZEN = Long.MIN_VALUE;
    /** In a frozen root word: because a range is being carved, and not to take the zone back. */
    private static final long CARVING = 1L << Long.SIZE - 2;
    /** In the value of an interval: what stands there is in the zone of the number below. */
    private static final long ELSEWHERE = Long.MIN_VALUE;

    private final int number;
    private final long rootAddress;

    /** The root word is that of the base or 0: nothing is in the zone yet. */
    Zone(final int number, final long rootAddress) {
        this.number = number;
        this.rootAddress = rootAddress;
    }

    int number() {
        return number;
    }

    long rootAddress() {
        return rootAddress;
    }

    /** The value that stands, in another zone, for what is in this one. */
    long elsewhere() {
        return elsewhere(number);
    }

    /** The same for the zone of a number. */
    static long elsewhere(final int number) {
        return ELSEWHERE | number;
    }

    /** Whether a value stands for what is in another zone. */
    static boolean isElsewhere(final long value) {
        return value < 0;
    }

    /** The number of the zone that a value stands for. */
    static int numberOf(final long elsewhere) {
        return (int) (elsewhere & ~ELSEWHERE);
    }

    /** Whether the root word of a zone is one that no change may swing. */
    static boolean isFrozen(final long root) {
        return root < 0;
    }

    /** Whether it is frozen because the zone is being taken back. */
    static boolean isEvacuated(final long root) {
        return isFrozen(root) && (root & CARVING) == 0;
    }

    /** The root word frozen, for a range that is being carved. */
    static long carving(final long root) {
        return root | FROZEN | CARVING;
    }

    /** The root word as it was before it was frozen. */
    static long thawed(final long root) {
        return root & ~(FROZEN | CARVING);
    }

    /** The root word of this moment; {@link IntervalTree} has the ordering. */
    long rootAcquire() {
        return Words.getAcquire(rootAddress, 0); // [T1]
    }

    /** Freezes a root word to take the zone back, if it is still the one; whether it was. */
    boolean freeze(final long root) {
        return Words.compareAndSet(rootAddress, root, thawed(root) | FROZEN); // [T1] [T2]
    }
}
