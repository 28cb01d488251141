// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.Stripes;
import io.holdfast.epoch.Waiting;
import io.holdfast.layout.SlotLayout;
import java.lang.System.Logger.Level;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Who may change the structure of which range of addresses: read, downgraded and write sections, which exclude each
 * other where they overlap, and single changes, which exclude sections but not each other.
 *
 * <p>Thread-safe. A single change takes no lock while no section overlaps it: it announces its range in its thread's
 * slot and looks for sections. A section over a range that nobody else wants stands in its thread's place and writes to
 * nothing that other threads write. What has to wait does so in a list, in the order of arrival.
 */
public final class RangeLock {
    /*
     * An entry stands in one of the PLACES, of which each thread has one, with other threads, or in SECTIONS, a list in
     * the order of arrival, replaced by compare-and-set, never changed. In the list it is granted if no earlier one
     * excludes it, and none in a place; in a place, if nothing excluded it when its thread had put it there and looked.
     *
     *   excludes     SINGLE  READ  DOWNGRADED  WRITE     event       entry
     *   SINGLE       no      yes   yes         yes       arrive      SINGLE is appended; others are put into the thread's
     *   READ         yes     no    no          yes                   place, if it is free and nothing excludes them, before
     *   DOWNGRADED   yes     no    yes         yes                   and then; else they are appended, as fresh ones
     *   WRITE        yes     yes   yes         yes       leave       over, then removed; also if the waiting gives up
     *                                                    downgrade   WRITE, granted, becomes DOWNGRADED where it stands
     *                                                    upgrade     becomes WRITE where it stands, if nobody is in the way
     *
     * [K1] A single change announces its range in volatile mode and then looks for sections in volatile mode; a section is
     *      put where it stands in volatile mode and then reads the announcements in volatile mode. One of the two sees the
     *      other. Both are rare enough to pay for the fence, so that sections need no heavy barrier.
     * [K2] A change that sees a section withdraws its announcement, becomes an entry of the list and waits for its turn,
     *      so neither can starve the other. A section waits for what was announced before it, and for no announcement that
     *      came later in the same slot: that one has seen it.
     * [K3] A change that takes whatever addresses are free announces the whole space, avoids the sections that it then
     *      sees, and narrows the announcement to the addresses that it took. Sections that it did not see wait for that.
     *
     * [K4] A dead thread's entry is ended by who waits for it, or is refused because of it. The entry stays where it is,
     *      so nobody else comes in, until one heir, who has moved the entry's ESTATE from LEFT to CLAIMED, has undone what
     *      the section did. If that throws, the estate is LEFT again, for the next; once it is SETTLED, anybody removes
     *      the entry, by a compare-and-set, one in effect. None of it allocates but the removal from the list, which
     *      anybody can try again. That the owner was seen dead orders all that it did before what the heir does.
     * [K5] To leave is one store to the entry, which excludes nobody from there on, and to become DOWNGRADED is one too:
     *      neither needs heap, and both only let others in. Whoever swaps SECTIONS next leaves out who has left, and
     *      whoever takes a place puts its entry over one that has left; the one who leaves tries to, at once. The stores
     *      are volatile, and so are the looks of those who wait.
     *
     * [K6] Put, then look. An entry is put into its place, or at the end of the list, or becomes WRITE where it stands;
     *      then its thread looks at the list and at the places of which USED has the bit, which is set before the first
     *      entry comes into the place, and never cleared. It is put into its place with BOUNDS, which are written behind
     *      it, unless they are its own already: then nothing is written that others read. Who looks reads BOUNDS first, and
     *      the entry only if they overlap its range; if they are half written, the entry is about to be put, or has left.
     *      Who has left does not write them. All of it is volatile, hence in one order: of two entries that exclude each
     *      other the one that was put later is seen by no earlier look, and sees the other. Who sees that from a place
     *      leaves, and begins again in the list; who sees it from the list waits. Two that were put into places at a time
     *      may both leave; in the list one is first, and a place is never waited for from a place, so they cannot wait for
     *      each other. What stands in the list looks at the places when its turn has come, and then as long as it takes.
     *      Nobody starves in the list: from the append on, whoever looks before it takes a place finds the entry and queues
     *      behind it. It waits for those before it, and for at most one entry of each thread that had looked already, which
     *      is granted, or leaves after a few steps. A try may be refused by an entry that is about to leave.
     * [K7] An upgrade first becomes WRITE, then looks; if anybody is in the way, it becomes again what it was. In the way
     *      is who overlaps, unless it stands in the list, behind the entry (all of the list is behind a place), and is
     *      excluded by what the entry was: that one has seen the entry, or will, and waits in any case, also if it is an
     *      upgrade that has become WRITE itself, since for that one this entry is in the way, whatever it is. Who waits in
     *      the list for a third is in the way as well: it may have seen the third leave, and this one when it was no WRITE
     *      yet.
     *
     * If a thread stops for ever: with an announcement or an entry it holds up those who overlap, nobody else; so also
     * between put and look, before BOUNDS are written those who overlap the old ones as well, and in an upgrade those whom
     * a WRITE excludes. With the bit in USED alone, or with an entry that has left a place by its store alone, it holds up
     * nobody. Where heap or stack end, the entry leaves by that store, and an upgrade ends by one; a place needs no heap.
     */
    private static final System.Logger LOGGER = System.getLogger(RangeLock.class.getName());
    private static final Entry[] NONE = {};
    private static final VarHandle SECTIONS = handle("sections", Entry[].class);
    private static final VarHandle USED = handle("used", long.class);
    private static final int MOST = 16; // each single change looks at all that were used
    private static final int PLACES =
        Math.min(Integer.highestOneBit(Runtime.getRuntime().availableProcessors()) * 4, MOST);
    private static final int STRIDE = 32; // references per 128 bytes, so that neighbours do not share a line pair
    private static final int BOUNDS_STRIDE = 16; // the same of words

    /** What an entry is there for. */
    public enum Mode {
        /** One change, which waits for its turn. */
        SINGLE,
        /** The structure stays as it is. */
        READ,
        /** The structure stays as it is, and no other writer has it either. */
        DOWNGRADED,
        /** The structure can be changed. */
        WRITE;

        boolean excludes(final Mode other) {
            return this == WRITE || other == WRITE || (this == SINGLE) != (other == SINGLE) ||
                this == DOWNGRADED && other == DOWNGRADED;
        }
    }

    /** What a section leaves behind if its thread dies, and who undoes it; the same in all modes that the section has. */
    private static final class Estate {
        private static final int LEFT = 0;
        private static final int CLAIMED = 1;
        private static final int SETTLED = 2;

        private final AtomicInteger state = new AtomicInteger(LEFT);
        private @Nullable Runnable undoing; // the owner's, and seen by who has seen it dead

        /** Whether all is undone; false if another thread is at it. */
        private boolean settle() {
            if (!state.compareAndSet(LEFT, CLAIMED)) { // [K4]
                return state.get() == SETTLED;
            }
            boolean settled = false;
            try {
                if (undoing != null) {
                    undoing.run();
                }
                settled = true;
            } finally {
                state.set(settled ? SETTLED : LEFT);
            }
            return true;
        }
    }

    /** A section, or a single change that waits or has waited. */
    public static final class Entry {
        private final long start;
        private final long end;
        private final Thread owner;
        private final Estate estate;
        private volatile Mode mode;
        private volatile boolean over; // [K5]

        private Entry(final long start, final long end, final Mode mode, final Thread owner, final Estate estate) {
            this.start = start;
            this.end = end;
            this.mode = mode;
            this.owner = owner;
            this.estate = estate;
        }

        private Entry(final long start, final long end, final Mode mode, final Thread owner) {
            this(start, end, mode, owner, new Estate());
        }

        private Entry again() {
            return new Entry(start, end, mode, owner, estate);
        }

        /** First address. */
        public long start() {
            return start;
        }

        /** Just past the last. */
        public long end() {
            return end;
        }

        /** What it is there for. */
        public Mode mode() {
            return mode;
        }

        /** The thread that asked for it. */
        public Thread owner() {
            return owner;
        }

        /**
         * For the owner: what another thread does if the owner dies with this section, in whatever mode it is then. It can
         * be run again if it throws.
         */
        public void atDeath(final Runnable undoing) {
            estate.undoing = undoing;
        }

        @Override
        public String toString() {
            return "Entry[start=" + start + ", end=" + end + ", mode=" + mode + ", owner=" + owner + "]";
        }

        boolean overlaps(final long from, final long to) {
            return start < to && from < end;
        }

        boolean excludes(final Entry other) {
            return excludes(other.start, other.end, other.mode);
        }

        boolean excludes(final long from, final long to, final Mode other) {
            return !over && overlaps(from, to) && mode.excludes(other);
        }
    }

    /** Told when an entry has waited long. */
    @FunctionalInterface
    public interface Listener {
        /** {@code wanted} has waited for {@code elapsedNs}, now for {@code blocking}, and goes on waiting. */
        void stillWaiting(Entry wanted, List<Entry> blocking, long elapsedNs);
    }

    private static final AtomicLong NUMBERS = new AtomicLong();
    private static final int ID_BITS = 40;

    private final EpochDomain domain;
    private final Listener listener;
    private final long limit;
    private final long number = NUMBERS.getAndIncrement(); // names all sections of the space in the order of locks
    private final AtomicReferenceArray<@Nullable Entry> places = new AtomicReferenceArray<>((PLACES + 2) * STRIDE);
    private final AtomicLongArray bounds = new AtomicLongArray((PLACES + 2) * BOUNDS_STRIDE); // of entries in places
    private volatile Entry[] sections = NONE;
    private volatile long used; // a bit for each place that ever had an entry

    /**
     * No section is there.
     *
     * @param limit just past the highest address
     */
    public RangeLock(final EpochDomain domain, final long limit, final Listener listener) {
        this.domain = domain;
        this.limit = limit;
        this.listener = listener;
    }

    private static VarHandle handle(final String field, final Class<?> type) {
        try {
            return MethodHandles.lookup().findVarHandle(RangeLock.class, field, type);
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private void update(final UnaryOperator<Entry[]> change) {
        Entry[] now;
        do {
            now = sections;
        } while (!SECTIONS.compareAndSet(this, now, change.apply(now))); // [K1]
    }

    // ---------------------------------------------------------------------------------------------------- places

    /** Where the place of a thread is; not in the line of the array's length, which all read. */
    private static int index(final int place) {
        return (place + 1) * STRIDE;
    }

    private static int placeOf(final Thread owner) {
        return Stripes.numberOf(owner) & PLACES - 1;
    }

    /** Where the bounds of the entry in a place are: its start, and then its end. */
    private static int boundsOf(final int place) {
        return (place + 1) * BOUNDS_STRIDE;
    }

    /** What stands in the place of the lowest of the bits, which are of {@link #used}. */
    private @Nullable Entry placed(final long bits) {
        return places.get(index(Long.numberOfTrailingZeros(bits)));
    }

    /** Puts a section into its thread's place; false if that is taken. */
    private boolean takePlace(final Entry section) {
        final int place = placeOf(section.owner);
        long now;
        do { // [K6]
            now = used;
        } while ((now & 1L << place) == 0 && !USED.compareAndSet(this, now, now | 1L << place));
        final Entry before = places.get(index(place));
        return (before == null || before.over) && places.compareAndSet(index(place), before, section); // [K1], [K5]
    }

    /** Says where the section is that stands in its thread's place. */
    private void bound(final Entry section) {
        final int at = boundsOf(placeOf(section.owner));
        if (bounds.get(at) != section.start || bounds.get(at + 1) != section.end) { // [K6]
            bounds.set(at, section.start);
            bounds.set(at + 1, section.end);
        }
    }

    /** Whether what stands in a place may overlap a range. */
    private boolean mayOverlap(final int place, final long start, final long end) {
        final int at = boundsOf(place);
        return bounds.get(at) < end && start < bounds.get(at + 1);
    }

    /** Removes an entry from its place; false if it is not there. */
    private boolean leavePlace(final Entry entry) {
        return isPlaced(entry) && places.compareAndSet(index(placeOf(entry.owner)), entry, null);
    }

    /** Whether an entry stands in its thread's place, and not in the list. */
    boolean isPlaced(final Entry entry) {
        return places.get(index(placeOf(entry.owner))) == entry;
    }

    /** Whether a section in a place, other than one's own, excludes a mode in a range. */
    private boolean isExcludedByPlaced(final long start, final long end, final Mode mode, final @Nullable Entry mine) {
        for (long rest = used; rest != 0; rest &= rest - 1) { // [K1], [K6]
            if (mayOverlap(Long.numberOfTrailingZeros(rest), start, end)) {
                final Entry placed = placed(rest);
                if (placed != null && placed != mine && placed.excludes(start, end, mode)) {
                    return true;
                }
            }
        }
        return false;
    }

    /** What is in the list and has not left, and then what is in places. */
    private Entry[] all() {
        Entry[] all = withoutLeft(sections);
        for (long rest = used; rest != 0; rest &= rest - 1) {
            final Entry placed = placed(rest);
            if (placed != null && !placed.over) {
                all = Arrays.copyOf(all, all.length + 1);
                all[all.length - 1] = placed;
            }
        }
        return all;
    }

    // -------------------------------------------------------------------------------------------------- sections

    /**
     * Begins a section and waits until it has the range.
     *
     * @return the entry, or null if the waiting gave up, which leaves no trace
     * @throws IllegalMonitorStateException if the thread would wait for itself, or could: it has a section in this space,
     *                                      or holds a guard or a pin
     */
    public @Nullable Entry acquire(final long start, final long end, final Mode mode, final Waiting waiting) {
        checkNested("section");
        checkHoldsNothing("section", start, end);
        if (waiting.isPatient()) {
            LockOrder.beforeSection("section", number);
        }
        final Entry entry = new Entry(start, end, mode, Thread.currentThread());
        return begun(isExcluded(entry) ? await(entry, waiting) : begin(entry, waiting));
    }

    /** Begins in the thread's place a section that nothing excludes, if it still is so then; else in the list. */
    private @Nullable Entry begin(final Entry entry, final Waiting waiting) {
        if (!takePlace(entry)) {
            return await(entry, waiting);
        }
        boolean free = true;
        boolean begun = false;
        try { // as in the list; or the stack is at its end
            bound(entry);
            free = !isExcluded(entry); // [K6]
            begun = free && awaitChanges(entry, waiting);
        } finally {
            if (!begun) {
                leave(entry);
            }
        }
        return free ? begun ? entry : null : await(entry.again(), waiting);
    }

    private @Nullable Entry begun(final @Nullable Entry section) {
        if (section != null) {
            Ledger.taken(place(section), Ledger.Kind.SECTION, number);
        }
        return section;
    }

    /** In the place of an address, of which no word has this one: a thread has one section in this space. */
    private long place(final Entry section) {
        return Long.MIN_VALUE + (number << ID_BITS) + section.owner.threadId();
    }

    /** Says that the space is closed. */
    public void over() {
        LockOrder.forgetSection(number);
    }

    /**
     * Begins a section if that is possible at once.
     *
     * @return the entry, or null
     * @throws IllegalMonitorStateException if the thread has a section in this space
     */
    public @Nullable Entry tryAcquire(final long start, final long end, final Mode mode, final Waiting noTime) {
        checkNested("section");
        final Entry entry = new Entry(start, end, mode, Thread.currentThread());
        if (isExcluded(entry)) {
            endDead(start, end);
            if (isExcluded(entry)) {
                return null;
            }
        }
        return begun(begin(entry, noTime));
    }

    private boolean isExcluded(final Entry entry) {
        for (final Entry other : sections) {
            if (other.excludes(entry)) {
                return true;
            }
        }
        return isExcludedByPlaced(entry.start, entry.end, entry.mode, entry);
    }

    /** Ends the sections of threads that died with them, where they overlap a range: [K4]. */
    public void endDead(final long start, final long end) {
        for (final Entry entry : sections) {
            endDead(entry, start, end);
        }
        for (long rest = used; rest != 0; rest &= rest - 1) {
            final Entry placed = placed(rest);
            if (placed != null) {
                endDead(placed, start, end);
            }
        }
    }

    private void endDead(final Entry entry, final long start, final long end) {
        if (!entry.over && entry.overlaps(start, end) && !entry.owner.isAlive() && entry.estate.settle() &&
            (leavePlace(entry) || leaveList(entry))) {
            tellEnded(entry);
        }
    }

    /** Removes the entry of a dead thread from the list; false if another thread was faster. */
    private boolean leaveList(final Entry dead) {
        Entry[] now;
        do {
            now = sections;
            if (!Arrays.asList(now).contains(dead)) { // which has no equal
                return false;
            }
        } while (!SECTIONS.compareAndSet(this, now, without(now, dead)));
        return true;
    }

    private void tellEnded(final Entry dead) {
        Ledger.released(place(dead));
        LOGGER.log(Level.WARNING, "a thread died in a section, which is ended now, and rolled back unless it was " +
            "published: " + dead);
    }

    private @Nullable Entry await(final Entry entry, final Waiting waiting) {
        update(now -> append(now, entry));
        boolean acquired = false;
        try { // the idle strategy and the listener may throw
            acquired = awaitTurn(entry, waiting) && (entry.mode == Mode.SINGLE || awaitChanges(entry, waiting));
        } finally {
            if (!acquired) {
                leave(entry);
            }
        }
        return acquired ? entry : null;
    }

    private boolean awaitChanges(final Entry entry, final Waiting waiting) {
        return domain.awaitRanges(entry.start, entry.end, () -> pause(entry, waiting)); // [K1]
    }

    private boolean awaitTurn(final Entry entry, final Waiting waiting) {
        while (!isGranted(sections, entry) || isExcludedByPlaced(entry.start, entry.end, entry.mode, null)) { // [K6]
            if (waiting.lookDue()) {
                endDead(entry.start, entry.end);
            }
            if (!pause(entry, waiting)) {
                return false;
            }
        }
        return true;
    }

    /** Lets others go on, and reports when it is time; false if the waiting gave up. */
    private boolean pause(final Entry entry, final Waiting waiting) {
        if (!waiting.pause()) {
            return false;
        }
        if (waiting.reportDue()) {
            listener.stillWaiting(entry, blocking(entry), waiting.elapsedNs());
        }
        return true;
    }

    /** Ends a section. */
    public void release(final Entry entry) {
        checkOpen(entry);
        try {
            Ledger.released(place(entry));
        } finally {
            leave(entry);
        }
    }

    private static void checkOpen(final Entry entry) {
        if (entry.over) {
            throw new IllegalStateException("not a section of this space: " + entry);
        }
    }

    private void leave(final Entry entry) {
        entry.over = true; // [K5]
        try {
            if (!leavePlace(entry)) {
                update(RangeLock::withoutLeft);
            }
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // it has left; it only stands where it stood until the next one comes there, or goes
        }
    }

    /** Lets readers in and keeps writers out. */
    public void downgrade(final Entry write) {
        write.mode = Mode.DOWNGRADED; // [K5]
    }

    /**
     * Makes a section a write section if nobody else is in its range, nor waits for some of it whom this section does not
     * keep out.
     *
     * @return the entry, or null, with nothing changed
     */
    public @Nullable Entry tryUpgrade(final Entry entry) {
        checkOpen(entry);
        final Mode before = entry.mode;
        if (!isAlone(entry, before)) { // before others could be refused because of it
            return null;
        }
        boolean alone = false;
        entry.mode = Mode.WRITE; // [K7]
        try {
            alone = isAlone(entry, before);
        } finally {
            if (!alone) {
                entry.mode = before;
            }
        }
        return alone ? entry : null;
    }

    /** Whether nobody is in the way of an upgrade: [K7]. */
    private boolean isAlone(final Entry entry, final Mode before) {
        boolean behind = isPlaced(entry);
        for (final Entry other : sections) {
            if (other == entry) {
                behind = true;
            } else if (!other.over && other.overlaps(entry.start, entry.end) && !(behind && before.excludes(other.mode))) {
                return false;
            }
        }
        return !isExcludedByPlaced(entry.start, entry.end, Mode.WRITE, entry);
    }

    private static boolean isGranted(final Entry[] now, final Entry entry) {
        for (final Entry earlier : now) {
            if (earlier == entry) {
                return true;
            }
            if (earlier.excludes(entry)) {
                return false;
            }
        }
        throw new IllegalStateException("not a section of this space: " + entry);
    }

    private static Entry[] append(final Entry[] now, final Entry entry) {
        final Entry[] left = withoutLeft(now);
        final Entry[] appended = Arrays.copyOf(left, left.length + 1);
        appended[left.length] = entry;
        return appended;
    }

    private static Entry[] without(final Entry[] now, final @Nullable Entry entry) {
        return Arrays.stream(now).filter(other -> other != entry).toArray(Entry[]::new);
    }

    /** The entries that have not left [K5]. */
    private static Entry[] withoutLeft(final Entry[] now) {
        int count = 0;
        final Entry[] rest = new Entry[now.length];
        for (final Entry entry : now) {
            if (!entry.over) {
                rest[count++] = entry;
            }
        }
        return count == 0 ? NONE : count == now.length ? now : Arrays.copyOf(rest, count);
    }

    private List<Entry> blocking(final Entry entry) {
        final List<Entry> blocking = new ArrayList<>();
        if (!isPlaced(entry)) { // which waits for changes alone
            for (final Entry earlier : sections) {
                if (earlier == entry) {
                    break;
                }
                if (earlier.excludes(entry)) {
                    blocking.add(earlier);
                }
            }
            for (long rest = used; rest != 0; rest &= rest - 1) {
                final Entry placed = placed(rest);
                if (placed != null && placed.excludes(entry)) {
                    blocking.add(placed);
                }
            }
        }
        if (entry.mode != Mode.SINGLE) {
            domain.forEachRange(entry.start, entry.end,
                (start, end, owner) -> blocking.add(new Entry(start, end, Mode.SINGLE, owner)));
        }
        return blocking;
    }

    /**
     * The sections, and changes that wait or have waited, of this moment: those in the list, in the order of arrival, and
     * then others.
     */
    public List<Entry> sections() {
        return List.of(all());
    }

    /** Whether the current thread has a section. */
    public boolean isMine() {
        return mine() != null;
    }

    private @Nullable Entry mine() {
        final Thread me = Thread.currentThread();
        for (final Entry entry : sections) {
            if (entry.owner == me && !entry.over) {
                return entry;
            }
        }
        final Entry placed = places.get(index(placeOf(me)));
        return placed != null && placed.owner == me && !placed.over ? placed : null;
    }

    private void checkNested(final String operation) {
        final Entry mine = mine();
        if (mine != null) {
            throw new IllegalMonitorStateException(operation + " by a thread that has a section in this space would " +
                "wait for itself, or could: " + mine + "; use that section, or close it first");
        }
    }

    private void checkHoldsNothing(final String operation, final long start, final long end) {
        final long slot = domain.slotOrNone();
        if (slot != 0 && SlotLayout.isRange(SlotLayout.rangeEndVolatile(slot))) {
            throw nestedChange(operation, start, end);
        }
        if (domain.holdsMemory() || domain.isWriter()) {
            throw new IllegalMonitorStateException(operation + " by a thread that holds a guard or a pin could wait for " +
                "a section that waits for this thread: start=0x" + Long.toHexString(start) + ", end=0x" +
                Long.toHexString(end) + ", sections=" + sections() + "; close guards and pins first, or use a try form");
        }
    }

    // ---------------------------------------------------------------------------------------------- single changes

    /**
     * Enters a range to make one change there; waits while a section overlaps it.
     *
     * @return the passage, or null if the waiting gave up
     * @throws IllegalMonitorStateException if it has to wait, and the thread would wait for itself, or could: it has a
     *                                      section in this space, or holds a guard or a pin
     */
    public @Nullable Passage enter(final String operation, final long start, final long end, final Waiting waiting) {
        final Passage free = enterIfFree(start, end);
        if (free != null) {
            return free;
        }
        checkNested(operation);
        if (waiting.isPatient()) {
            checkHoldsNothing(operation, start, end);
            LockOrder.beforeSection(operation, number);
        }
        final Entry entry = await(new Entry(start, end, Mode.SINGLE, Thread.currentThread()), waiting);
        return entry == null ? null : new Passage(0, NONE, entry, false, isWhole(start, end));
    }

    private @Nullable Passage enterIfFree(final long start, final long end) {
        final long slot = announce(start, end);
        boolean entered = false;
        try { // the stack or the heap may be at its end; nobody would withdraw the announcement
            final Passage passage =
                isExcluded(start, end) ? null : new Passage(slot, NONE, null, false, isWhole(start, end));
            entered = passage != null;
            return passage;
        } finally {
            if (!entered) {
                withdraw(slot); // [K2]
            }
        }
    }

    /** Enters all of the space but for the sections that are there, to take whatever addresses are free [K3]. */
    public Passage enterAnywhere() {
        final long slot = announce(0, limit);
        boolean entered = false;
        try {
            final Passage passage = new Passage(slot, all(), null, true, false); // [K1]
            entered = true;
            return passage;
        } finally {
            if (!entered) {
                withdraw(slot);
            }
        }
    }

    private boolean isWhole(final long start, final long end) {
        return start == 0 && end == limit;
    }

    private long announce(final long start, final long end) {
        final long slot = domain.slot();
        if (SlotLayout.isRange(SlotLayout.rangeEndVolatile(slot))) {
            throw nestedChange("structural change", start, end);
        }
        SlotLayout.announceRange(slot, start, end); // [K1]
        return slot;
    }

    private static IllegalMonitorStateException nestedChange(final String operation, final long start, final long end) {
        return new IllegalMonitorStateException(operation + " inside of a structural change of the same thread: start=0x" +
            Long.toHexString(start) + ", end=0x" + Long.toHexString(end) + "; do not change a space in a callback");
    }

    private void withdraw(final long slot) {
        SlotLayout.clearRange(slot);
        domain.leave(slot);
    }

    private boolean isExcluded(final long start, final long end) {
        for (final Entry section : sections) { // [K1]
            if (section.mode != Mode.SINGLE && !section.over && section.overlaps(start, end)) {
                return true;
            }
        }
        return isExcludedByPlaced(start, end, Mode.SINGLE, null);
    }

    /** The right to make one change, until it is closed by the same thread. */
    public final class Passage implements AutoCloseable {
        private final @Nullable Entry entry;
        private final boolean anywhere;
        private final boolean whole;
        private Entry[] seen;
        private long slot;

        private Passage(final long slot, final Entry[] seen, final @Nullable Entry entry, final boolean anywhere,
                        final boolean whole) {
            this.slot = slot;
            this.seen = seen;
            this.entry = entry;
            this.anywhere = anywhere;
            this.whole = whole;
        }

        /** Whether sections keep a part of the space from a change that takes whatever is free [K3]. */
        public boolean isPartial() {
            return Arrays.stream(seen).anyMatch(section -> section.mode != Mode.SINGLE);
        }

        /** The parts of a range that no section keeps from a change that takes whatever is free, in order [K3]. */
        public List<long[]> windows(final long from, final long to) {
            final List<long[]> windows = new ArrayList<>();
            long at = from;
            if (seen.length != 0) {
                final Entry[] ordered = seen.clone();
                Arrays.sort(ordered, (one, other) -> Long.compare(one.start, other.start));
                for (final Entry section : ordered) {
                    if (section.mode != Mode.SINGLE && section.end > at) {
                        if (section.start > at) {
                            windows.add(new long[] {at, Math.min(section.start, to)});
                        }
                        at = section.end;
                    }
                    if (at >= to) {
                        return windows;
                    }
                }
            }
            windows.add(new long[] {at, to});
            return windows;
        }

        /** Whether no section keeps any of a range from a change that takes whatever is free [K3]. */
        public boolean hasAll(final long from, final long to) {
            for (final Entry section : seen) {
                if (section.mode != Mode.SINGLE && section.start < to && section.end > from) {
                    return false;
                }
            }
            return true;
        }

        /** Narrows a passage for a change anywhere to the addresses that it took [K3]; others stay as they are. */
        public void narrow(final long start, final long end) {
            if (anywhere) {
                SlotLayout.changeRange(slot, start, end);
            }
        }

        /** Makes the passage one that takes whatever addresses are free besides, if it is not of all addresses [K3]. */
        public void widen() {
            if (whole) {
                return;
            }
            if (slot == 0) {
                slot = announce(0, limit);
            } else {
                SlotLayout.changeRange(slot, 0, limit);
            }
            seen = without(all(), entry); // [K1]
        }

        @Override
        public void close() {
            final long announced = slot;
            if (announced != 0) {
                slot = 0;
                withdraw(announced);
            }
            if (entry != null) {
                leave(entry);
            }
        }
    }
}
