// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.io.Serial;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;

/**
 * Who took what, where and when, in debug mode; off, and free of cost, unless the system property
 * {@value #PROPERTY} is {@code true}.
 *
 * <p>Entries are kept by the address of the word in which the lock or pin is announced, so each is exact: a hazard or a
 * pin word belongs to one thread, and a lock word has one writer. Thread-safe.
 */
public final class Ledger {
    /** System property that switches debug mode on. */
    public static final String PROPERTY = "io.holdfast.debug";

    /** Whether debug mode is on. Constant, so what depends on it costs nothing where it is off. */
    public static final boolean ENABLED = Boolean.getBoolean(PROPERTY);

    private static final ConcurrentMap<Long, Entry> ENTRIES = new ConcurrentHashMap<>();

    /** The place that took something. */
    public static final class Entry extends Throwable {
        @Serial
        private static final long serialVersionUID = 1;

        private final String threadName;
        private final long threadId;
        private final long sinceNs;

        Entry(final String what) {
            super(what);
            final Thread thread = Thread.currentThread();
            this.threadName = thread.getName();
            this.threadId = thread.threadId();
            this.sinceNs = System.nanoTime();
        }

        /** Name of the thread that took it. */
        public String threadName() {
            return threadName;
        }

        /** Id of the thread that took it. */
        public long threadId() {
            return threadId;
        }

        /** How long ago, in nanoseconds. */
        public long heldNs() {
            return System.nanoTime() - sinceNs;
        }

        @Override
        public String getMessage() {
            return super.getMessage() + " taken by " + threadName + " " + heldNs() / 1_000_000 + " ms ago";
        }
    }

    private Ledger() {
    }

    /** Notes that the current thread took something that is announced at this address. */
    public static void taken(final long address, final String what) {
        if (ENABLED) {
            ENTRIES.put(address, new Entry(what));
        }
    }

    /** Notes that it was given back. */
    public static void released(final long address) {
        if (ENABLED) {
            ENTRIES.remove(address);
        }
    }

    /** Who took what is announced at this address, or null if nothing is, or debug mode is off. */
    public static @Nullable Entry at(final long address) {
        return ENABLED ? ENTRIES.get(address) : null;
    }

    /** Things that are taken; 0 in a quiescent process if every acquire had its release. */
    public static int size() {
        return ENTRIES.size();
    }
}
