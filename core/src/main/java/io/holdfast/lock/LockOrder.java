// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Remembers in debug mode which region was waited for while which others were held, and reports a cycle when it first
 * could close, whether or not it does so this time.
 *
 * <p>Only acquires that can wait make an order; a {@code try} form cannot close a cycle. One graph for the whole
 * process, under one monitor: debug mode may cost something. Records are forgotten when they are detached.
 */
final class LockOrder {
    private static final Map<Long, Set<Long>> AFTER = new HashMap<>();
    private static final AtomicLong CYCLES = new AtomicLong();

    private LockOrder() {
    }

    /**
     * Notes that a thread that holds some records is about to wait for another.
     *
     * @return the records of a cycle that this closes, beginning and ending with {@code wanted}; empty if there is none
     */
    static synchronized List<Long> waits(final List<Long> held, final long wanted) {
        for (final long each : held) {
            if (each == wanted) {
                continue;
            }
            final List<Long> path = new ArrayList<>();
            if (isKnownNew(each, wanted) && leads(wanted, each, path, new HashSet<>())) {
                CYCLES.incrementAndGet();
                path.add(0, wanted);
                path.add(wanted);
                return path;
            }
        }
        return List.of();
    }

    private static boolean isKnownNew(final long before, final long after) {
        return AFTER.computeIfAbsent(before, key -> new HashSet<>()).add(after);
    }

    private static boolean leads(final long from, final long to, final List<Long> path, final Set<Long> seen) {
        for (final long next : AFTER.getOrDefault(from, Set.of())) {
            if (next == to) {
                path.add(next);
                return true;
            }
            if (seen.add(next)) {
                path.add(next);
                if (leads(next, to, path, seen)) {
                    return true;
                }
                path.remove(path.size() - 1);
            }
        }
        return false;
    }

    /** Forgets a record whose life is over. */
    static synchronized void forget(final long record) {
        AFTER.remove(record);
        AFTER.values().forEach(each -> each.remove(record));
    }

    /** Cycles reported so far. */
    static long cycles() {
        return CYCLES.get();
    }
}
