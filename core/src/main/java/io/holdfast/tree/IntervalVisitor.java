// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

/** Is shown intervals one after the other. */
@FunctionalInterface
public interface IntervalVisitor {
    /**
     * Is shown one interval.
     *
     * @return whether to go on
     */
    boolean visit(long start, long end, long value);
}
