// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MappingException;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import io.holdfast.epoch.Waiting;
import io.holdfast.memory.FileHandle;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A file as this process has it mapped: one for each device and inode, whatever space, path or link it came by. It knows
 * what is mapped of the file, or is going to be, lets one thread at a time change its length, and keeps a descriptor open
 * for as long as a region may do so.
 *
 * <p>Thread-safe. The monitor is held for a few steps without a call; calls to the system are made by who holds the file
 * ({@link #hold}), and who holds it waits for nothing. Who gives something back waits for nobody: where the file is held,
 * the holder does it.
 */
final class MappedFile {
    /*
     * What is claimed stands in a list of shares. The file never becomes shorter, by this process, than the claims say:
     *
     * [F1] A share of the file as it is: read CUTS; ask the system for the size; then, in the monitor, link the share if
     *      CUTS is the same and the share ends before every cut under way. Pairs with [F2]. Without it a mapping could
     *      rely on a size from before a cut that has not seen it.
     * [F2] A cut: in the monitor, look for shares behind the new end, and announce it; ftruncate; count it in CUTS; end
     *      the announcement. So a share is linked before the look, and seen, or links against the announcement, or finds
     *      CUTS changed and asks for the size again.
     * [F3] A growth: hold the file; in the monitor, claim what is wanted, unless it lies behind an announced cut; then
     *      look at the length and let the file grow. The claim comes first, so no cut comes between.
     *
     * A cut is announced before its region is cut, and carried out when the pages behind its end have been given back,
     * which may be much later: for everybody who maps or grows, the file ends there from the announcement on, and nobody
     * waits.
     *
     * A growth that came to nothing is taken back when its pages are gone: only if the length is what it set, and not
     * below any claim. If another growth came on top of it, that one inherits where to go back to.
     */
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());
    private static final ConcurrentMap<Identity, MappedFile> ALL = new ConcurrentHashMap<>();
    private static final AtomicLong CUTS = new AtomicLong(); // of all files, since they are few
    private static final long NONE = Long.MAX_VALUE;

    private record Identity(long device, long inode) {
    }

    private final Identity identity;
    private int users; // shares, a cut, and threads that have joined
    private int writers; // shares and cuts that need the descriptor
    private volatile boolean gone;
    private @Nullable FileHandle descriptor;
    private @Nullable FileHandle closing; // by whoever comes by
    private @Nullable FileShare shares;
    private @Nullable Cut cut;
    private long backTo = NONE; // where a growth that is being taken back will have the file end
    private @Nullable Thread holder;
    private String purpose = "";
    private @Nullable FileShare due;

    private MappedFile(final Identity identity) {
        this.identity = identity;
    }

    // --------------------------------------------------------------------------------------------------------- users

    /** The file behind an open handle, which stays until {@link #leave}. */
    static MappedFile join(final FileHandle opened) {
        final Identity identity = new Identity(opened.device(), opened.inode());
        while (true) {
            final MappedFile file = ALL.computeIfAbsent(identity, MappedFile::new);
            if (file.enter()) {
                return file;
            }
            ALL.remove(identity, file); // its last user is about to
        }
    }

    private synchronized boolean enter() {
        if (!gone) {
            users++;
        }
        return !gone;
    }

    /** Ends a {@link #join}. */
    void leave() {
        synchronized (this) {
            uncount(false);
        }
        settle();
    }

    /** One user less, in the monitor; {@link #settle} follows. */
    private void uncount(final boolean writer) {
        if (writer) {
            writers--;
        }
        users--;
        if (users == 0) {
            gone = true;
        }
    }

    /**
     * What follows a smaller count, outside of the monitor, since a close may take long. Can be repeated, since heap or
     * stack may end on the way: what is to be closed is remembered until it is.
     */
    private void settle() {
        if (gone) {
            ALL.remove(identity, this);
        }
        for (FileHandle unused = unused(); unused != null; unused = unused()) {
            close(unused);
            closed(unused);
        }
    }

    private synchronized @Nullable FileHandle unused() {
        if (closing == null && writers == 0) {
            closing = descriptor;
            descriptor = null;
        }
        return closing;
    }

    private synchronized void closed(final FileHandle handle) {
        if (closing == handle) {
            closing = null;
        }
    }

    /** Nothing was written through it, so an error of the device is nobody's loss here. */
    private static void close(final FileHandle handle) {
        try {
            handle.close();
        } catch (final UncheckedIOException e) {
            LOGGER.log(Level.WARNING, "closing a file that was mapped failed", e);
        }
    }

    /** Whether an open handle is of this file. */
    boolean isBehind(final FileHandle opened) {
        return opened.inode() == identity.inode && opened.device() == identity.device;
    }

    /** Whether a handle is the one that is kept open here. */
    synchronized boolean owns(final FileHandle handle) {
        return descriptor == handle;
    }

    /** The open file, for who has a share that may change its length. */
    synchronized FileHandle descriptor() {
        return Objects.requireNonNull(descriptor);
    }

    // -------------------------------------------------------------------------------------------------------- shares

    /** How often a file has been cut; read before the size is looked at [F1]. */
    static long cuts() {
        return CUTS.get();
    }

    /** Where the file is going to end at the latest: a size above it is not to be relied on. */
    synchronized long limit() {
        final Cut coming = cut();
        return Math.min(coming == null ? NONE : coming.end, backTo);
    }

    /**
     * Links a share of the file as it is; false if the file may have been cut since, and its size is to be looked at again.
     *
     * @param opened kept open if the share needs it
     * @param before {@link #cuts} from before the size was looked at
     */
    synchronized boolean add(final FileShare share, final FileHandle opened, final long before) {
        final boolean valid = CUTS.get() == before && share.end <= limit(); // [F1]
        if (valid) {
            link(share, opened);
        }
        return valid;
    }

    /** Links a share of what another one has that is linked. */
    synchronized void addPart(final FileShare share) {
        link(share, null);
    }

    private void link(final FileShare share, final @Nullable FileHandle opened) {
        if (share.region().mayResize()) {
            writers++;
            if (descriptor == null) {
                descriptor = opened;
            }
        }
        users++;
        share.linked = true;
        share.next = shares;
        if (shares != null) {
            shares.previous = share;
        }
        shares = share;
    }

    /** See {@link FileShare#remove}. */
    void remove(final FileShare share) {
        synchronized (this) {
            share.end = 0;
            if (share.linked && share.hasGrown()) {
                if (isHeld()) {
                    leaveToHolder(share);
                    return;
                }
                begin("giving back");
            }
        }
        if (share.linked && share.hasGrown()) {
            try {
                takeBack(share);
            } finally {
                letGo();
            }
        }
        unlink(share);
    }

    private void leaveToHolder(final FileShare share) {
        if (!share.due) {
            share.due = true;
            share.nextDue = due;
            due = share;
        }
    }

    private void unlink(final FileShare share) {
        synchronized (this) {
            if (share.linked) {
                share.linked = false;
                take(share);
                uncount(share.region().mayResize());
            }
        }
        settle();
    }

    /** Takes a share out of the list. */
    private void take(final FileShare share) {
        final FileShare before = share.previous;
        final FileShare after = share.next;
        if (before == null) {
            shares = after;
        } else {
            before.next = after;
        }
        if (after != null) {
            after.previous = before;
        }
        share.previous = null;
        share.next = null;
    }

    // ------------------------------------------------------------------------------------------------------- holding

    /**
     * Waits until no other thread changes the length; false if the waiting gave up. The thread has joined, or has a share.
     * It may be in a range of a space, and must not hold another file.
     */
    boolean hold(final String operation, final Waiting waiting, final WaitReports reports) {
        while (!tryHold(operation)) {
            if (!waiting.pause()) {
                return false;
            }
            if (waiting.reportDue()) {
                report(operation, waiting.elapsedNs(), reports);
            }
        }
        return true;
    }

    private synchronized boolean tryHold(final String operation) {
        final boolean free = !isHeld();
        if (free) {
            begin(operation);
        }
        return free;
    }

    /** Whether a living thread holds the file; what a dead one has left unsaid is made up for. */
    private boolean isHeld() {
        final Thread other = holder;
        if (other == null || other.isAlive()) {
            return other != null;
        }
        LOGGER.log(Level.WARNING, "a thread died while it changed the length of a file: thread=" + other.getName() +
            ", operation=" + purpose + ", inode=" + identity.inode + "; the file may be longer than it should be");
        CUTS.incrementAndGet(); // it may have cut the file
        backTo = NONE;
        holder = null;
        return false;
    }

    private void begin(final String operation) {
        purpose = operation;
        holder = Thread.currentThread();
    }

    /** Ends a hold, after what others have left to the holder. */
    void letGo() {
        boolean ended = false;
        try {
            while (doDue()) {
                // one after the other, without the monitor
            }
            ended = true;
        } finally {
            if (!ended) {
                synchronized (this) {
                    holder = null;
                }
            }
        }
    }

    /** Does one thing that was left; if there is none, the file is not held any more. */
    private boolean doDue() {
        final FileShare share;
        final Cut coming;
        synchronized (this) {
            share = due;
            coming = share == null && cut != null && cut.due ? cut : null;
            if (share != null) {
                due = share.nextDue;
            } else if (coming == null) {
                holder = null;
                return false;
            }
        }
        if (share != null) {
            try {
                takeBack(share);
            } finally {
                unlink(share);
            }
        } else {
            Objects.requireNonNull(coming).carryOutAndLog();
        }
        return true;
    }

    private void report(final String operation, final long elapsedNs, final WaitReports reports) {
        final Thread other;
        final String what;
        synchronized (this) {
            other = holder;
            what = "length of a file, " + operation + " waits for " + purpose + ": " + describe();
        }
        reports.report(what, elapsedNs, other == null ? List.of() : List.of(
            new WaitReport.Holder(other.threadId(), other.getName(), WaitReport.How.FILE, null, null)));
    }

    private String describe() {
        final FileShare any = shares;
        return (any == null ? "" : "path=" + any.region().path() + ", ") + "inode=" + identity.inode;
    }

    // ------------------------------------------------------------------------------------------------------- growing

    /** Links a share and lets the file grow for it, for who holds the file [F3]. */
    void addGrowing(final FileShare share, final FileHandle opened, final String operation) {
        claim(share, share.end, opened, operation);
        grow(share, opened, operation);
    }

    /** Lets a linked share claim more, and the file grow for it, for who holds the file [F3]. */
    void grow(final FileShare share, final long end, final String operation) {
        claim(share, end, null, operation);
        grow(share, descriptor(), operation);
    }

    private void claim(final FileShare share, final long end, final @Nullable FileHandle opened, final String operation) {
        final long ends;
        synchronized (this) {
            ends = limit();
            if (end <= ends) {
                share.end = end;
                if (!share.linked) {
                    link(share, opened);
                }
                return;
            }
        }
        throw new MappingException(operation + " failed: the file is being truncated: path=" + share.region().path() +
            ", end=" + end + ", truncated to " + ends + "; try again when that is over");
    }

    private void grow(final FileShare share, final FileHandle file, final String operation) {
        file.ensureLength(operation, share.end, size -> {
            synchronized (this) {
                share.grownFrom = size;
                share.grownTo = Math.max(size, share.end);
            }
        });
    }

    /** A growth in place came to nothing, for who holds the file. */
    void takeBack(final FileShare share, final long end) {
        synchronized (this) {
            share.end = end;
        }
        takeBack(share);
    }

    private void takeBack(final FileShare share) {
        if (!share.hasGrown()) {
            return;
        }
        try {
            final FileHandle file = descriptor();
            final long size = file.size("truncate");
            final long end = announceBack(share, size);
            if (end < size) {
                try {
                    file.truncate(end);
                } finally {
                    CUTS.incrementAndGet(); // [F2]
                    synchronized (this) {
                        backTo = NONE;
                    }
                }
            }
        } catch (final UncheckedIOException e) {
            LOGGER.log(Level.WARNING, "a file keeps the length to which a failed operation has extended it: path=" +
                share.region().path(), e);
        }
        share.keep();
    }

    /** Where a growth that came to nothing leaves the file, whose size is that if there is nothing to be done. */
    private synchronized long announceBack(final FileShare share, final long size) {
        if (size != share.grownTo) {
            inherit(share);
            return size;
        }
        long end = share.grownFrom;
        for (FileShare each = shares; each != null; each = each.next) {
            end = Math.max(end, each.end);
        }
        if (end < size) {
            backTo = end; // [F2]
        }
        return Math.min(end, size);
    }

    private void inherit(final FileShare share) {
        for (FileShare each = shares; each != null; each = each.next) {
            if (each.hasGrown() && each.grownFrom == share.grownTo) {
                each.grownFrom = share.grownFrom;
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------- cutting

    /**
     * Announces a cut [F2]. From here on the file ends there for everybody who maps or grows; it is to be carried out, or
     * withdrawn.
     *
     * @param own the share of the region that is cut with the file
     * @throws RegionException if something else claims what the file would lose
     */
    Cut announceCut(final FileShare own, final long end) {
        final Cut announced = new Cut(end);
        final String obstacle;
        synchronized (this) {
            obstacle = obstacle(own, end);
            if (obstacle == null) {
                users++;
                writers++;
                cut = announced;
                return announced;
            }
        }
        throw new RegionException("truncate of a file " + obstacle + ": path=" + own.region().path() + ", end=" + end,
            null);
    }

    private @Nullable String obstacle(final FileShare own, final long end) {
        final Cut other = cut();
        if (other != null) {
            return "that is being truncated to " + other.end + " already; try again when that is over";
        }
        for (FileShare each = shares; each != null; each = each.next) {
            if (each != own && each.end > end) {
                return "of which another region maps more, or has not been given back: it ends at " + each.end +
                    "; unmap or cut that one first";
            }
        }
        return null;
    }

    /** The cut under way; one whose thread died before it could be carried out is forgotten. */
    private @Nullable Cut cut() {
        final Cut known = cut;
        if (known == null || known.isAlive()) {
            return known;
        }
        cut = null;
        users--; // not the last ones: the caller has others
        writers--;
        return null;
    }

    /** A cut that is announced. */
    final class Cut {
        private final long end;
        private @Nullable Thread thread = Thread.currentThread(); // null once it is in the background
        private boolean due;

        private Cut(final long end) {
            this.end = end;
        }

        private boolean isAlive() {
            final Thread own = thread;
            return own == null || own.isAlive();
        }

        /** It comes to nothing, or has been carried out. Can be repeated. */
        void withdraw() {
            synchronized (MappedFile.this) {
                if (cut == this) {
                    cut = null;
                    uncount(true);
                }
            }
            settle();
        }

        /**
         * Cuts the file; nothing may show what lies behind the end any more. If the waiting gives up, whoever holds the
         * file does it.
         *
         * @throws MappingException     if pages that the system did not take back still show it
         * @throws UncheckedIOException if the file cannot be cut
         */
        void carryOut(final Waiting waiting, final WaitReports reports) {
            if (!hold("truncate", waiting, reports)) {
                carryOutLater();
                return;
            }
            try {
                carryOut();
            } finally {
                letGo();
            }
        }

        /** The thread does not wait for the end of what keeps the file from being cut; it will be carried out later. */
        void goesOn() {
            synchronized (MappedFile.this) {
                thread = null;
            }
        }

        /** The same by somebody who must not wait; what fails is logged. */
        void carryOutLater() {
            synchronized (MappedFile.this) {
                thread = null;
                due = true;
                if (cut != this || isHeld()) {
                    return;
                }
                begin("truncate");
            }
            letGo();
        }

        private void carryOutAndLog() {
            try {
                carryOut();
            } catch (final RuntimeException e) { // an error of the disk, or pages that the system did not take back
                LOGGER.log(Level.ERROR, "a file was not truncated in the background: " + describe() + ", end=" + end, e);
            }
        }

        private void carryOut() {
            try {
                final FileShare other = firstBehind();
                if (other != null) {
                    throw new MappingException("truncate failed: the system did not take back the pages behind the new " +
                        "end, so the file keeps them: path=" + other.region().path() + ", end=" + end + "; try again");
                }
                descriptor().truncate(end);
            } finally {
                CUTS.incrementAndGet(); // [F2]
                withdraw();
            }
        }

        private @Nullable FileShare firstBehind() {
            synchronized (MappedFile.this) {
                FileShare each = shares;
                while (each != null && each.end <= end) {
                    each = each.next;
                }
                return each;
            }
        }
    }
}
