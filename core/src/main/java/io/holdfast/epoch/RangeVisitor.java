// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/** Is shown announced structural changes. */
@FunctionalInterface
public interface RangeVisitor {
    /** {@code owner} has announced a change from {@code start} to {@code end}. */
    void visit(long start, long end, Thread owner);
}
