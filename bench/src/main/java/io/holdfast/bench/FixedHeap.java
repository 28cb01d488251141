// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

/**
 * Arguments of a process whose heap does not grow while it is measured. Where a heap grows, its new pages are touched for
 * the first time by the thread that allocates: a tenth of a second in which an operation that allocates a kilobyte takes
 * six times as long, and another after the next growth, five seconds later.
 */
final class FixedHeap {
    static final String LEAST = "-Xms1g";
    static final String MOST = "-Xmx1g";
    static final String TOUCHED = "-XX:+AlwaysPreTouch";

    private FixedHeap() {
    }
}
