// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

/**
 * Arguments of a process whose heap does not grow while it is measured. Where a heap grows, its new pages are touched for
 * the first time by the thread that allocates: half a second in which an operation that allocates a kilobyte takes up to
 * seven times as long on a virtual machine, and again after the next growth, seconds later.
 */
final class FixedHeap {
    static final String LEAST = "-Xms256m";
    static final String MOST = "-Xmx256m";
    static final String TOUCHED = "-XX:+AlwaysPreTouch";

    private FixedHeap() {
    }
}
