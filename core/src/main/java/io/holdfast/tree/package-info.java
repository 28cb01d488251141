// SPDX-License-Identifier: Apache-2.0

/**
 * Which region covers an address: a copy-on-write B+tree of intervals in off-heap nodes, whose root is swung by
 * compare-and-set, with snapshots and a search for gaps.
 *
 * <p>Lookups never wait and never allocate; they run under a pin of the epoch domain, and replaced nodes are retired
 * to it. Intervals never overlap. What the value of an interval means is not known here.
 *
 * <p>May import {@code io.holdfast.layout}, {@code io.holdfast.memory} and {@code io.holdfast.epoch}.
 */
@NullMarked
package io.holdfast.tree;

import org.jspecify.annotations.NullMarked;
