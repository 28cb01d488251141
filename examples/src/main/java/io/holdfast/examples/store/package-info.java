// SPDX-License-Identifier: Apache-2.0
/**
 * A log-structured key-value store in the manner of Bitcask, and the job that runs it on real input.
 *
 * <p>{@link io.holdfast.examples.store.Store} appends records to segment files that are mapped as growable regions and
 * keeps an index from each key to its newest record. Readers never take the writer's lock: they look up the index,
 * then read the segment through whatever its {@link io.holdfast.examples.store.SegmentStorage engine} offers, a guard
 * or an optimistic read in the case of Holdfast. A compaction replaces segments by copies of what is live in them, with
 * Holdfast all of them in one {@linkplain io.holdfast.WriteSection write section}; a reader that is refused finds a newer
 * location, in the index or in the old segment, and retries: at no moment is a key missing.
 *
 * <p>Invariants. One store has a directory open (lock file). The manifest names the segments that count; a segment file
 * that it does not name is the leftover of an interrupted change and is deleted at open. Every segment that it names is
 * sealed, which means on the disk and whole, but at most the last one, which is being written. Each record carries a
 * sequence number, the newest one of a key wins, and no two records share one; in the segment that is being written each
 * number is one higher than that before. So a crash can cost the end of that segment and nothing else, and what is
 * recovered is the store of one moment.
 *
 * <p>Files of a directory: {@code manifest}, {@code lock}, {@code reserve} (space kept back for what makes space), and
 * the segments. A copy of a closed store is a store. A copy of an open one is taken file by file and may be of no one
 * moment; close the store, or copy what a {@link io.holdfast.examples.store.Snapshot snapshot} has.
 *
 * <p>{@link io.holdfast.examples.store.StoreJob} is the command line.
 */
@NullMarked
package io.holdfast.examples.store;

import org.jspecify.annotations.NullMarked;
