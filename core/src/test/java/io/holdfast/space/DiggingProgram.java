// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.util.concurrent.TimeUnit.DAYS;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Region;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Digs to the end of the stack by recursion and takes and ends locks of every kind there, at each depth on the way up, so
 * that the stack overflows at every call on the way: {@code warmUps levels offsets where...}. Prints what each kind left
 * behind; ends with 1 if one left anything, or if the stack never overflowed for it, or always did.
 *
 * <p>Most take and end in the same frame; those that are named {@code end of} take before they dig, and try to end
 * again, one level further up, where that overflowed.
 *
 * <ul>
 * <li>{@code warmUps}: how often each is done in each thread before it digs, so that all is linked, or compiled;
 * <li>{@code levels}: in how many frames from the deepest one on, more than what a kind needs;
 * <li>{@code offsets}: how often it digs, from a stack that is a word further down each time;
 * <li>{@code where}: {@code platform}, {@code virtual}, or a platform thread that holds a lock (nested) or all that its
 * slot has room for (chained).
 * </ul>
 */
final class DiggingProgram {
    private static final int STACK_BYTES = 256 << 10;

    private final AddressSpace space;
    private final int warmUps;
    private final int levels;
    private final int offsets;
    private final List<Kind> kinds = new ArrayList<>();
    private Region region;
    private Kind kind;
    private long stamp;
    private AutoCloseable held;
    private long overflows;
    private long completions;

    /** Work that is done in the depth. */
    private interface Action {
        void run() throws Exception;
    }

    /** What is done with a lock while it is held. */
    private interface Use {
        void of(AutoCloseable held) throws Exception;
    }

    private record Kind(String name, Action above, Action below) {
    }

    private DiggingProgram(final AddressSpace space, final int warmUps, final int levels, final int offsets) {
        this.space = space;
        this.warmUps = warmUps;
        this.levels = levels;
        this.offsets = offsets;
        this.region = space.map(Long.BYTES);
        addStamp("tryLockShared", () -> stamp = region.tryLockShared(), () -> region.unlockShared(stamp));
        addStamp("lockShared", () -> stamp = region.lockShared(), () -> region.unlockShared(stamp));
        addStamp("lockShared timed", () -> stamp = region.lockShared(1, DAYS), () -> region.unlockShared(stamp));
        addStamp("tryLockCounted", () -> stamp = region.tryLockCounted(), () -> region.unlockCounted(stamp));
        addStamp("lockCounted", () -> stamp = region.lockCounted(), () -> region.unlockCounted(stamp));
        addStamp("lockCounted timed", () -> stamp = region.lockCounted(1, DAYS), () -> region.unlockCounted(stamp));
        addStamp("tryLockExclusive", () -> stamp = region.tryLockExclusive(), () -> region.unlockExclusive(stamp));
        addStamp("lockExclusive", () -> stamp = region.lockExclusive(), () -> region.unlockExclusive(stamp));
        addStamp("lockExclusive timed", () -> stamp = region.lockExclusive(1, DAYS), () -> region.unlockExclusive(stamp));
        addClosing("tryShare", () -> region.tryShare());
        addClosing("share", () -> region.share());
        addClosing("share timed", () -> region.share(1, DAYS));
        addClosing("tryShareWritable", () -> region.tryShareWritable());
        addClosing("shareWritable", () -> region.shareWritable());
        addClosing("shareWritable timed", () -> region.shareWritable(1, DAYS));
        addClosing("tryExclusive", () -> region.tryExclusive());
        addClosing("exclusive", () -> region.exclusive());
        addClosing("exclusive timed", () -> region.exclusive(1, DAYS));
        addClosing("tryHold", () -> region.tryHold());
        addClosing("hold", () -> region.hold());
        addClosing("hold timed", () -> region.hold(1, DAYS));
        addClosing("pin", () -> this.space.pin());
        addUse("downgrade", () -> region.exclusive(), guard -> ((Guard) guard).downgrade());
        addUse("tryUpgrade", () -> region.share(), guard -> ((Guard) guard).tryUpgrade());
        addUse("toHold", () -> region.share(), guard -> closed(((Guard) guard).toHold()));
        addUse("view", () -> region.hold(), hold -> closed(((Hold) hold).view()));
        add("read without attempts", () -> region.read(0, MemorySegment::byteSize));
        add("read", () -> region.read(1, MemorySegment::byteSize));
    }

    private static void closed(final AutoCloseable closeable) throws Exception {
        closeable.close();
    }

    private void add(final String name, final Action below) {
        kinds.add(new Kind(name, () -> { }, below));
    }

    private void addStamp(final String name, final Action lock, final Action unlock) {
        add(name, () -> {
            lock.run();
            unlock.run();
            stamp = 0;
        });
        kinds.add(new Kind("end of " + name, lock, () -> {
            if (stamp != 0) {
                unlock.run();
                stamp = 0;
            }
        }));
    }

    private void addClosing(final String name, final Callable<? extends AutoCloseable> lock) {
        addUse(name, lock, guard -> { });
        kinds.add(new Kind("end of " + name, () -> held = lock.call(), () -> {
            if (held != null) {
                held.close();
                held = null;
            }
        }));
    }

    private void addUse(final String name, final Callable<? extends AutoCloseable> lock, final Use use) {
        add(name, () -> {
            try (AutoCloseable guard = lock.call()) {
                use.of(guard);
            }
        });
    }

    public static void main(final String[] args) throws Exception {
        boolean failed = false;
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).open()) {
            final DiggingProgram program = new DiggingProgram(space, Integer.parseInt(args[0]), Integer.parseInt(args[1]),
                Integer.parseInt(args[2]));
            for (int i = 3; i < args.length; i++) {
                for (final Kind kind : program.kinds) {
                    failed |= !program.digAll(args[i], kind);
                }
            }
            System.out.println("done");
            Runtime.getRuntime().halt(failed ? 1 : 0); // what is left would hold up the close
        }
    }

    private boolean digAll(final String where, final Kind one) throws InterruptedException {
        kind = one;
        overflows = 0;
        completions = 0;
        Throwable last = null;
        for (int offset = 0; offset < offsets; offset++) {
            final Throwable failure = digOnce(where, offset);
            if (failure != null) {
                last = failure;
                region = space.map(Long.BYTES); // and let the old one be
            }
        }
        if (last == null && overflows > 0 && completions > 0) {
            return true;
        }
        System.out.println(where + ", " + one.name + ": overflows=" + overflows + ", completions=" + completions +
            ", left=" + last);
        return false;
    }

    private Throwable digOnce(final String where, final int offset) throws InterruptedException {
        final AtomicReference<Throwable> failure = new AtomicReference<>();
        final Runnable body = () -> {
            try {
                inside(where, offset);
            } catch (final Throwable e) {
                failure.set(e);
            }
        };
        final Thread thread = where.equals("virtual") ? Thread.ofVirtual().unstarted(body)
            : new Thread(null, body, "digger", STACK_BYTES);
        thread.start();
        thread.join();
        return failure.get();
    }

    private void inside(final String where, final int offset) throws Exception {
        final int others = where.equals("nested") ? 1 : where.equals("chained") ? 6 : 0;
        final Region other = space.map(Long.BYTES);
        final long[] stamps = new long[others];
        for (int i = 0; i < others; i++) {
            stamps[i] = other.lockShared();
        }
        stamp = 0;
        held = null;
        for (int i = 0; i < warmUps; i++) {
            kind.above.run();
            kind.below.run();
        }
        check("before");
        kind.above.run();
        pad(offset);
        if (kind.name.startsWith("end of") && (stamp != 0 || held != null)) {
            throw new AssertionError("not ended at any depth");
        }
        check("after");
        for (final long stamp : stamps) {
            other.unlockShared(stamp);
        }
        if (Inside.inside(space).core().domain().announcesAnything()) {
            throw new AssertionError("something is announced in the thread's slots");
        }
    }

    private void check(final String when) {
        final long record = Inside.inside(region).record();
        final EpochDomain domain = Inside.inside(space).core().domain();
        final boolean announced = domain.isAnnounced(record, 0);
        if (RecordLayout.lockVolatile(record) != RecordLayout.ATTACHED || region.tryOptimisticRead() == 0 || announced ||
            domain.isPinned() || domain.isWriter()) {
            throw new AssertionError(when + ": " + region + ", announced=" + announced + ", pinned=" + domain.isPinned() +
                ", writer=" + domain.isWriter());
        }
    }

    /** Digs from a stack that is some words further down. */
    private void pad(final int words) {
        if (words == 0) {
            dig(0);
        } else {
            padMore(words - 1, 0);
        }
    }

    // One local variable more than pad has, and no other difference.
    private void padMore(final int words, final long ignored) {
        if (words == 0) {
            dig(0);
        } else {
            padMore(words - 1, ignored);
        }
    }

    private int dig(final int depth) {
        int deepest = depth;
        try {
            if (depth < Integer.MAX_VALUE) {
                deepest = dig(depth + 1);
            }
        } catch (final StackOverflowError e) {
            deepest = depth;
        }
        if (deepest - depth < levels) {
            try {
                kind.below.run();
                completions++;
            } catch (final StackOverflowError e) {
                overflows++;
            } catch (final Exception e) {
                throw new IllegalStateException(e);
            }
        }
        return deepest;
    }
}
