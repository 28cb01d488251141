// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.layout.RecordLayout;
import io.holdfast.tree.IntervalTree;
import io.holdfast.tree.PreparedRemoval;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * An unmap past its point of no return: the record is detached, nobody can lock it, and what the rest needs has been
 * taken already. Handed from thread to thread, used by one at a time.
 */
final class PendingUnmap {
    private final long record;
    private final long start;
    private final long length;
    private long kind;
    private final CompletableFuture<Void> completion = new CompletableFuture<>();
    private @Nullable PreparedRemoval removal;
    private long tag;
    private boolean waited;
    private volatile boolean restored;

    /**
     * For a region that was attached.
     *
     * @param removal null where the tree is to be asked for nodes later, and the removal may have to be tried again
     */
    PendingUnmap(final long record, final @Nullable PreparedRemoval removal) {
        this(record, RecordLayout.start(record), RecordLayout.limit(record) - RecordLayout.start(record),
            RecordLayout.kind(record), removal);
    }

    /** For a record that was never attached. */
    PendingUnmap(final long record, final long start, final long length, final long kind) {
        this(record, start, length, kind, null);
    }

    private PendingUnmap(final long record, final long start, final long length, final long kind,
                         final @Nullable PreparedRemoval removal) {
        this.record = record;
        this.start = start;
        this.length = length;
        this.kind = kind;
        this.removal = removal;
    }

    long record() {
        return record;
    }

    /** First page, as an offset in the space. */
    long start() {
        return start;
    }

    /** Bytes of address range. */
    long length() {
        return length;
    }

    long end() {
        return start + length;
    }

    long kind() {
        return kind;
    }

    /**
     * No reader is left. What one that was inside when the unmap was announced has done to the pages since, the record
     * says now.
     */
    void drained() {
        kind = RecordLayout.kind(record);
    }

    /** Removes the interval from the tree; only a removal that was not prepared can throw. */
    void removeFrom(final IntervalTree tree) {
        final PreparedRemoval prepared = removal;
        if (prepared == null) {
            tree.remove(start);
        } else {
            removal = null;
            prepared.commit(start);
        }
    }

    /** The addresses can never be used again, so the interval stays. */
    void keepAddresses() {
        final PreparedRemoval prepared = removal;
        if (prepared != null) {
            removal = null;
            prepared.close();
        }
    }

    /** Whether the pages have been given back, so that only the addresses have to be freed. */
    boolean isRestored() {
        return restored;
    }

    void restored() {
        restored = true;
    }

    /** Completes when the memory has been given back. */
    CompletableFuture<Void> completion() {
        return completion;
    }

    /** Runs an action that throws nothing when the memory has been given back, in the thread that did it or in this one. */
    @SuppressWarnings("FutureReturnValueIgnored")
    void whenGivenBack(final Runnable action) {
        completion.thenRun(action);
    }

    /** The epoch whose pins are waited for, 0 before the grace period has begun. */
    long tag() {
        return tag;
    }

    void tag(final long epoch) {
        tag = epoch;
    }

    /** Whether this is the first time that the unmap has to wait for readers; counts each unmap once. */
    boolean firstWait() {
        final boolean first = !waited;
        waited = true;
        return first;
    }
}
