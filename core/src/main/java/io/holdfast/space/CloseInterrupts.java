// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Takes back the interrupt that the JDK leaves in a thread which it finds inside an access when it closes a shared arena:
 * it throws into that thread, and sets its interrupt status.
 *
 * <p>Thread-safe; nobody waits.
 */
final class CloseInterrupts {
    /*
     * [R9] Once it is set, nobody can tell who has set it. So the thread that closes looks at all platform threads before
     * and afterwards. Those that are interrupted before, and not by an earlier close, stay so. A thread that was hit, and
     * was not among them, takes the status back; an interrupt that somebody else sends between the look and the hit goes
     * with it. Of two closes at the same time one may take the other's hit for somebody's interrupt, which then stays; so
     * do all where there is no heap or stack for the look. A virtual thread keeps its own status: the JDK sets that of its
     * carrier, which is put right when a thread is mounted.
     */
    private static final int STARTED_MEANWHILE = 64;

    private final Set<Thread> hit = Collections.synchronizedSet(threads());
    private volatile @Nullable Set<Thread> before;

    /** Looks which threads are interrupted already. */
    void beforeClose() {
        try {
            final Set<Thread> now = interrupted();
            hit.retainAll(now);
            now.removeAll(hit);
            before = now;
        } catch (final OutOfMemoryError | StackOverflowError e) {
            before = null;
        }
    }

    /** Looks which threads have been interrupted meanwhile. */
    void afterClose() {
        try {
            final Set<Thread> known = before;
            if (known != null) {
                final Set<Thread> now = interrupted();
                now.removeAll(known);
                hit.addAll(now);
            }
        } catch (final OutOfMemoryError | StackOverflowError e) {
            before = null;
        }
    }

    private static Set<Thread> threads() {
        return Collections.newSetFromMap(new IdentityHashMap<>());
    }

    private static Set<Thread> interrupted() {
        ThreadGroup all = Thread.currentThread().getThreadGroup();
        for (ThreadGroup parent = all.getParent(); parent != null; parent = all.getParent()) {
            all = parent;
        }
        final Thread[] threads = new Thread[all.activeCount() + STARTED_MEANWHILE];
        final int count = all.enumerate(threads);
        final Set<Thread> found = threads();
        for (int i = 0; i < count; i++) {
            if (threads[i].isInterrupted()) {
                found.add(threads[i]);
            }
        }
        return found;
    }

    /** For a thread whose access has thrown because of a close. */
    void takeBack() {
        final Thread current = Thread.currentThread();
        final Set<Thread> kept = before;
        if (kept != null && !current.isVirtual() && current.isInterrupted() && !kept.contains(current)) {
            final boolean taken = Thread.interrupted();
            assert taken;
            hit.remove(current);
        }
    }
}
