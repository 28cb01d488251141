// SPDX-License-Identifier: Apache-2.0
/**
 * Lucene on regions: {@code SearchExample} indexes and searches real text, {@code NearRealTimeExample} refreshes searchers
 * while an index grows, and shows what is mapped meanwhile.
 */
@NullMarked
package io.holdfast.examples.lucene;

import org.jspecify.annotations.NullMarked;
