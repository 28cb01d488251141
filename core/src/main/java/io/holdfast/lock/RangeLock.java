// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.epoch.Ledger;
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
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Who may change the structure of which range of addresses: read, downgraded and write sections, which exclude each
 * other where they overlap, and single changes, which exclude sections but not each other.
 *
 * <p>Thread-safe. A single change takes no lock while no section overlaps it: it announces its range in its thread's
 * slot and looks at the list of sections. What has to wait does so in the order of arrival.
 */
public final class RangeLock {
    /*
     * SECTIONS is a list in the order of arrival, replaced by compare-and-set, never changed. Who holds what follows from
     * the list alone: an entry is granted if no earlier one excludes it.
     *
     *   excludes     SINGLE  READ  DOWNGRADED  WRITE        event       entry
     *   SINGLE       no      yes   yes         yes          arrive      appended
     *   READ         yes     no    no          yes          leave       over, then removed; also if the waiting gives up
     *   DOWNGRADED   yes     no    yes         yes          downgrade   WRITE, granted, becomes DOWNGRADED in its place
     *   WRITE        yes     yes   yes         yes          upgrade     becomes WRITE in its place, if it stays granted
     *                                                                   and no later granted one is excluded by that
     *
     * [K1] A single change announces its range in volatile mode and then reads SECTIONS in volatile mode; a section
     *      swaps SECTIONS in volatile mode and then reads the announcements in volatile mode. One of the two sees the
     *      other. Both are rare enough to pay for the fence, so that sections need no heavy barrier.
     * [K2] A change that sees a section withdraws its announcement, becomes an entry itself and waits for its turn, so
     *      neither can starve the other. A section waits for what was announced before it, and for no announcement that
     *      came later in the same slot: that one has seen it.
     * [K3] A change that takes whatever addresses are free announces the whole space, avoids the sections that it then
     *      sees, and narrows the announcement to the addresses that it took. Sections that it did not see wait for that.
     *
     * [K4] A dead thread's entry is ended by who waits for it, or is refused because of it. The entry stays in the list,
     *      so nobody else comes in, until one heir, who has moved the entry's ESTATE from LEFT to CLAIMED, has undone what
     *      the section did. If that throws, the estate is LEFT again, for the next; once it is SETTLED, anybody removes the
     *      entry. None of it allocates but the removal, which anybody can try again. That the owner was seen dead orders
     *      all that it did before what the heir does.
     * [K5] To leave is one store to the entry, which excludes nobody from there on, and to become DOWNGRADED is one too:
     *      neither needs heap, and both only let others in. Whoever swaps SECTIONS next leaves out who has left; the one
     *      who leaves tries to, at once. The stores are volatile, and so are the looks of those who wait.
     *
     * If a thread stops for ever: with an announcement or an entry it holds up those who overlap, nobody else.
     */
    private static final System.Logger LOGGER = System.getLogger(RangeLock.class.getName());
    private static final Entry[] NONE = {};
    private static final VarHandle SECTIONS = sectionsHandle();

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

        private Entry as(final Mode other) {
            return new Entry(start, end, other, owner, estate);
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
            return !over && overlaps(other.start, other.end) && mode.excludes(other.mode);
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
    private volatile Entry[] sections = NONE;

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

    private static VarHandle sectionsHandle() {
        try {
            return MethodHandles.lookup().findVarHandle(RangeLock.class, "sections", Entry[].class);
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
        return begun(await(new Entry(start, end, mode, Thread.currentThread()), waiting));
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
        return begun(await(entry, noTime));
    }

    private boolean isExcluded(final Entry entry) {
        for (final Entry other : sections) {
            if (other.excludes(entry)) {
                return true;
            }
        }
        return false;
    }

    /** Ends the sections of threads that died with them, where they overlap a range: [K4]. */
    public void endDead(final long start, final long end) {
        for (final Entry entry : sections) {
            if (!entry.over && entry.overlaps(start, end) && !entry.owner.isAlive() && entry.estate.settle()) {
                endSettled(entry);
            }
        }
    }

    private void endSettled(final Entry dead) {
        Entry[] now;
        do {
            now = sections;
            if (!Arrays.asList(now).contains(dead)) { // which has no equal
                return; // another thread was faster
            }
        } while (!SECTIONS.compareAndSet(this, now, without(now, dead)));
        Ledger.released(place(dead));
        LOGGER.log(Level.WARNING, "a thread died in a section, which is ended now, and rolled back unless it was " +
            "published: " + dead);
    }

    private @Nullable Entry await(final Entry entry, final Waiting waiting) {
        update(now -> append(now, entry));
        boolean acquired = false;
        try { // the idle strategy and the listener may throw
            acquired = awaitTurn(entry, waiting) && (entry.mode == Mode.SINGLE ||
                domain.awaitRanges(entry.start, entry.end, () -> pause(entry, waiting))); // [K1]
        } finally {
            if (!acquired) {
                leave(entry);
            }
        }
        return acquired ? entry : null;
    }

    private boolean awaitTurn(final Entry entry, final Waiting waiting) {
        while (!isGranted(sections, entry)) {
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
        if (entry.over) {
            throw new IllegalStateException("not a section of this space: " + entry);
        }
        try {
            Ledger.released(place(entry));
        } finally {
            leave(entry);
        }
    }

    private void leave(final Entry entry) {
        entry.over = true; // [K5]
        try {
            update(RangeLock::withoutLeft);
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // it has left; it only stands in the list until the next one comes or goes
        }
    }

    /** Lets readers in and keeps writers out. */
    public void downgrade(final Entry write) {
        write.mode = Mode.DOWNGRADED; // [K5]
    }

    /** Makes a section a write section if nobody else is in its range; null, with nothing changed, if somebody is. */
    public @Nullable Entry tryUpgrade(final Entry entry) {
        final Entry write = entry.as(Mode.WRITE);
        while (true) {
            final Entry[] now = sections;
            final Entry[] upgraded = exchange(now, entry, write);
            if (!isGranted(upgraded, write) || excludesGranted(now, entry)) {
                return null;
            }
            if (SECTIONS.compareAndSet(this, now, upgraded)) {
                return write;
            }
        }
    }

    private static boolean excludesGranted(final Entry[] now, final Entry entry) {
        for (final Entry other : now) {
            if (other != entry && !other.over && other.overlaps(entry.start, entry.end) && isGranted(now, other)) {
                return true;
            }
        }
        return false;
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

    private static Entry[] without(final Entry[] now, final Entry entry) {
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

    private static Entry[] exchange(final Entry[] now, final Entry old, final Entry fresh) {
        final Entry[] exchanged = now.clone();
        exchanged[indexOf(now, old)] = fresh;
        return exchanged;
    }

    private static int indexOf(final Entry[] now, final Entry entry) {
        for (int i = 0; i < now.length; i++) {
            if (now[i] == entry) { // equal ones may be there
                return i;
            }
        }
        throw new IllegalStateException("not a section of this space: " + entry);
    }

    private List<Entry> blocking(final Entry entry) {
        final List<Entry> blocking = new ArrayList<>();
        for (final Entry earlier : sections) {
            if (earlier == entry) {
                break;
            }
            if (earlier.excludes(entry)) {
                blocking.add(earlier);
            }
        }
        if (entry.mode != Mode.SINGLE) {
            domain.forEachRange(entry.start, entry.end,
                (start, end, owner) -> blocking.add(new Entry(start, end, Mode.SINGLE, owner)));
        }
        return blocking;
    }

    /** The sections, and changes that wait or have waited, of this moment, in the order of arrival. */
    public List<Entry> sections() {
        return List.of(withoutLeft(sections));
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
        return null;
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
            final Passage passage = new Passage(slot, withoutLeft(sections), null, true, false);
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
        return false;
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
            seen = Arrays.stream(sections).filter(section -> section != entry && !section.over)
                .toArray(Entry[]::new); // [K1]
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
