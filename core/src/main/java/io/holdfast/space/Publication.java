// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.ReservedStack;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.NativeException;
import io.holdfast.tree.Edit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Puts regions in the place of others in one step: what single changes and sections end in. Used once, by the thread
 * whose change it is.
 */
final class Publication {
    /*
     * 1. Plan: the caller says what is replaced, what goes on and what is given back (Reshape).
     * 2. Prepare: count; take a record for each new region and each extent that is given back, all objects that the rest
     *    needs; attach the new records; make the changes in a private version of the tree. All of it can fail, and is taken
     *    back then.
     * 3. Swing the root of the tree: THE POINT OF NO RETURN, and the linearization point for lookups, cursors and
     *    snapshots. It fails for want of memory, or not at all: nobody else changes the ranges that the owner holds.
     * 4. Complete: detach the old records, moved if a part comes from them, else unmapped. Nothing is detached before 3.
     *    Nothing here allocates, waits or fails.
     * 5. The caller ends its locks, and gives back what is given back.
     *
     * What is given back is registered with the reclaimer in 2, so that it is not lost whatever becomes of this thread.
     *
     * Whether 3 has happened is read from the tree, and not from the way in which the swing returned: if the heap or the
     * stack ended behind it, the change has happened and is completed, whatever is thrown.
     *
     * A lookup that has seen the root from before 3 finds the old regions, which are held; when it sees one detached it
     * looks again, and finds what came into its place ([M1]). A part that is given back gets a record that is never
     * attached, so lookups miss it, and goes the way of every unmap: pins from before, pages, interval, record.
     *
     * No nodes are taken in advance to free the addresses of what is given back: for a thousand regions these would be more
     * than the tree has. Where there is no memory for them in the end, Quarantine keeps the addresses and tries again.
     *
     * If the thread stops for ever: before 3 the old version stands, after 3 the new one, and the regions that it holds
     * stay excluded. All of it happens under a pin, after a look at CLOSED: as for a map (Mapper [A1]), a close finds
     * either the old regions, and waits for who holds them, or the new ones. The locks are taken before: a pinned thread
     * must not wait.
     */

    /** Who holds the regions that are replaced, exclusively. */
    interface Owner {
        /** Whether the region of a record is held, and has neither moved nor been unmapped. */
        boolean holds(long record);

        /** Attaches a record that was described, before anybody can find it. */
        void attach(long record);

        /** Takes the attaching back, for a change that comes to nothing. */
        void withdraw(long record);

        /** Ends a record whose region goes on in others; allocates nothing. */
        void move(long record);

        /** Ends a record whose region is unmapped; allocates nothing. */
        void detach(long record);

        /** The same where the tree still shows the record; allocates nothing. */
        void abandon(long record);
    }

    /** A region that is replaced. */
    private static final class Old {
        private final RecordKey key; // there before the end, which allocates nothing
        private final Extent extent;
        private final boolean goesOn;

        Old(final long record, final Extent extent, final boolean goesOn) {
            this.key = new RecordKey(record);
            this.extent = extent;
            this.goesOn = goesOn;
        }
    }

    /** What comes in its place: a region, or an extent that is given back. */
    private static final class Fresh {
        private final Extent extent;
        private final boolean isKept;
        private final boolean isMine; // the record is taken here
        private long record;
        private @Nullable RecordKey key; // the record, once it is described
        private @Nullable PendingUnmap giving;
        private boolean attached;

        Fresh(final Extent extent, final boolean isKept, final boolean isMine) {
            this.extent = extent;
            this.isKept = isKept;
            this.isMine = isMine;
        }
    }

    /** What stands in the place of what. */
    private record Territory(long start, long limit) {
    }

    private static final long ANY = Integer.MAX_VALUE; // so that no sum is 0

    private final SpaceHandle space;
    private final SpaceResources core;
    private final RegionRegistry registry;
    private final Owner owner;
    private final String operation;
    private final List<Old> olds = new ArrayList<>();
    private final List<Mapper.Prepared> mappings = new ArrayList<>();
    private final List<Fresh> fresh = new ArrayList<>();
    private final List<RegionHandle> regions = new ArrayList<>();
    private final List<PendingUnmap> given = new ArrayList<>();
    private @Nullable Batch batch; // for what is given back
    private int drops;
    private boolean reserved; // room in the list of retired records

    Publication(final SpaceHandle space, final Owner owner, final String operation) {
        this.space = space;
        this.core = space.core();
        this.registry = space.registry();
        this.owner = owner;
        this.operation = operation;
    }

    /** What is changed, for messages: the first of the regions that are replaced. */
    private String subject() {
        if (olds.isEmpty()) {
            return "space " + space.name();
        }
        final Extent first = olds.getFirst().extent;
        return "region=0x" + Long.toHexString(first.start() + first.lead()) + " of " + space.name() +
            (olds.size() == 1 ? "" : " and " + (olds.size() - 1) + " more");
    }

    // ------------------------------------------------------------------------------------------------------ plan

    /** A region that the owner holds is replaced; {@code goesOn} if a region that comes has bytes of it. */
    void replace(final long record, final Extent extent, final boolean goesOn) {
        olds.add(new Old(record, extent, goesOn));
    }

    /** Addresses that were mapped for this change stand in the tree under a record that is not attached. */
    void absorb(final Mapper.Prepared mapping) {
        mappings.add(mapping);
    }

    /** A region comes, in a record that is to be taken. */
    void keep(final Extent extent) {
        fresh.add(new Fresh(extent, true, true));
    }

    /** A region comes, in a record that has been described. */
    void keep(final Extent extent, final long record) {
        final Fresh one = new Fresh(extent, true, false);
        one.key = new RecordKey(record);
        one.record = record;
        fresh.add(one);
    }

    /** An extent is given back. */
    void drop(final Extent extent) {
        fresh.add(new Fresh(extent, false, true));
        drops++;
    }

    /** All that becomes of a region. */
    void add(final Reshape.Parts parts) {
        parts.keep().forEach(this::keep);
        parts.drop().forEach(this::drop);
    }

    // --------------------------------------------------------------------------------------------------- publish

    /** Makes it all visible, or leaves everything as it was if it throws before the point of no return. */
    void publish() {
        final EpochDomain domain = core.domain();
        final int more = fresh.size() - drops - olds.size() - mappings.size();
        domain.pinStructure();
        try {
            space.gate().checkOpen(operation);
            ReservedStack.forBeginning(more + ANY); // for what takes it back, or completes it, up to here
            registry.accountRegions(more, drops, operation);
            try {
                prepare();
                swing();
            } catch (final Throwable e) {
                if (!isPublished()) { // else what failed was behind it, and nobody's loss
                    registry.unaccountRegions(more + drops);
                    takeBack();
                    throw e;
                }
            }
            complete();
        } catch (final NativeException e) {
            throw registry.refused(operation, subject(), e);
        } finally {
            domain.unpinStructure();
        }
    }

    /** The new regions for which records were taken here, in order. */
    List<RegionHandle> regions() {
        return regions;
    }

    /** What is to be given back, once it is published. */
    List<PendingUnmap> given() {
        return given;
    }

    /** To end it together. */
    Batch batch() {
        return Objects.requireNonNull(batch);
    }

    private void prepare() {
        fresh.sort(Comparator.comparingLong(one -> one.extent.start()));
        for (final Fresh one : fresh) {
            if (one.isMine) {
                one.record = core.records().allocate(); // no call in between
                one.key = new RecordKey(one.record);
                describe(one.record, one.extent, space.base());
            }
            if (one.isMine && one.isKept) {
                regions.add(space.newRegion(one.record));
            }
            if (!one.isKept) {
                final PendingUnmap giving = space.unmapper().prepare();
                one.giving = giving; // no call in between
                giving.of(one.record);
                given.add(giving);
            }
            claim(one);
        }
        batch = new Batch(given.size());
        core.retiredRecords().reserve(retired());
        reserved = true; // no call in between
    }

    /** Claims what a part shows of a file, which what is replaced claims until it is gone. */
    private void claim(final Fresh one) {
        final FileRegion file = one.extent.file();
        if (file != null) {
            final FileShare share = new FileShare(file, one.extent.size());
            registry.files().put(Objects.requireNonNull(one.key), share);
            file.file().addPart(share);
        }
    }

    /** Records that are retired once it is published. */
    private int retired() {
        return olds.size() + mappings.size();
    }

    /** Describes an extent in a record that nobody else has. */
    static void describe(final long record, final Extent extent, final long base) {
        RecordLayout.describe(record, base + extent.start() + extent.lead(), extent.start(), extent.limit(),
            extent.kind());
        RecordLayout.sizeRelease(record, extent.size());
    }

    private void swing() {
        try (Edit edit = core.tree().edit()) {
            int from = 0;
            for (final Territory territory : territories()) {
                int to = from;
                while (to < fresh.size() && fresh.get(to).extent.limit() <= territory.limit) {
                    to++;
                }
                replace(edit, territory, fresh.subList(from, to));
                from = to;
            }
            for (final Fresh one : fresh) {
                if (one.isKept) {
                    attach(one);
                }
            }
            if (!edit.publish()) { // THE POINT OF NO RETURN
                throw new IllegalStateException(operation + " where somebody else has changed the structure: " +
                    territories());
            }
        }
    }

    private void replace(final Edit edit, final Territory territory, final List<Fresh> parts) {
        final long[] intervals = new long[parts.size() * 3];
        int at = 0;
        for (final Fresh part : parts) {
            intervals[at++] = part.extent.start();
            intervals[at++] = part.extent.limit();
            intervals[at++] = part.record;
        }
        if (!edit.replace(territory.start, territory.limit, intervals)) {
            throw new IllegalStateException(operation + " of what the tree does not have: start=0x" +
                Long.toHexString(territory.start) + ", limit=0x" + Long.toHexString(territory.limit));
        }
    }

    private void attach(final Fresh one) {
        registry.labels().add(one.record, one.extent.name());
        owner.attach(one.record);
        one.attached = true; // no call in between
    }

    /** What is replaced, with neighbours joined, in order. */
    private List<Territory> territories() {
        final List<Territory> all = new ArrayList<>();
        for (final Old old : olds) {
            all.add(new Territory(old.extent.start(), old.extent.limit()));
        }
        for (final Mapper.Prepared mapping : mappings) {
            all.add(new Territory(mapping.start(), mapping.start() + mapping.plan().length()));
        }
        all.sort(Comparator.comparingLong(Territory::start));
        final List<Territory> joined = new ArrayList<>();
        for (final Territory territory : all) {
            if (!joined.isEmpty() && joined.getLast().limit == territory.start) {
                joined.add(new Territory(joined.removeLast().start, territory.limit));
            } else {
                joined.add(territory);
            }
        }
        return joined;
    }

    /** Whether the tree shows what was prepared. */
    private boolean isPublished() {
        final Fresh first = fresh.getFirst();
        return first.record != 0 && core.tree().find(first.extent.start()) == first.record;
    }

    // By index, since an iterator is an object.
    private void complete() {
        for (int i = 0; i < given.size(); i++) {
            given.get(i).detached = true;
        }
        for (int i = 0; i < olds.size(); i++) {
            final Old old = olds.get(i);
            if (old.goesOn) {
                owner.move(old.key.record());
            } else {
                owner.detach(old.key.record());
            }
        }
        for (int i = 0; i < olds.size(); i++) {
            forget(olds.get(i).key);
        }
        for (int i = 0; i < mappings.size(); i++) {
            mappings.get(i).passOn();
            core.retiredRecords().retireReserved(mappings.get(i).record(), RecordLayout.BYTES);
        }
    }

    private void unclaim(final RecordKey record) {
        final FileShare share = registry.takeFile(record);
        if (share != null) {
            share.remove();
        }
    }

    private void forget(final RecordKey old) {
        unclaim(old);
        registry.labels().remove(old);
        core.retiredRecords().retireReserved(old.record(), RecordLayout.BYTES);
    }

    /** Undoes what was prepared; nobody could find any of it. */
    private void takeBack() {
        for (int i = 0; i < fresh.size(); i++) {
            final Fresh one = fresh.get(i);
            if (one.attached) {
                owner.withdraw(one.record);
            }
            final PendingUnmap giving = one.giving;
            if (giving != null) {
                giving.cancel();
            }
            final RecordKey key = one.key;
            if (key != null) {
                unclaim(key);
                registry.labels().remove(key);
            }
            if (one.isMine && one.record != 0) {
                core.giveBackUnseen(one.record);
            }
        }
        if (reserved) {
            core.retiredRecords().unreserve(retired());
        }
    }
}
