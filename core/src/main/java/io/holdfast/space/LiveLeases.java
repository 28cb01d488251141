// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.Iterator;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The leases of a space that have not ended, so that who ends an era can renew them before their readers find out. Keeps
 * none of them alive.
 *
 * <p>Thread-safe; nobody waits for anybody.
 */
final class LiveLeases {
    private final Set<Reference<? extends Renewal>> leases = ConcurrentHashMap.newKeySet();
    private final ReferenceQueue<Renewal> forgotten = new ReferenceQueue<>();

    /** What stands for a lease in this list; not in it yet. */
    WeakReference<Renewal> reference(final Renewal renewal) {
        return new WeakReference<>(renewal, forgotten);
    }

    void add(final Reference<Renewal> lease) {
        Reference<? extends Renewal> gone = forgotten.poll();
        while (gone != null) {
            leases.remove(gone);
            gone = forgotten.poll();
        }
        leases.add(lease);
    }

    void remove(final Reference<Renewal> lease) {
        leases.remove(lease);
    }

    /** Renews all that were added before the current era began. Where memory ends they renew themselves, when next read. */
    void renew() {
        try {
            for (final Iterator<Reference<? extends Renewal>> each = leases.iterator(); each.hasNext();) {
                final Renewal renewal = each.next().get();
                if (renewal == null || !renewal.renewEarly()) {
                    each.remove();
                }
            }
        } catch (final OutOfMemoryError | StackOverflowError e) {
            return;
        }
    }
}
