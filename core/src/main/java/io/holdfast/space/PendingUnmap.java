// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.event.DrainWaitEvent;
import io.holdfast.event.UnmapEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.memory.RestoreResult;
import io.holdfast.tree.IntervalTree;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;

/**
 * An unmap, from before its point of no return to its end: what the rest of it needs, how far it has come, and who is
 * going on with it. Made before the record is detached, so that nothing has to be made after it.
 *
 * <p>Handed from thread to thread, used by one at a time.
 */
final class PendingUnmap implements AutoCloseable {
    /*
     * Who goes on with it (owner), and what makes the next one:
     *
     *   THREAD      the thread that unmaps               it hands over, ends it, or fails
     *   LEFT        nobody: its thread ran out of heap   the next one that registers an unmap, a round of the
     *               or stack                             reclaimer, or a close: whoever comes first
     *   FOUND       who has found it left                it hands it over, or takes it back if it had not begun
     *   RECLAIMER   a round of the reclaimer             it ends it, or fails, and then the next round
     *   NOBODY      it is over, or never began
     *
     * Registered before its point of no return, it is in a list of the reclaimer until it is over (Reclaimer [W1]). Its
     * thread has it open as a resource (close), or ends it with the change that it belongs to. A thread that fails says so
     * with one store, for which neither heap nor stack is needed. It may have done a part of a step; the step is taken
     * again from its beginning then, so each can be repeated.
     *
     * [W2] All that the thread did to it comes before the store that hands it over or leaves it; who takes it up reads that
     *      store first. Both are volatile, and so is the exchange by which one of several takes up what was left.
     */
    private static final int THREAD = 0;
    private static final int LEFT = 1;
    private static final int RECLAIMER = 2;
    private static final int NOBODY = 3;
    private static final int FOUND = 4;
    private static final VarHandle OWNER;
    private static final VarHandle ACTION;
    private static final Runnable NOTHING = PendingUnmap::runNothing;

    static {
        try {
            OWNER = MethodHandles.lookup().findVarHandle(PendingUnmap.class, "owner", int.class);
            ACTION = MethodHandles.lookup().findVarHandle(PendingUnmap.class, "action", Runnable.class)
                .withInvokeExactBehavior();
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    private static final long NO_ADDRESSES = -1;

    /** How far giving the memory back has come. */
    enum Step { ANNOUNCED, PAGES, HEAP, ADDRESSES, COUNTED }

    private volatile int owner = THREAD; // [W2]

    /** Whether the point of no return is behind it; stored without a call, behind the step that is it. */
    boolean detached;

    /** Whether the region is known to be leased, so that it waits for the end of an era; others may be leased too. */
    boolean leased;

    private long record;
    private long start;
    private long length;
    private long kind;
    private volatile @Nullable Runnable action; // NOTHING when told; by exchange, so that one side, and only one, runs it
    private long tag;
    private boolean waited;
    private final String announcer = WaitReports.nameOfThread();
    private long begunNs;
    private @Nullable UnmapEvent event;
    private @Nullable DrainWaitEvent waitEvent;
    private long announcedNs;
    private long nextReportNs;
    private boolean drained;
    private @Nullable FileShare share;
    private final boolean stays;
    private final Eras.View view = new Eras.View();
    private Step step = Step.ANNOUNCED;
    private RestoreResult result = RestoreResult.RESTORED;
    private boolean removed;
    private final boolean attached;
    private @Nullable Reclaimer reclaimer;

    /** The next one in the list that this is in. */
    @Nullable PendingUnmap next;

    /** The next one in the batch that this is in. */
    @Nullable PendingUnmap behind;

    /** For a region that is going to be detached, or a part that is going to be given back; it may come to nothing. */
    PendingUnmap() {
        this.attached = true;
        this.stays = false;
    }

    /** For pages of a region that stay, and which leases of its earlier lives are not to show any more. */
    static PendingUnmap ofPagesThatStay(final RegionHandle region) {
        return new PendingUnmap(region);
    }

    private PendingUnmap(final RegionHandle region) {
        of(region.record());
        this.attached = false;
        this.stays = true;
        this.detached = true;
        this.drained = true;
        this.tag = 1;
        this.step = Step.COUNTED;
    }

    /** For a record that is never attached: what is mapped, or is going to be given back again. */
    PendingUnmap(final long length, final long kind) {
        this.start = NO_ADDRESSES;
        this.length = length;
        this.kind = kind;
        this.attached = false;
        this.stays = false;
        this.detached = true;
    }

    /** The record that was taken for it. */
    void taken(final long fresh) {
        record = fresh;
    }

    /** The addresses that were taken for it, which are in the tree now. */
    void taken(final long fresh, final long first) {
        record = fresh;
        start = first;
    }

    /** It is of this record, whose range does not change any more, if it comes to pass. */
    void of(final long going) {
        begunNs = System.nanoTime();
        event = UnmapEvent.begun();
        record = going;
        start = RecordLayout.start(going);
        length = RecordLayout.limit(going) - start;
        kind = RecordLayout.kind(going);
    }

    // ----------------------------------------------------------------------------------------------------- who goes on

    /** Whether its thread has left it, and nobody else has found it yet. */
    boolean find() {
        return owner == LEFT && OWNER.compareAndSet(this, LEFT, FOUND);
    }

    boolean isHandedOver() {
        return owner == RECLAIMER;
    }

    /** The reclaimer has it, and what it waits for from now on is reported from time to time. */
    void handOver() {
        announcedNs = System.nanoTime();
        owner = RECLAIMER;
    }

    boolean isOver() {
        return owner == NOBODY;
    }

    /** All is done. */
    void over() {
        owner = NOBODY;
    }

    /** It came to nothing. */
    void cancel() {
        owner = NOBODY;
    }

    /** For its own thread, at its end: where it has come to no end with it, the reclaimer goes on, or takes it back. */
    @Override
    public void close() {
        leave();
        if (owner == LEFT) {
            offer();
        }
    }

    /** The thread goes no further with it; whoever comes by does. */
    void leave() {
        if (owner == THREAD) {
            owner = LEFT;
        }
    }

    private void offer() {
        final Reclaimer known = reclaimer;
        try {
            if (known != null) {
                known.adopt(this);
            }
        } catch (final OutOfMemoryError | StackOverflowError e) {
            // whoever comes by takes it up
        }
    }

    /** The reclaimer knows of it from now on. */
    void registeredWith(final Reclaimer one) {
        reclaimer = one;
    }

    boolean isRegistered() {
        return reclaimer != null;
    }

    // ------------------------------------------------------------------------------------------------------------ steps

    boolean isBefore(final Step other) {
        return step.compareTo(other) < 0;
    }

    void reached(final Step other) {
        step = other;
    }

    /** The pages have been given back, or not. */
    void pages(final RestoreResult how) {
        result = how;
        step = Step.PAGES;
    }

    RestoreResult result() {
        return result;
    }

    /**
     * No reader is left. What one that was inside when the unmap was announced has done to the pages since, the record
     * says now.
     */
    void drained() {
        drained = true;
        if (attached) {
            kind = RecordLayout.kind(record);
        }
        if (event != null) {
            event.drained(ageNs());
        }
    }

    boolean isDrained() {
        return drained;
    }

    /** Nanoseconds since the announcement. */
    long ageNs() {
        return System.nanoTime() - begunNs;
    }

    /** The pages are not as their zone's background has them. */
    void altered() {
        kind |= PageFlags.ALTERED_PAGES;
    }

    /** Whether it was a region; if not, nobody could ever lock it, and it is no unmap that counts. */
    boolean wasRegion() {
        return attached;
    }

    /** Whether nothing is given back, and it is only waited for who reads. */
    boolean stays() {
        return stays;
    }

    /** The pages show a file, or are going to, which has to keep the bytes as long as they do. */
    void shows(final @Nullable FileShare file) {
        if (file != null) { // if not, this is said once more
            share = file;
            file.handOver(true);
        }
    }

    /** The pages do not show a file, and who claimed its bytes for them goes on with that. */
    void showsNothing() {
        final FileShare file = share;
        if (file != null) {
            share = null;
            file.handOver(false);
        }
    }

    /** The pages show their file no more; can be repeated. */
    void releaseFile() {
        final FileShare file = share;
        if (file != null) {
            file.remove();
            share = null;
        }
    }

    /** Whether it has addresses in the tree. */
    boolean hasAddresses() {
        return start != NO_ADDRESSES;
    }

    /** The interval has been removed from the tree, together with others. */
    void removed() {
        removed = true;
    }

    /** Whether the interval has not been removed together with others. */
    boolean isInTree() {
        return !removed;
    }

    /** Removes the interval from the tree, if that is still to be done; can be repeated, also where it has thrown. */
    void removeFrom(final IntervalTree tree) {
        if (!removed) {
            tree.remove(start, record);
        }
    }

    // ------------------------------------------------------------------------------------------------------- properties

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
     * Runs an action when the memory has been given back, in the thread that did it or in this one; one for each unmap. It
     * throws nothing but for want of heap or stack.
     */
    void whenGivenBack(final Runnable one) {
        if (action != null || !ACTION.compareAndSet(this, (Runnable) null, one)) {
            one.run();
        }
    }

    private static void runNothing() {
        // nobody has asked
    }

    /** The memory has been given back, and nobody holds a lock. */
    void tell() {
        final Runnable asked = (Runnable) ACTION.getAndSet(this, NOTHING);
        if (asked != null) {
            asked.run();
        }
    }

    /** The name of the thread that announced it. */
    String announcer() {
        return announcer;
    }

    /** How long it has been in the background, 0 if its own thread waits for it. */
    long waitedNs() {
        return announcedNs == 0 ? 0 : System.nanoTime() - announcedNs;
    }

    /** Whether it is time to say for whom it waits; true once per reporting period. */
    boolean reportDue(final long periodNs) {
        final long waitedNs = waitedNs();
        final boolean due = waitedNs >= periodNs && waitedNs >= nextReportNs;
        if (due) {
            nextReportNs = waitedNs + periodNs;
        }
        return due;
    }

    /** The epoch whose pins are waited for, 0 before the grace period has begun. */
    long tag() {
        return tag;
    }

    void tag(final long epoch) {
        tag = epoch;
    }

    /** Whoever records waits is told of this one, which has just begun. */
    void waits(final @Nullable DrainWaitEvent begun) {
        waitEvent = begun;
    }

    /** Tells whoever records it that no reader is left, if it had to wait for one; allocates nothing otherwise. */
    void tellDrained(final String space) {
        if (waitEvent != null) {
            waitEvent.end(space, start, announcer);
            waitEvent = null;
        }
    }

    /** Tells whoever records it that it is over; allocates nothing otherwise. */
    void tellOver(final String space) {
        if (event != null) {
            event.end(space, start, length, announcer, ageNs(), owner == RECLAIMER, result.name());
            event = null;
        }
    }

    /** What may show the pages when readers have left. */
    Eras.View view() {
        return view;
    }

    /** Whether it has had to wait for readers. */
    boolean hasWaited() {
        return waited;
    }

    /** Whether this is the first time that the unmap has to wait for readers; counts each unmap once. */
    boolean firstWait() {
        final boolean first = !waited;
        waited = true;
        return first;
    }
}
