// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.io.Serial;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Who took what, where and when: everything in debug mode, if the system property {@value #PROPERTY} is {@code true}; one
 * in so many where {@link Sampling} is on; else off, and free of cost.
 *
 * <p>Entries are kept by the address of the word in which the lock or pin is announced, so each is exact: a hazard or a
 * pin word belongs to one thread, and a lock word has one writer. Counted holds are kept by record, because nothing
 * tells one from another. Thread-safe.
 *
 * <p>A thread that ended with a lock it took leaves its entry to whoever takes the slot back.
 */
public final class Ledger {
    /** System property that switches debug mode on. */
    public static final String PROPERTY = "io.holdfast.debug";

    /** Whether debug mode is on. Constant, so what depends on it costs nothing where it is off. */
    public static final boolean ENABLED = Boolean.getBoolean(PROPERTY);

    /** Whether anything is remembered: all or some. Constant, too. */
    static final boolean REMEMBERS = ENABLED || Sampling.ON;

    private static final ConcurrentMap<Long, Entry> ENTRIES = new ConcurrentHashMap<>();
    private static final ConcurrentMap<Long, Deque<Entry>> HOLDS = new ConcurrentHashMap<>();
    private static final ConcurrentMap<Long, Entry> RELEASES = new ConcurrentHashMap<>();
    private static final AtomicLong VIEWS = new AtomicLong();
    private static final ThreadLocal<List<Entry>> MINE = ThreadLocal.withInitial(ArrayList::new);

    /** What can be taken. */
    public enum Kind {
        /** A shared lock, by guard or stamp. */
        SHARED("shared lock"),
        /** A counted hold. */
        HOLD("hold"),
        /** A thread's view of a counted hold. */
        VIEW("view of a hold"),
        /** An exclusive lock, by guard or stamp. */
        EXCLUSIVE("exclusive lock"),
        /** A pin. */
        PIN("pin"),
        /** A pin of the structure alone. */
        STRUCTURE_PIN("structure pin"),
        /** A write section. */
        SECTION("write section");

        private final String text;

        Kind(final String text) {
            this.text = text;
        }

        @Override
        public String toString() {
            return text;
        }

        /** Whether others wait for what is taken while its thread may wait for more, so that the order matters. */
        public boolean isOrdered() {
            return this == SHARED || this == EXCLUSIVE || this == SECTION;
        }
    }

    /** The place that took something, or gave it back. */
    public static final class Entry extends Throwable {
        @Serial
        private static final long serialVersionUID = 1;

        private final Kind kind;
        private final long subject;
        private final String verb;
        private final String threadName;
        private final long threadId;
        private final long sinceNs;
        private transient @Nullable Set<Object> waits;

        Entry(final Kind kind, final long subject, final String verb) {
            final Thread thread = Thread.currentThread();
            this.kind = kind;
            this.subject = subject;
            this.verb = verb;
            this.threadName = thread.getName();
            this.threadId = thread.threadId();
            this.sinceNs = System.nanoTime();
        }

        /** What was taken. */
        public Kind kind() {
            return kind;
        }

        /** The record that is locked, or the section; 0 for a pin. */
        public long subject() {
            return subject;
        }

        /** Name of the thread that did it. */
        public String threadName() {
            return threadName;
        }

        /** Id of the thread that did it. */
        public long threadId() {
            return threadId;
        }

        /** How long ago, in nanoseconds. */
        public long heldNs() {
            return System.nanoTime() - sinceNs;
        }

        /** Whether a wait, known by its identity, is told for the first time that it is for this. */
        public synchronized boolean isNewsFor(final Object wait) {
            if (waits == null) {
                waits = Collections.newSetFromMap(new WeakHashMap<>()); // rarely needed
            }
            return waits.add(wait);
        }

        @Override
        public String getMessage() {
            return kind + " " + verb + " by " + threadName + " " + TimeUnit.NANOSECONDS.toMillis(heldNs()) + " ms ago";
        }

        @Override
        public String toString() {
            return getMessage();
        }
    }

    private Ledger() {
    }

    /**
     * Notes that the current thread took something.
     *
     * @param address of the word in which it is announced
     * @param subject the record that is locked, or the section; 0 for a pin
     */
    public static void taken(final long address, final Kind kind, final long subject) {
        if (REMEMBERS) {
            remember(address, kind, subject);
        }
    }

    private static void remember(final long address, final Kind kind, final long subject) {
        if (ENABLED) {
            final Entry entry = new Entry(kind, subject, "taken");
            ENTRIES.put(address, entry);
            MINE.get().add(entry);
        } else {
            sample(address, kind, subject);
        }
    }

    private static void sample(final long address, final Kind kind, final long subject) {
        try {
            if (Sampling.isDue(address)) {
                ReservedStack.forBeginning(address);
                ENTRIES.put(address, new Entry(kind, subject, "taken"));
            }
        } catch (final OutOfMemoryError e) {
            // The lock is granted all the same, and its place is not known.
        }
    }

    /** Notes that it was given back; before another thread can take something there. */
    public static void released(final long address) {
        if (REMEMBERS) {
            forget(address);
        }
    }

    private static void forget(final long address) {
        if (!ENABLED) {
            forgetSampled(address);
            return;
        }
        final Entry entry = ENTRIES.remove(address);
        if (entry != null) {
            MINE.get().remove(entry); // is not there if the thread that took it died
            if (entry.kind != Kind.VIEW) {
                RELEASES.put(address, new Entry(entry.kind, entry.subject, "given back"));
            }
        }
    }

    private static void forgetSampled(final long address) {
        try {
            if (!ENTRIES.isEmpty()) {
                ENTRIES.remove(address);
            }
        } catch (final OutOfMemoryError e) {
            // A report too many is better than an end that fails.
        }
    }

    /** What the current thread took last, if it is remembered by sampling and has not been given back. */
    public static @Nullable Entry lastSampled() {
        final long address = Sampling.lastAddress();
        return address == 0 ? null : ENTRIES.get(address);
    }

    /** Whether a lock or pin is remembered still, and so has not been given back. */
    public static boolean isOpen(final Entry entry) {
        return ENTRIES.containsValue(entry);
    }

    /** Notes that the current thread opened a view of a hold of a record; returns the address to give it back by. */
    public static long viewed(final long record) {
        if (!ENABLED) {
            return 0;
        }
        final long address = VIEWS.decrementAndGet(); // no word in memory has it
        taken(address, Kind.VIEW, record);
        return address;
    }

    /** Notes that the current thread took a counted hold of a record. */
    public static void counted(final long record) {
        if (ENABLED) {
            add(new Entry(Kind.HOLD, record, "taken"));
        }
    }

    private static void add(final Entry hold) {
        HOLDS.compute(hold.subject, (key, holds) -> {
            final Deque<Entry> all = holds == null ? new ConcurrentLinkedDeque<>() : holds;
            all.add(hold);
            return all;
        });
    }

    /** The entry of a counted hold that the current thread took, if it is to be remembered by sampling. */
    public static @Nullable Entry sampleHold(final long record) {
        if (!Sampling.isDue(0)) {
            return null;
        }
        final Entry hold = new Entry(Kind.HOLD, record, "taken");
        add(hold);
        return hold;
    }

    /** Forgets a sampled hold, which has been given back or cannot be any more; whether it was remembered. */
    public static boolean remove(final Entry hold) {
        final boolean[] removed = {false};
        HOLDS.computeIfPresent(hold.subject, (key, holds) -> {
            removed[0] = holds.remove(hold);
            return holds.isEmpty() ? null : holds;
        });
        return removed[0];
    }

    /** Notes that a counted hold of a record was given back. */
    public static void uncounted(final long record) {
        if (ENABLED) {
            HOLDS.computeIfPresent(record, (key, holds) -> {
                holds.poll();
                return holds.isEmpty() ? null : holds;
            });
            RELEASES.put(record, new Entry(Kind.HOLD, record, "given back"));
        }
    }

    /** Who took what is announced at this address, or null if nothing is, or it is not remembered. */
    public static @Nullable Entry at(final long address) {
        return REMEMBERS ? ENTRIES.get(address) : null;
    }

    /** One that took something of this kind and subject, or null if there is none, or it is not remembered. */
    public static @Nullable Entry find(final Kind kind, final long subject) {
        for (final Entry entry : ENTRIES.values()) {
            if (entry.kind == kind && entry.subject == subject) {
                return entry;
            }
        }
        return null;
    }

    /** Who gave back what was announced at this address last, or null if nobody did, or debug mode is off. */
    public static @Nullable Entry lastRelease(final long address) {
        return ENABLED ? RELEASES.get(address) : null;
    }

    /** Counted holds of a record, oldest first; which of them is left when one is given back is not known. */
    public static List<Entry> holds(final long record) {
        final Collection<Entry> holds = HOLDS.get(record);
        return holds == null ? List.of() : List.copyOf(holds);
    }

    /** What the current thread has taken and not given back, oldest first, without counted holds. */
    public static List<Entry> mine() {
        return ENABLED ? List.copyOf(MINE.get()) : List.of();
    }

    /** Whether the current thread has taken something of this kind and subject and not given it back. */
    public static boolean isMine(final Kind kind, final long subject) {
        for (final Entry entry : mine()) {
            if (entry.kind == kind && entry.subject == subject) {
                return true;
            }
        }
        return false;
    }

    /** All that is taken and not given back: nothing in a quiescent process. */
    public static List<Entry> open() {
        final List<Entry> open = new ArrayList<>(ENTRIES.values());
        HOLDS.values().forEach(open::addAll);
        return open;
    }
}
