// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.AddressSpace;
import io.holdfast.Advice;
import io.holdfast.Guard;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** Maps regions, writes them under every kind of exclusive lock, unmaps them; leaves their shape to {@link Shaper}. */
final class Writer extends Worker {
    /** Bytes of a page. */
    static final long PAGE = 4096;
    /** Bytes of the largest region. */
    static final int LARGEST = 8 * (int) PAGE;
    private static final long SHORT_NS = 60_000;
    private static final int CALLBACKS = 64;

    private final Mapper mapper;
    private final Shaper shaper;
    private final Sectioner sectioner;
    private int era;

    Writer(final World world, final SplittableRandom random, final String name) {
        super(world, random, name);
        this.mapper = new Mapper(world, random);
        this.shaper = new Shaper(this, world, random);
        this.sectioner = new Sectioner(this, world, random);
    }

    @Override
    void step() {
        era = world().stage().era();
        try {
            act();
        } catch (final IllegalStateException e) {
            if (world().isOpen(era)) {
                throw e;
            }
            awaitNextSpace();
        }
    }

    private void awaitNextSpace() {
        world().count(Event.CLOSE_MET);
        while (world().stage().era() == era && world().goesOn()) {
            LockSupport.parkNanos(10_000);
        }
    }

    private void act() {
        final int slot = random().nextInt(world().slots());
        if (world().settings().locksOnly()) {
            final Life life = world().look(slot);
            if (life == null) {
                show(slot, mapper.map());
            } else {
                write(life);
            }
            return;
        }
        if (random().nextInt(512) == 0) {
            doing("trim");
            world().stage().space().trim();
            world().count(Event.SPACE_TRIMMED);
        }
        final int choice = random().nextInt(32);
        if (choice < 8) {
            doing("map");
            show(slot, mapper.map());
        } else if (choice < 18) {
            write(world().look(slot));
        } else if (choice < 19) {
            touchPages(world().look(slot));
        } else {
            final Life life = world().take(slot);
            if (life != null && isOfThisSpace(life)) {
                if (random().nextInt(4) == 0) {
                    sectioner.change(life, slot);
                } else {
                    shaper.change(life, slot);
                }
            }
        }
    }

    // -------------------------------------------------------------------------------------------------- unmap

    /** Whether no close has ended a life already. */
    private boolean isOfThisSpace(final Life life) {
        return life.era() == era;
    }

    /** Puts a life where readers find it, and ends the one that was there. */
    void show(final int slot, final Life life) {
        dispose(world().put(slot, life));
    }

    /** Ends a life that is nobody else's. */
    void dispose(final @Nullable Life life) {
        if (life == null || !isOfThisSpace(life)) {
            return;
        }
        life.leave();
        final Region region = life.region();
        switch (random().nextInt(8)) {
            case 0, 1 -> unmapLater(life);
            case 2 -> unmapForSomeTime(life);
            case 3 -> {
                unmapLater(life);
                unmapAgain(region);
            }
            default -> unmap(life);
        }
    }

    private void unmap(final Life life) {
        doing("unmap");
        life.region().unmap();
        life.end();
        world().count(Event.UNMAPPED);
    }

    private void unmapLater(final Life life) {
        doing("unmapAsync");
        final boolean waits = random().nextInt(CALLBACKS) == 0;
        life.region().unmapAsync().thenRun(() -> {
            life.end();
            world().count(Event.UNMAPPED_LATER);
            if (waits) {
                waitForAnother(life.region().space());
            }
        });
    }

    /** In a callback, which must not keep others from being unmapped. */
    private void waitForAnother(final AddressSpace space) {
        try {
            space.map(PAGE).unmapAsync().toCompletableFuture().join();
            world().count(Event.CALLBACK_WAITED);
        } catch (final IllegalStateException e) {
            if (space.isOpen()) {
                world().fail(e);
            }
        } catch (final Throwable e) {
            world().fail(e);
        }
    }

    private void unmapAgain(final Region region) {
        doing("second unmap");
        try {
            region.unmap();
            throw new Failure("a region was unmapped twice: " + region);
        } catch (final RegionException e) {
            if (e.refusal() != Refusal.DETACHED) {
                throw e;
            }
            world().count(Event.UNMAP_REFUSED);
        }
    }

    private void unmapForSomeTime(final Life life) {
        doing("timed unmap");
        try {
            if (life.region().unmap(random().nextLong(SHORT_NS), TimeUnit.NANOSECONDS)) {
                life.end();
                world().count(Event.UNMAPPED);
            } else if (life.region().isMapped()) {
                unmap(life); // another writer had it all the time
            } else {
                world().count(Event.UNMAP_GAVE_UP);
            }
        } catch (final InterruptedException e) {
            throw new Failure("interrupted by nobody: " + e);
        }
    }

    // -------------------------------------------------------------------------------------------------- write

    private void write(final @Nullable Life life) {
        if (life == null) {
            return;
        }
        try {
            switch (random().nextInt(8)) {
                case 0, 1 -> upgrade(life);
                case 2, 3 -> tryExclusive(life);
                case 4, 5 -> writeIfInTime(life);
                default -> {
                    doing("exclusive");
                    try (Guard guard = life.region().exclusive()) {
                        rewrite(life, guard);
                    }
                }
            }
        } catch (final RegionException e) {
            if (e.refusal() != Refusal.DETACHED && e.refusal() != Refusal.MOVED) {
                throw e;
            }
        }
    }

    /** Writes a version, and sees nobody else's word meanwhile. */
    void rewrite(final Life life, final Guard guard) {
        doing("rewrite");
        final long size = guard.segment().byteSize();
        if (guard.segment().isReadOnly()) {
            check(life, guard, life.filled(), life.isUniform());
        } else {
            Pattern.fill(guard.segment(), Pattern.word(life.generation(), random().nextInt(Pattern.VERSIONS)));
            check(life, guard, size, true);
            life.filled(size / Long.BYTES * Long.BYTES);
        }
        world().count(Event.REWRITTEN);
    }

    private static void check(final Life life, final Guard guard, final long bytes, final boolean uniform) {
        final long wrong = Pattern.wrong(guard.segment(), bytes, life.generation(), uniform);
        if (wrong != 0) {
            throw new Failure("wrong word under an exclusive guard: word=0x" + Long.toHexString(wrong) + ", now=" +
                Pattern.describe(guard.segment()) + ", " + life);
        }
    }

    private void tryExclusive(final Life life) {
        doing("tryExclusive");
        try (Guard guard = life.region().tryExclusive()) {
            if (guard.isHeld()) {
                rewrite(life, guard);
                world().count(Event.TRIED_EXCLUSIVE);
            } else {
                world().count(Event.EXCLUSIVE_REFUSED);
            }
        }
    }

    private void writeIfInTime(final Life life) {
        doing("timed exclusive");
        try (Guard guard = life.region().exclusive(random().nextLong(SHORT_NS), TimeUnit.NANOSECONDS)) {
            rewrite(life, guard);
        } catch (final TimeoutException e) {
            world().count(Event.EXCLUSIVE_GAVE_UP);
        } catch (final InterruptedException e) {
            throw new Failure("interrupted by nobody: " + e);
        }
    }

    private void upgrade(final Life life) {
        doing("upgrade");
        try (Guard guard = life.region().tryShare()) {
            if (!guard.isHeld()) {
                return;
            }
            if (!guard.tryUpgrade()) {
                world().count(Event.UPGRADE_REFUSED);
                return;
            }
            rewrite(life, guard);
            world().count(Event.UPGRADED);
            if (random().nextBoolean()) {
                final long filled = life.filled();
                guard.downgrade();
                check(life, guard, filled, life.isUniform());
                world().count(Event.DOWNGRADED);
            }
        }
    }

    // -------------------------------------------------------------------------------------------------- pages

    private void touchPages(final @Nullable Life life) {
        if (life == null) {
            return;
        }
        doing("pages");
        final Region region = life.region();
        try {
            switch (random().nextInt(4)) {
                case 0 -> region.force();
                case 1 -> region.advise(Advice.WILL_NEED);
                case 2 -> region.populate();
                default -> {
                    if (region.residentBytes() < 0) {
                        throw new Failure("fewer resident bytes than none: " + life);
                    }
                }
            }
            world().count(Event.PAGES_TOUCHED);
        } catch (final RegionException e) {
            if (e.refusal() != Refusal.DETACHED && e.refusal() != Refusal.MOVED) {
                throw e;
            }
        }
    }
}
