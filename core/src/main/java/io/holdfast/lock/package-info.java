// SPDX-License-Identifier: Apache-2.0

/**
 * The lock of a region: the table of records and, in each record, the lock word and the sequence. Shared holds by
 * hazard or by count, the exclusive hold, optimistic stamps, and the detach that ends an incarnation.
 *
 * <p>A record is type-stable: it is reused for later regions, its sequence never goes back, and a stale handle or
 * stamp is refused by comparison with the incarnation after the announcement. What a region maps is not known here.
 *
 * <p>May import {@code io.holdfast.layout}, {@code io.holdfast.memory}, {@code io.holdfast.epoch} and the idle
 * strategies of {@code org.agrona.concurrent}.
 */
@NullMarked
package io.holdfast.lock;

import org.jspecify.annotations.NullMarked;
