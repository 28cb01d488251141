// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import io.holdfast.epoch.Ledger;
import java.io.Serial;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Remembers in debug mode what was asked for while what else was held, and refuses an acquire that closes a cycle,
 * whether or not it would wait this time: before anything is acquired, so that nothing has to be undone.
 *
 * <p>Only acquires that can wait make an order; a {@code try} form cannot close a cycle. What is held is what the
 * {@link Ledger} knows of the current thread. One graph for the whole process, under one monitor: debug mode may cost
 * something. Nodes are forgotten when their life is over.
 */
public final class LockOrder {
    private static final Map<Node, Map<Node, Place>> AFTER = new HashMap<>();
    private static final Map<Node, Set<Node>> BEFORE = new HashMap<>();

    /**
     * What is waited for.
     *
     * @param isSection whether this is a write section, and not a region
     * @param subject   the section, by whatever number tells it from others; else the region's record
     */
    record Node(boolean isSection, long subject) {
        static Node of(final Ledger.Entry entry) {
            return new Node(entry.kind() == Ledger.Kind.SECTION, entry.subject());
        }

        @Override
        public String toString() {
            return (isSection ? "section 0x" : "region record 0x") + Long.toHexString(subject);
        }
    }

    /** Where an order was first seen. */
    private static final class Place extends Throwable {
        @Serial
        private static final long serialVersionUID = 1;

        Place(final Node held, final Node wanted) {
            super("thread " + Thread.currentThread().getName() + " asked for " + wanted + " while it held " + held);
        }
    }

    private LockOrder() {
    }

    /**
     * Notes that the current thread asks for a region's lock, and may wait for it. Does nothing for an incarnation that
     * has ended: that is refused and not waited for, and the record may be in another life, with an order of its own.
     *
     * @throws IllegalMonitorStateException if others asked for what this thread holds while they held the region, so
     *                                      that all of them could wait for each other
     */
    public static void beforeRegion(final String operation, final long record, final long incarnation) {
        if (Ledger.ENABLED && RegionLock.isAttached(record, incarnation)) {
            beforeRegion(operation, record);
        }
    }

    /** The same for a region that is there. */
    static void beforeRegion(final String operation, final long record) {
        if (Ledger.ENABLED) {
            before(operation, new Node(false, record));
        }
    }

    /** The same for a write section. */
    public static void beforeSection(final String operation, final long section) {
        if (Ledger.ENABLED) {
            before(operation, new Node(true, section));
        }
    }

    /** Forgets a region whose life is over. */
    public static void forgetRegion(final long record) {
        if (Ledger.ENABLED) {
            forget(new Node(false, record));
        }
    }

    /** Forgets a write section that is over. */
    public static void forgetSection(final long section) {
        if (Ledger.ENABLED) {
            forget(new Node(true, section));
        }
    }

    /** Forgets every order that was seen: what follows has nothing to do with what came before. */
    public static synchronized void forgetAll() {
        AFTER.clear();
        BEFORE.clear();
    }

    private static void before(final String operation, final Node wanted) {
        for (final Ledger.Entry held : Ledger.mine()) {
            if (held.kind().isOrdered() && !Node.of(held).equals(wanted)) {
                before(operation, held, wanted);
            }
        }
    }

    private static synchronized void before(final String operation, final Ledger.Entry held, final Node wanted) {
        final Node holding = Node.of(held);
        final Map<Node, @Nullable Place> after = AFTER.computeIfAbsent(holding, key -> new HashMap<>());
        if (after.containsKey(wanted)) {
            return;
        }
        final List<Node> path = new ArrayList<>(List.of(wanted));
        if (leads(wanted, holding, path, new HashSet<>())) {
            final IllegalMonitorStateException cycle = new IllegalMonitorStateException(operation + " of " + wanted +
                " by a thread that holds " + holding + " could wait for ever: others take them the other way round, " +
                "order=" + path + "; take locks in one order everywhere, or use a try form");
            cycle.initCause(held);
            for (int i = 1; i < path.size(); i++) {
                cycle.addSuppressed(AFTER.getOrDefault(path.get(i - 1), Map.of()).get(path.get(i)));
            }
            throw cycle;
        }
        after.put(wanted, new Place(holding, wanted));
        BEFORE.computeIfAbsent(wanted, key -> new HashSet<>()).add(holding);
    }

    private static boolean leads(final Node from, final Node to, final List<Node> path, final Set<Node> seen) {
        for (final Node next : AFTER.getOrDefault(from, Map.of()).keySet()) {
            if (seen.add(next)) {
                path.add(next);
                if (next.equals(to) || leads(next, to, path, seen)) {
                    return true;
                }
                path.remove(path.size() - 1);
            }
        }
        return false;
    }

    private static synchronized void forget(final Node over) {
        final Map<Node, Place> after = AFTER.remove(over);
        if (after != null) {
            after.keySet().forEach(next -> BEFORE.getOrDefault(next, Set.of()).remove(over));
        }
        final Set<Node> before = BEFORE.remove(over);
        if (before != null) {
            before.forEach(previous -> AFTER.getOrDefault(previous, Map.of()).remove(over));
        }
    }
}
