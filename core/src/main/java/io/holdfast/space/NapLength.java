// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

/**
 * How long the space's own thread naps: as long as it may, but where unmaps come so fast that it had to be woken for their
 * bytes, shorter, until it finds them by itself. So who unmaps at a steady rate, however fast, wakes it a few times at
 * first and never again.
 *
 * <p>Not thread-safe.
 */
final class NapLength {
    private static final long LEAST_NS = 1_000_000;

    private final long mostNs;
    private final long eraBytes;
    private long ns;

    /**
     * The longest nap, at first.
     *
     * @param mostNs   in nanoseconds; not less than a millisecond is meant
     * @param eraBytes of unmaps that end an era; twice as many wake who naps
     */
    NapLength(final long mostNs, final long eraBytes) {
        this.mostNs = Math.max(mostNs, LEAST_NS);
        this.eraBytes = eraBytes;
        this.ns = this.mostNs;
    }

    /** Of the next nap, in nanoseconds. */
    long ns() {
        return ns;
    }

    /** Somebody has woken the thread when so many bytes of unmaps were unfinished: halves the naps if that was why. */
    void woken(final long bytes) {
        if (bytes >= eraBytes) {
            ns = Math.max(ns / 2, LEAST_NS);
        }
    }

    /** A nap has ended by itself: the next one is twice as long if there will not be enough for an era in it either. */
    void over(final long bytes) {
        if (bytes < eraBytes / 2) {
            ns = Math.min(ns * 2, mostNs);
        }
    }
}
