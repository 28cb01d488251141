// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Lease;
import io.holdfast.Pin;
import io.holdfast.ReadSection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Reads regions in every way there is, and looks at every word. */
final class Reader extends Worker {
    private static final int STALE_KEPT = 64;
    private static final int CHASED = 8;
    private static final int LEASES_KEPT = 8;
    private static final int CHANGES_WATCHED = 16;
    private static final int COLD_LINES = 1 << 20;
    private static final int LINE = 8;
    private static final int LINGER = 2_000;
    private static final int COLD_STORES = 8;
    private static final long NOTHING_THERE_NS = 20_000;
    private static final int RARELY = 1 << 14;
    private static final long LEAVING_NS = 500_000;
    private static final long KEPT_NS = 4_000_000;

    // Benign race: what is in it matters to nobody.
    private static final long[] COLD = new long[COLD_LINES * LINE];

    private final boolean virtual;
    private final @Nullable Life[] stale = new Life[STALE_KEPT];
    private final @Nullable Leased[] leases = new Leased[LEASES_KEPT];
    private final MemorySegment copy = MemorySegment.ofArray(new long[Writer.LARGEST / Long.BYTES]);

    /** A lease, and what was filled when it was taken. */
    private record Leased(Life life, long filled, Lease lease) {
    }

    Reader(final World world, final SplittableRandom random, final String name, final boolean virtual) {
        super(world, random, name);
        this.virtual = virtual;
    }

    boolean isVirtual() {
        return virtual;
    }

    /** A life of now, often one of a few that everybody wants; sometimes one that may be long gone. */
    private @Nullable Life choose() {
        if (random().nextInt(16) == 0) {
            return stale[random().nextInt(STALE_KEPT)];
        }
        final int slots = world().slots();
        final Life life = world().look(random().nextInt(random().nextBoolean() ? Math.min(CHASED, slots) : slots));
        if (life != null && random().nextInt(8) == 0) {
            stale[random().nextInt(STALE_KEPT)] = life;
        }
        return life;
    }

    @Override
    void step() {
        final Life life = choose();
        if (life == null) {
            LockSupport.parkNanos(NOTHING_THERE_NS);
            return;
        }
        if (random().nextInt(RARELY) == 0) {
            dieHolding(life);
            return;
        }
        if (world().settings().locksOnly()) {
            readLocked(life);
            return;
        }
        switch (random().nextInt(virtual ? 24 : 32)) {
            case 0 -> holdAndHandOn(life);
            case 1, 2 -> guardAndHandOn(life);
            case 21 -> useWrongStamps(life);
            case 23 -> nested(life);
            case 3 -> writeShared(life);
            case 4 -> copyOut(life);
            case 5 -> readHelped(life);
            case 6 -> lookAround(life);
            case 7, 8, 9, 10, 11 -> stamped(life);
            case 12, 13, 14, 15, 16 -> pinned(life);
            case 22 -> watchChanges();
            case 24, 25 -> leased(life);
            case 17, 18, 19, 20 -> optimistic(life);
            default -> guarded(life);
        }
        if (virtual) {
            world().count(Event.VIRTUAL_READ);
            if (random().nextInt(4) == 0) {
                LockSupport.parkNanos(1); // comes back on another carrier, perhaps
            }
        }
    }

    /** Looks up what changes its shape at this moment: a lookup must find it, or what came out of it, throughout. */
    private void watchChanges() {
        for (int i = 0; i < CHANGES_WATCHED; i++) {
            final Life life = world().changing();
            if (life != null) {
                pinned(life);
            }
        }
    }

    private void readLocked(final Life life) {
        switch (random().nextInt(8)) {
            case 0 -> optimistic(life);
            case 1 -> nested(life);
            case 2, 3, 4 -> stamped(life);
            default -> guarded(life);
        }
    }

    /** Stores that miss the cache, and behind which the announcement waits that follows. */
    private void keepStoresWaiting() {
        if (random().nextInt(2) == 0) {
            for (int i = 0; i < COLD_STORES; i++) {
                COLD[random().nextInt(COLD_LINES) * LINE] = i;
            }
        }
    }

    private void check(final Life life, final MemorySegment bytes, final long filled, final String how) {
        final long wrong = Pattern.wrong(bytes, filled, life.generation(), life.isUniform());
        if (wrong != 0) {
            throw new Failure("wrong word in a read " + how + ": word=0x" + Long.toHexString(wrong) + ", now=" +
                Pattern.describe(bytes) + ", checked=" + filled + ", " + life);
        }
    }

    private void refused(final Refusal refusal, final Event event) {
        world().count(event);
        if (refusal == Refusal.MOVED) {
            world().count(Event.MOVED_MET);
        }
    }

    /** Another thread takes a lock, and ends with it. */
    private void dieHolding(final Life life) {
        doing("the death of an owner");
        final boolean exclusively = random().nextInt(4) == 0;
        world().count(Event.OWNER_DIED); // before it may be found
        final Thread.Builder builder = random().nextBoolean() ? Thread.ofVirtual() : Thread.ofPlatform();
        final Thread owner = builder.name("dying").start(() -> {
            final long stamp = exclusively ? life.region().tryLockExclusive() : life.region().tryLockShared();
            if (stamp > 0 && !life.region().isMapped()) {
                throw new Failure("locked, and not mapped: " + life);
            }
        });
        boolean interrupted = false;
        while (owner.isAlive()) {
            try {
                owner.join();
            } catch (final InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** A stamp ends one lock, once, and no other region's. */
    private void useWrongStamps(final Life life) {
        final Life other = choose();
        doing("wrong stamps");
        final long stamp = life.region().tryLockShared();
        if (stamp <= 0) {
            refused(Refusal.of(stamp), Event.STAMP_REFUSED);
            return;
        }
        if (other != null && !other.region().equals(life.region())) {
            mustRefuse(other.region(), stamp);
        }
        life.region().unlockShared(stamp);
        mustRefuse(life.region(), stamp);
        world().count(Event.WRONG_STAMP_REFUSED);
    }

    private static void mustRefuse(final Region region, final long stamp) {
        try {
            region.unlockShared(stamp);
        } catch (final IllegalMonitorStateException e) {
            return;
        }
        throw new Failure("a stamp ended a lock that is not its own: stamp=0x" + Long.toHexString(stamp) + ", " + region);
    }

    /** A guard: asked for, or waited for. */
    private @Nullable Guard guard(final Life life) {
        if (random().nextInt(4) == 0) {
            doing("share");
            try {
                return life.region().share();
            } catch (final RegionException e) {
                return gone(e);
            }
        }
        doing("tryShare");
        keepStoresWaiting();
        final Guard guard = life.region().tryShare();
        if (!guard.isHeld()) {
            refused(guard.refusal(), Event.GUARD_REFUSED);
            return null;
        }
        return guard;
    }

    private @Nullable Guard gone(final RegionException e) {
        final Refusal refusal = e.refusal();
        if (refusal != Refusal.DETACHED && refusal != Refusal.MOVED) {
            throw e;
        }
        refused(refusal, Event.GUARD_REFUSED);
        return null;
    }

    private void guarded(final Life life) {
        final long filled = life.filled();
        try (Guard guard = guard(life)) {
            if (guard != null) {
                check(life, guard.segment(), filled, "under a guard");
                world().sawAge(World.Shelter.GUARD, life);
                world().count(Event.GUARD_READ);
            }
        }
    }

    private void nested(final Life life) {
        final Life other = choose();
        if (other == null) {
            return;
        }
        doing("nested tryShare");
        final long filled = life.filled();
        final long otherFilled = other.filled();
        final Guard first = life.region().tryShare();
        try (Guard second = other.region().tryShare()) {
            try (first) { // ends before the second, so that a further hazard of the thread is the only one in use
                if (first.isHeld() && second.isHeld()) {
                    check(life, first.segment(), filled, "under the first of two guards");
                    world().sawAge(World.Shelter.GUARD, life);
                    world().count(Event.NESTED_GUARDS);
                }
            }
            if (second.isHeld()) {
                check(other, second.segment(), otherFilled, "under the second of two guards");
                world().sawAge(World.Shelter.GUARD, other);
            }
        }
    }

    /** Writes the words that are there: nobody sees a difference, unless it hits somebody else's. */
    private void writeShared(final Life life) {
        if (!life.region().isWritable() || life.filled() < Long.BYTES) {
            return;
        }
        doing("tryShareWritable");
        final long filled = life.filled();
        try (Guard guard = life.region().tryShareWritable()) {
            if (guard.isHeld()) {
                final MemorySegment bytes = guard.segment();
                final long words = Math.min(filled, bytes.byteSize()) / Long.BYTES;
                final long at = random().nextLong(words) * Long.BYTES;
                bytes.set(ValueLayout.JAVA_LONG, at, bytes.get(ValueLayout.JAVA_LONG, at));
                check(life, bytes, filled, "after a write under a shared guard");
                world().count(Event.SHARED_WRITE);
            }
        }
    }

    private void stamped(final Life life) {
        doing("lockShared");
        final long filled = life.filled();
        final Region region = life.region();
        keepStoresWaiting();
        final long stamp = region.tryLockShared();
        if (stamp <= 0) {
            refused(Refusal.of(stamp), Event.STAMP_REFUSED);
            return;
        }
        try {
            check(life, region.optimisticSegment(), filled, "under a stamp");
            world().sawAge(World.Shelter.STAMP, life);
        } finally {
            region.unlockShared(stamp);
        }
        world().count(Event.STAMP_READ);
    }

    /** Reads as a store does, often through a lease that it has had for long: the right generation, or a refusal. */
    private void leased(final Life life) {
        doing("lease");
        final int kept = random().nextInt(LEASES_KEPT);
        Leased leased = leases[kept];
        try {
            if (leased == null || random().nextInt(16) == 0) {
                if (leased != null) {
                    leased.lease.close();
                }
                leased = new Leased(life, life.filled(), life.region().lease());
                leases[kept] = leased;
            }
            readThrough(leased);
        } catch (final RegionException e) {
            leases[kept] = null;
            gone(e);
            world().count(Event.LEASE_REFUSED);
        }
    }

    private void readThrough(final Leased leased) {
        final long words = leased.filled / Long.BYTES;
        if (words == 0) {
            return;
        }
        final boolean gone = !leased.lease.isCurrent();
        for (long at = 0; at < words; at++) {
            checkWord(leased, leased.lease.getLong(at * Long.BYTES));
        }
        world().count(Event.LEASE_READ);
        if (gone) {
            world().count(Event.LEASE_OUTLIVED_UNMAP);
        } else if (random().nextInt(4) == 0) {
            leased.lease.getBytes(0, copy, 0, Math.min(leased.filled & -Long.BYTES, copy.byteSize()));
            for (long at = 0; at < Math.min(words, copy.byteSize() / Long.BYTES); at++) {
                checkWord(leased, copy.getAtIndex(ValueLayout.JAVA_LONG, at));
            }
            world().count(Event.LEASE_COPY);
        }
    }

    private static void checkWord(final Leased leased, final long word) {
        if (word / Pattern.VERSIONS != leased.life.generation()) {
            throw new Failure("wrong word in a read through a lease: word=0x" + Long.toHexString(word) + ", " +
                leased.life);
        }
    }

    private void holdAndHandOn(final Life life) {
        doing("hold");
        try {
            handOn(new World.Handed(life, life.region().hold(), Event.HOLD_HANDED_ON));
        } catch (final RegionException e) {
            if (e.refusal() == null) {
                throw e;
            }
        }
    }

    private void guardAndHandOn(final Life life) {
        doing("toHold");
        final long filled = life.filled();
        final Hold hold;
        try (Guard guard = life.region().tryShare()) {
            if (!guard.isHeld()) {
                return;
            }
            check(life, guard.segment(), filled, "under a guard that becomes a hold");
            awaitUnmap(life);
            hold = guard.toHold();
        }
        if (!life.region().isMapped()) { // until an unmap is over that does not wait for it
            LockSupport.parkNanos(random().nextLong(KEPT_NS));
        }
        handOn(new World.Handed(life, hold, Event.GUARD_HANDED_ON));
    }

    /** A guard becomes a hold while an unmap waits for it, if one is going to come. */
    private void awaitUnmap(final Life life) {
        if (life.isLeaving() || random().nextInt(16) == 0) {
            final long end = System.nanoTime() + random().nextLong(LEAVING_NS);
            while (life.region().isMapped() && System.nanoTime() < end) {
                Thread.onSpinWait();
            }
        }
    }

    private void handOn(final World.Handed handed) {
        if (!world().handed().offer(handed)) {
            handed.hold().close();
        }
    }

    /** Finds a region by address; it must be there from before its mapping was known to until its unmap is begun. */
    private void pinned(final Life life) {
        final Region region = life.region();
        final long filled = life.filled();
        final boolean certain = !life.isLeaving() && world().isOpen(life.era());
        doing("pin");
        try (Pin pin = region.space().pin()) {
            final Region found = pin.find(region.address());
            if (found == null || !found.equals(region)) {
                world().count(Event.PIN_MISSED);
                if (certain && found == null && !life.isLeaving() && world().isOpen(life.era())) {
                    throw new Failure("a lookup found nothing where a region stands before and after: " + life);
                }
                return;
            }
            for (int i = random().nextInt(3); i >= 0; i--) {
                final long wrong = Pattern.wrong(found.optimisticSegment(), filled, life.generation(), false);
                if (wrong != 0) {
                    throw new Failure("wrong word in a read under a pin: word=0x" + Long.toHexString(wrong) + ", " +
                        life);
                }
            }
            world().sawAge(World.Shelter.PIN, life);
            world().count(found.isMapped() ? Event.PIN_READ : Event.PIN_OUTLIVED_UNMAP);
        } catch (final IllegalStateException e) {
            closed(life, e);
        }
    }

    private void closed(final Life life, final IllegalStateException e) {
        if (life.region().space().isOpen()) {
            throw e;
        }
        world().count(Event.CLOSE_MET);
    }

    private void optimistic(final Life life) {
        doing("optimistic read");
        final Region region = life.region();
        final long filled = life.filled();
        final long stamp = region.tryOptimisticRead();
        final MemorySegment bytes = region.optimisticSegment();
        final long wrong = Pattern.wrong(bytes, filled, life.generation(), life.isUniform());
        if (!region.validate(stamp)) {
            world().count(wrong == 0 ? Event.OPTIMISTIC_FAILED : Event.STALE_BYTES);
        } else if (wrong != 0) {
            throw new Failure("wrong word in an optimistic read that validated: word=0x" + Long.toHexString(wrong) +
                ", now=" + Pattern.describe(bytes) + ", checked=" + filled + ", " + life);
        } else {
            world().count(Event.OPTIMISTIC_READ);
        }
    }

    private void readHelped(final Life life) {
        doing("read");
        final long filled = life.filled();
        try {
            final long wrong = life.region().read(random().nextInt(3),
                bytes -> Pattern.wrong(bytes, filled, life.generation(), life.isUniform()));
            if (wrong != 0) {
                throw new Failure("wrong word in a helped read: word=0x" + Long.toHexString(wrong) + ", " + life);
            }
            world().count(Event.HELPED_READ);
        } catch (final RegionException e) {
            gone(e);
        }
    }

    private void copyOut(final Life life) {
        doing("copyOut");
        final long bytes = Math.min(life.filled(), Writer.LARGEST);
        try {
            life.region().copyOut(0, copy, 0, bytes);
            check(life, copy.asSlice(0, bytes), bytes, "by a checked copy");
            world().count(Event.CHECKED_COPY);
        } catch (final RegionException e) {
            gone(e);
        }
    }

    private void lookAround(final Life life) {
        if (random().nextInt(8) != 0) {
            return;
        }
        if (random().nextBoolean()) {
            list(life);
        } else {
            readSection(life);
        }
    }

    /** Within a read section an address shows the same region, or none, all the time. */
    private void readSection(final Life life) {
        doing("read section");
        final long address = life.region().address();
        final long start = address & -Writer.PAGE;
        try (ReadSection section = life.region().space().tryRead(start, start + Writer.PAGE)) {
            if (section == null) {
                return;
            }
            final Region before = find(life, address);
            for (int i = random().nextInt(LINGER); i > 0; i--) {
                Thread.onSpinWait();
            }
            final Region after = find(life, address);
            if (!Objects.equals(before, after)) {
                throw new Failure("a region changed under a read section: before=" + before + ", after=" + after);
            }
            world().count(Event.READ_SECTION);
        } catch (final IllegalStateException e) {
            closed(life, e);
        }
    }

    private static @Nullable Region find(final Life life, final long address) {
        try (Pin pin = life.region().space().pin()) {
            return pin.find(address);
        }
    }

    /** Lists all regions: one that stands before and after is in the list, and none is over its neighbour. */
    private void list(final Life life) {
        doing("maps");
        final boolean certain = !life.isLeaving() && world().isOpen(life.era());
        final List<RegionInfo> infos;
        try {
            infos = life.region().space().maps();
        } catch (final IllegalStateException e) {
            closed(life, e);
            return;
        }
        final long address = life.region().address();
        if (certain && infos.stream().noneMatch(info -> info.address() <= address &&
            address < info.address() + info.size()) && !life.isLeaving() && world().isOpen(life.era())) {
            throw new Failure("a listing lacks a region that stands before and after: " + life + " in " + infos);
        }
        world().count(Event.LISTED);
    }
}
