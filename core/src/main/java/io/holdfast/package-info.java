// SPDX-License-Identifier: Apache-2.0

/**
 * Regions of native memory, anonymous or file-backed, that many threads read while others unmap them.
 *
 * <p>An {@code AddressSpace} reserves one large range of addresses and maps {@code Region}s inside it. Readers lock a
 * region with a {@code Guard}, keep everything they find with a {@code Pin}, or read optimistically and validate; an
 * unmap turns new readers away, waits for those inside, and gives the memory back at that moment, without a handshake
 * with other threads. This package is the whole public API: contracts, values and exceptions. Their implementation has
 * packages of its own.
 *
 * <h2>Glossary</h2>
 *
 * <p>One word per concept, in names, messages and documentation.
 *
 * <dl>
 * <dt>address space</dt>
 * <dd>One reservation and its tree. Addresses are offsets from its base, so they can be stored in files.</dd>
 * <dt>region</dt>
 * <dd>One mapped interval of the space, page-aligned, with protection and backing; it never overlaps another.</dd>
 * <dt>record</dt>
 * <dd>The region's off-heap row: lock word, sequence, bounds.</dd>
 * <dt>attached, detached</dt>
 * <dd>Lookups may lock it; no reader can ever again lock this incarnation.</dd>
 * <dt>guard</dt>
 * <dd>A held lock on one region, {@link java.lang.AutoCloseable}: shared (existence and layout are stable; read-only
 * or writable) or exclusive.</dd>
 * <dt>incarnation</dt>
 * <dd>One life of a record. It ends at unmap, split, merge, cut, change of protection or move, and every handle
 * to it is then stale for good.</dd>
 * <dt>counted hold</dt>
 * <dd>A shared lock kept in the lock word, which may be released by another thread.</dd>
 * <dt>pin</dt>
 * <dd>An epoch announcement: nothing found after it is reclaimed before it ends.</dd>
 * <dt>stamp</dt>
 * <dd>The sequence value of an optimistic read. Validating it says that no exclusive holder, unmap or reuse came
 * between; it says nothing about shared writers or other writers of the file.</dd>
 * <dt>lease, era</dt>
 * <dd>A long-lived claim to read a region, renewed when its era ends; the life of the one shared arena that all leases of a
 * space read through, whose close is a grace period for readers that announce nothing.</dd>
 * <dt>exclude, drain</dt>
 * <dd>Turn new readers away; wait for those inside.</dd>
 * <dt>retire, grace period</dt>
 * <dd>Hand over for later reclaiming; the time until every earlier pin has ended.</dd>
 * <dt>write section</dt>
 * <dd>Exclusive right to change the structure of an address range; it can be downgraded.</dd>
 * <dt>end write, end all</dt>
 * <dd>Release one exclusive lock; release all of a section's in O(1).</dd>
 * <dt>point of no return</dt>
 * <dd>After it a structural change cannot fail.</dd>
 * </dl>
 *
 * <h2>Caveats</h2>
 *
 * <ul>
 * <li>A shared guard protects existence and layout, not bytes: several holders of writable shared guards order their
 * own writes.</li>
 * <li>A thread that stays pinned, or keeps a guard, for a long time holds up every unmap that waits for it and the
 * reclaiming of everything retired meanwhile. A slot is reclaimed when its platform thread has died.</li>
 * <li>A thread that is pinned, or holds a guard on the region, must not unmap it synchronously or wait for an
 * exclusive guard on it: it would wait for itself, and gets an exception instead.</li>
 * <li>Do not hold a lock of the application across a blocking acquire or a synchronous unmap when a reader may want
 * that lock while it is inside a region: neither would ever proceed.</li>
 * <li>The bytes behind an optimistic segment may belong to nobody, or to somebody else, at any moment. Copy out,
 * validate, and only then use the copy.</li>
 * <li>Truncation of a mapped file by somebody else is outside what the library can prevent: plain segment access then
 * gets an {@link java.lang.InternalError}, but checksum intrinsics, inflaters and native callees that are handed such
 * memory can bring the virtual machine down. {@link io.holdfast.Region#copyOut copyOut} and
 * {@link io.holdfast.Region#copyIn copyIn} report it instead.</li>
 * </ul>
 */
@NullMarked
package io.holdfast;

import org.jspecify.annotations.NullMarked;
