// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.StripedCounter;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.RecordLayout;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.ObjLongConsumer;
import org.agrona.concurrent.NanoClock;
import org.jspecify.annotations.Nullable;

/**
 * The eras of a space, and whatever else shows pages of regions beyond all locks: who gives pages back asks here, after
 * the drain, whether anything still shows them.
 *
 * <p>Thread-safe. Nothing is closed, and nobody is waited for, under the lock.
 */
final class Eras {
    /*
     * States, ordering ([R1] to [R9]) and the argument why no read sees other bytes: docs/LOCKING.md, section 12.
     *
     * Leases look, with plain access, whether their era is over: an old answer costs a read that goes through an era which
     * has ended, and no more. It is written under the lock, after CURRENT.
     *
     * If a thread stops for ever in the close of an arena, that era is open for ever: who needs it closed waits, and all
     * others go on, since nothing else of it is under the lock.
     */
    private static final StackWalker NATIVE_CALLS = StackWalker.getInstance(StackWalker.Option.SHOW_HIDDEN_FRAMES);
    private static final String DOWNCALL = "jdk.internal.foreign.abi.DowncallStub";

    private final SpaceSettings settings;
    private final NanoClock clock;
    private final ObjLongConsumer<String> reports;
    private final BooleanSupplier hurry;
    private final Claims claims = new Claims();
    private final LiveLeases leases = new LiveLeases();
    private final CloseInterrupts interrupts = new CloseInterrupts();
    private final List<Era> open = new ArrayList<>(); // in order, the current one last; under this
    private final StripedCounter ended = new StripedCounter();
    private final StripedCounter waitingBytes = new StripedCounter();
    private boolean closedSince; // whether an era was closed since who waits for it was passed by; under this
    private volatile @Nullable Era current; // written under this
    private volatile @Nullable WriteBan bans; // written under this

    /**
     * For a new space.
     *
     * @param reports told what is waited for, and for how many nanoseconds
     * @param hurry   whether nobody is going to be waited for, because the space is being closed
     */
    Eras(final SpaceSettings settings, final NanoClock clock, final ObjLongConsumer<String> reports,
         final BooleanSupplier hurry) {
        this.settings = settings;
        this.reports = reports;
        this.clock = clock;
        this.hurry = hurry;
    }

    // --------------------------------------------------------------------------------------------------- reading

    /** The era in which a lease is renewed [R1]; begins the first. */
    Era current() {
        final Era now = current;
        return now != null ? now : begin();
    }

    private synchronized Era begin() {
        final Era now = current;
        if (now != null) {
            return now;
        }
        final Era first = new Era(1);
        open.add(first);
        current = first;
        return first;
    }

    LiveLeases leases() {
        return leases;
    }

    CloseInterrupts interrupts() {
        return interrupts;
    }

    /** Notes that a region is leased; the caller holds its shared lock [R3]. */
    void lease(final long record) {
        claims.lease(RecordLayout.start(record), RecordLayout.limit(record), current().number());
    }

    /** The arena of a region's shared segment; the caller holds its shared lock. */
    Arena share(final long record, final long incarnation) {
        return claims.share(record, incarnation, RecordLayout.start(record), RecordLayout.limit(record));
    }

    // --------------------------------------------------------------------------------------------- giving back

    /** What may show the pages of one change: made before its point of no return, since nothing can be made after it. */
    static final class View {
        private @Nullable Era last;
        private boolean complete;
        private long first;
        private long bytes; // while they are counted

        /** Whether an era keeps the pages that needs no look now; to be asked behind {@link Eras#pass}. */
        boolean canBePassedBy() {
            final Era known = last;
            return complete && known != null && known.isPassed();
        }
    }

    /** Notes that pages were detached, and none of them has been given back [R2]. */
    void begin(final View view) {
        view.last = current;
    }

    /**
     * Waits until nothing shows addresses whose readers have left; false if the waiting gave up. A wait that is patient
     * ends the era at once; one that is not asks how things stand, and ends the era only when enough has come together.
     */
    boolean awaitUnseen(final View view, final long start, final long limit, final Waiting waiting) {
        if (!view.complete) {
            complete(view, start, limit);
        }
        boolean first = true;
        while (isSeen(view, start, limit, waiting.isPatient())) {
            if (first && waiting.isPatient()) {
                checkWaitsForOthers(start, limit);
                first = false;
            }
            if (!waiting.pause()) {
                return false;
            }
            if (waiting.reportDue()) {
                report(view, start, limit, waiting.elapsedNs());
            }
        }
        addBytes(view, 0);
        return true;
    }

    /**
     * Refuses to wait for a call on a shared segment in a thread that such a call, or another one, has called back. No
     * thread can be called back from inside an era, whose segments nobody has.
     */
    private void checkWaitsForOthers(final long start, final long limit) {
        if (claims.openSegments(start, limit) != 0 && NATIVE_CALLS.walk(frames ->
            frames.anyMatch(frame -> frame.getClassName().startsWith(DOWNCALL)))) {
            throw new IllegalMonitorStateException("unmap by a thread inside a native call, while a call uses the " +
                "region's shared segment, would wait for itself: space=" + settings.name() + ", start=0x" +
                Long.toHexString(start) + "; it goes on in the background, unmap from another thread");
        }
    }

    /** The same for pages that stay, before their file is cut. */
    void awaitUnseen(final long start, final long limit, final Waiting waiting) {
        final View view = new View();
        begin(view);
        try {
            awaitUnseen(view, start, limit, waiting);
        } finally {
            addBytes(view, 0);
        }
    }

    /** Pages from which the right to write is being taken, while they are in a list. */
    static final class WriteBan {
        private final long start;
        private final long limit;
        private @Nullable WriteBan next;

        WriteBan(final long start, final long limit) {
            this.start = start;
            this.limit = limit;
        }
    }

    /** Makes sure that no lease and no shared segment can write to some pages, until it is lifted [R6]. */
    void ban(final WriteBan ban, final Waiting waiting) {
        synchronized (this) {
            ban.next = bans;
            bans = ban;
        }
        awaitUnseen(ban.start, ban.limit, waiting);
    }

    /** Leases may write where they might before; does nothing if it was lifted already. */
    synchronized void lift(final WriteBan ban) {
        WriteBan before = null;
        WriteBan each = bans;
        while (each != null && each != ban) {
            before = each;
            each = each.next;
        }
        if (each == null) {
            return;
        }
        if (before == null) {
            bans = each.next;
        } else {
            before.next = each.next;
        }
    }

    /** Whether writes to any of the addresses are banned; to be asked after the era was loaded. */
    boolean isBanned(final long start, final long limit) {
        return bans != null && isAmongBanned(start, limit);
    }

    private synchronized boolean isAmongBanned(final long start, final long limit) {
        for (WriteBan each = bans; each != null; each = each.next) {
            if (each.start < limit && start < each.limit) {
                return true;
            }
        }
        return false;
    }

    private void complete(final View view, final long start, final long limit) {
        final Era last = view.last;
        if (last != null) {
            view.first = claims.firstEra(start, limit);
            if (view.first > last.number()) {
                view.last = null;
            } else {
                addBytes(view, limit - start);
                awaited(last);
            }
        }
        view.complete = true;
    }

    /** Does what can be done without waiting; whether the pages may still be shown. */
    private boolean isSeen(final View view, final long start, final long limit, final boolean urgent) {
        final boolean shared = !claims.closeSegments(start, limit);
        final Era last = view.last;
        if (last == null) {
            return shared;
        }
        if (last == current && (urgent || hurry.getAsBoolean() || isDue(last))) {
            end(last);
        }
        if (last != current) {
            closeDue();
        }
        return shared || isOpen(view.first, last.number());
    }

    private synchronized void awaited(final Era era) {
        era.awaited(clock.nanoTime());
    }

    private synchronized boolean isDue(final Era era) {
        return era.isAwaitedFor(clock.nanoTime(), settings.eraNs()) || era.bytes() >= settings.eraBytes();
    }

    /**
     * Notes which eras those can pass by who wait for one: where neither its end nor its close is due, nor a report of the
     * wait. So a round of the reclaimer looks at none of them, of whom there may be thousands.
     */
    synchronized void pass() {
        final long now = clock.nanoTime();
        closedSince = false;
        for (final Era era : open) {
            era.pass(lookNs(era, now) > 0);
        }
    }

    /** For how many nanoseconds nobody need look who was passed by; 0 or less if that may be now, or nobody was. */
    synchronized long passedNs() {
        final long now = clock.nanoTime();
        long ns = Long.MAX_VALUE;
        for (final Era era : open) {
            if (era.isPassed()) {
                ns = Math.min(ns, lookNs(era, now));
            }
        }
        return closedSince || ns == Long.MAX_VALUE ? 0 : ns;
    }

    /** In how many nanoseconds somebody has to look at an era; under the lock. */
    private long lookNs(final Era era, final long now) {
        if (hurry.getAsBoolean()) {
            return 0;
        }
        final long reportNs = era.isAwaited() ? era.awaitedNs() - now + settings.reportAfterNs() : Long.MAX_VALUE;
        if (era.endedNs() != Era.NEVER) {
            return Math.min(reportNs, era.dueNs() - now);
        }
        return era.bytes() >= settings.eraBytes() ? 0
            : era.isAwaited() ? Math.min(reportNs, era.awaitedNs() - now + settings.eraNs()) : Long.MAX_VALUE;
    }

    private void addBytes(final View view, final long bytes) {
        final Era last = view.last;
        if (last != null) {
            final long delta = bytes - view.bytes;
            view.bytes = bytes;
            waitingBytes.add(delta);
            synchronized (this) {
                last.addBytes(delta);
            }
        }
    }

    /** Nothing shows these addresses any more. */
    void forget(final long start, final long limit) {
        claims.forget(start, limit);
    }

    // ------------------------------------------------------------------------------------------------- the end

    private synchronized boolean isOpen(final long first, final long last) {
        for (final Era era : open) {
            if (era.number() >= first && era.number() <= last) {
                return true;
            }
        }
        return false;
    }

    /** Ends an era if it is still the current one; does nothing where there is no heap for the next one. */
    private void end(final Era era) {
        if (swap(era)) {
            leases.renew(); // who goes on here reads on in the next era without finding out
        }
    }

    private synchronized boolean swap(final Era era) {
        if (era != current) {
            return false;
        }
        final Era next;
        try {
            next = new Era(era.number() + 1);
            open.add(next);
        } catch (final OutOfMemoryError e) {
            return false;
        }
        current = next;
        era.end(clock.nanoTime(), settings.eraDelayNs());
        ended.add(1);
        return true;
    }

    /** Tries each era once whose delay is over. */
    private void closeDue() {
        Era due = nextDue(0);
        while (due != null) {
            boolean closed = false;
            try {
                interrupts.beforeClose();
                closed = due.close();
                interrupts.afterClose();
            } finally {
                closed(due, closed);
            }
            due = nextDue(due.number());
        }
    }

    private synchronized @Nullable Era nextDue(final long after) {
        final long now = clock.nanoTime();
        for (final Era era : open) {
            if (era.number() > after && era.beginClose(now)) {
                return era;
            }
        }
        return null;
    }

    private synchronized void closed(final Era era, final boolean closed) {
        if (closed) {
            open.remove(era); // [R5]
            era.pass(false);
            closedSince = true;
        } else {
            era.postpone(clock.nanoTime(), settings.eraDelayNs());
        }
    }

    // ------------------------------------------------------------------------------------------------ statistics

    /** Eras that have ended. */
    long ended() {
        return ended.sum();
    }

    /** Eras that have ended and are not closed. */
    synchronized int unclosed() {
        return Math.max(open.size() - 1, 0);
    }

    /** Address range of drained unmaps that wait for an era, in bytes. */
    long waitingBytes() {
        return waitingBytes.sum();
    }

    /** Reports a wait for eras or calls on shared segments; nobody can say which threads are inside. */
    void report(final View view, final long start, final long limit, final long elapsedNs) {
        reports.accept("pages that may still be read: start=0x" + Long.toHexString(start) + ", length=" + (limit - start) +
            describe(view) + ", shared segments in use=" + claims.openSegments(start, limit), elapsedNs);
    }

    private synchronized String describe(final View view) {
        final StringBuilder text = new StringBuilder(96);
        final Era last = view.last;
        if (last != null) {
            final long now = clock.nanoTime();
            for (final Era era : open) {
                if (era.number() >= view.first && era.number() <= last.number()) {
                    text.append(", era=").append(era.number()).append(" ended ms ago=")
                        .append(era.endedNs() == Era.NEVER ? 0 : (now - era.endedNs()) / 1_000_000)
                        .append(" bytes=").append(era.bytes());
                }
            }
        }
        return text.toString();
    }
}
