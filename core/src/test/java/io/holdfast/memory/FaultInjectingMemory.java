// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Passes every call on to another {@link NativeMemory}, counts them, and lets chosen ones fail. Thread-safe; while a rule
 * is armed the calls that it applies to are counted in one order.
 *
 * <p>A rule says which calls fail: the n-th, or all from the n-th on, of those that match. One rule is armed at a time;
 * arming replaces it and begins to count anew.
 */
public final class FaultInjectingMemory extends NativeMemory {
    /** What a failing call does before it reports its error. */
    public enum Damage {
        /** Nothing. */
        NONE,
        /**
         * What Linux can do when a mapping at a fixed address fails: what was there is gone and nothing has come in its
         * place. For calls that replace nothing as {@link #NONE}.
         */
        HOLE,
        /**
         * All of it, and then the error: the way of {@code close}, {@code msync} and {@code madvise}. As {@link #NONE}
         * for the calls whose result would be lost (mmap, mremap, open) and for munmap, which the kernel does or not.
         */
        DONE
    }

    /**
     * One call.
     *
     * @param kind which call
     * @param address the address it was given, of a move the new one; 0 where it has none
     * @param length the length in bytes it was given, 0 where it has none
     */
    public record Call(NativeCall kind, long address, long length) {
    }

    private record Rule(
        Predicate<Call> applies, long first, long last, int errno, Damage damage, AtomicLong matched) {
    }

    private final NativeMemory real;
    private final Map<NativeCall, AtomicLong> counts = new EnumMap<>(NativeCall.class); // not changed once filled
    private final AtomicLong faults = new AtomicLong();
    private final AtomicLong looks = new AtomicLong();
    private final List<Call> recorded = new ArrayList<>();
    private volatile @Nullable Rule rule;
    private volatile Runnable afterDamage = () -> { };
    private volatile @Nullable LongConsumer onChoice;
    private volatile long hole;
    private volatile boolean recording;
    private volatile boolean forgetful;
    private volatile long maxMapCount = -1;
    private volatile boolean countHidden;
    private volatile long freeBytes = -1;

    /**
     * Wraps other calls; no rule is armed.
     *
     * @param real the calls that are made in truth
     */
    public FaultInjectingMemory(final NativeMemory real) {
        this.real = real;
        for (final NativeCall kind : NativeCall.values()) {
            counts.put(kind, new AtomicLong());
        }
    }

    /** Arms: the n-th call from now on fails, whichever it is. */
    public void failNth(final long n, final int errno, final Damage damage) {
        arm(call -> true, n, n, errno, damage);
    }

    /** Arms: the n-th call of one kind from now on fails. */
    public void failNth(final NativeCall kind, final long n, final int errno, final Damage damage) {
        arm(call -> call.kind() == kind, n, n, errno, damage);
    }

    /** Arms: from the n-th call of one kind from now on, every one fails until another rule is armed. */
    public void failFrom(final NativeCall kind, final long n, final int errno, final Damage damage) {
        arm(call -> call.kind() == kind, n, Long.MAX_VALUE, errno, damage);
    }

    /**
     * Arms: among the calls that apply, those from the first to the last one fail.
     *
     * @param applies tells which calls are counted; called by the threads that make them
     * @param first the number of the first failing call, from 1
     * @param last the number of the last failing call
     * @param errno the error that they report, positive
     * @param damage what they do before
     */
    public void arm(
        final Predicate<Call> applies, final long first, final long last, final int errno, final Damage damage) {
        if (first < 1 || last < first || errno <= 0) {
            throw new IllegalArgumentException("rule out of range: first=" + first + ", last=" + last + ", errno=" +
                errno + "; count from 1 and give a positive error number");
        }
        rule = new Rule(applies, first, last, errno, damage, new AtomicLong());
    }

    /** Sets that heap ends where the page size is asked for the n-th time from now on, once; never with 0. */
    public void endHeapAtLook(final long n) {
        looks.set(n);
    }

    /** Lets all calls pass again. */
    public void disarm() {
        rule = null;
    }

    /**
     * Sets what runs between a fault's damage and its report, in the calling thread: for instance somebody else's
     * mapping that takes the place of the hole.
     */
    public void afterDamage(final Runnable action) {
        afterDamage = action;
    }

    /**
     * Lets mappings whose address is the kernel's choice go into the latest hole, where that is still free, as a kernel
     * does that finds no room above it.
     *
     * @param action is told the address of each such mapping before its call returns, in the calling thread
     */
    public void chooseHoles(final LongConsumer action) {
        onChoice = action;
    }

    /**
     * Sets whether {@link #MAP_FIXED_NOREPLACE} is unknown, as before Linux 4.17: the address is then a wish only.
     */
    public void forgetNoReplace(final boolean on) {
        forgetful = on;
    }

    /** Sets the largest number of mappings that is reported, or with -1 reports the true one. */
    public void reportMaxMapCount(final long count) {
        maxMapCount = count;
    }

    /** Sets whether the kernel's list of mappings cannot be read. */
    public void hideMapCount(final boolean on) {
        countHidden = on;
    }

    /** Sets how many bytes are reported to be free on every file system, or with -1 reports the truth. */
    public void reportFreeBytes(final long bytes) {
        freeBytes = bytes;
    }

    /** Starts or stops recording; starting forgets what was recorded before. */
    public void record(final boolean on) {
        synchronized (recorded) {
            if (on) {
                recorded.clear();
            }
            recording = on;
        }
    }

    /** {@return the recorded calls in order} */
    public List<Call> recorded() {
        synchronized (recorded) {
            return List.copyOf(recorded);
        }
    }

    /** {@return the number of calls so far, failed ones included} */
    public long calls() {
        return counts.values().stream().mapToLong(AtomicLong::get).sum();
    }

    /** {@return the number of calls of one kind so far, failed ones included} */
    public long calls(final NativeCall kind) {
        return count(kind).get();
    }

    private AtomicLong count(final NativeCall kind) {
        return Objects.requireNonNull(counts.get(kind));
    }

    /** {@return the number of calls that were made to fail so far} */
    public long faults() {
        return faults.get();
    }

    private @Nullable Rule enter(final NativeCall kind, final long address, final long length) {
        count(kind).incrementAndGet();
        final Rule armed = rule;
        if (armed == null && !recording) {
            return null;
        }
        final Call call = new Call(kind, address, length);
        if (recording) {
            synchronized (recorded) {
                recorded.add(call);
            }
        }
        if (armed == null || !armed.applies.test(call)) {
            return null;
        }
        final long number = armed.matched.incrementAndGet();
        return number >= armed.first && number <= armed.last ? armed : null;
    }

    private int fail(final Rule fault) {
        faults.incrementAndGet();
        afterDamage.run();
        return -fault.errno;
    }

    private int failReplacing(final Rule fault, final boolean replaces, final long address, final long length) {
        if (replaces && fault.damage == Damage.HOLE) {
            real.munmap(address, length);
            hole = address;
        }
        return fail(fault);
    }

    private int known(final int flags) {
        return forgetful ? flags & ~MAP_FIXED_NOREPLACE : flags;
    }

    private static boolean isDone(final Rule fault) {
        return fault.damage == Damage.DONE;
    }

    @Override
    public long mmap(
        final long address, final long length, final int protection, final int flags, final int descriptor,
        final long offset) {
        final Rule fault = enter(NativeCall.MMAP, address, length);
        if (fault != null) {
            return failReplacing(fault, (flags & MAP_FIXED) != 0, address, length);
        }
        final LongConsumer told = address == 0 ? onChoice : null;
        final long wish = told == null ? address : hole;
        final long placed = real.mmap(wish, length, protection, known(flags), descriptor, offset);
        if (told != null) {
            told.accept(placed);
        }
        return placed;
    }

    @Override
    public long mremap(
        final long address, final long length, final long newLength, final int flags, final long newAddress) {
        final Rule fault = enter(NativeCall.MREMAP, newAddress, newLength);
        return fault == null
            ? real.mremap(address, length, newLength, flags, newAddress)
            : failReplacing(fault, (flags & MREMAP_FIXED) != 0, newAddress, newLength);
    }

    @Override
    public int open(final MemorySegment path, final int flags, final int mode) {
        final Rule fault = enter(NativeCall.OPEN, 0, 0);
        return fault == null ? real.open(path, flags, mode) : fail(fault);
    }

    @Override
    public int membarrier(final int command) {
        final Rule fault = enter(NativeCall.MEMBARRIER, 0, 0);
        final int result = fault == null || isDone(fault) ? real.membarrier(command) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int munmap(final long address, final long length) {
        final Rule fault = enter(NativeCall.MUNMAP, address, length);
        return fault == null ? real.munmap(address, length) : fail(fault);
    }

    @Override
    public int mprotect(final long address, final long length, final int protection) {
        final Rule fault = enter(NativeCall.MPROTECT, address, length);
        final int result = fault == null || isDone(fault) ? real.mprotect(address, length, protection) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int madvise(final long address, final long length, final int advice) {
        final Rule fault = enter(NativeCall.MADVISE, address, length);
        final int result = fault == null || isDone(fault) ? real.madvise(address, length, advice) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int msync(final long address, final long length, final int flags) {
        final Rule fault = enter(NativeCall.MSYNC, address, length);
        final int result = fault == null || isDone(fault) ? real.msync(address, length, flags) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int mlock(final long address, final long length) {
        final Rule fault = enter(NativeCall.MLOCK, address, length);
        final int result = fault == null || isDone(fault) ? real.mlock(address, length) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int munlock(final long address, final long length) {
        final Rule fault = enter(NativeCall.MUNLOCK, address, length);
        final int result = fault == null || isDone(fault) ? real.munlock(address, length) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int mincore(final long address, final long length, final long vector) {
        final Rule fault = enter(NativeCall.MINCORE, address, length);
        final int result = fault == null || isDone(fault) ? real.mincore(address, length, vector) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int close(final int descriptor) {
        final Rule fault = enter(NativeCall.CLOSE, 0, 0);
        final int result = fault == null || isDone(fault) ? real.close(descriptor) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int statx(
        final int directory, final MemorySegment path, final int flags, final int mask, final MemorySegment buffer) {
        final Rule fault = enter(NativeCall.STATX, 0, 0);
        final int result = fault == null || isDone(fault) ? real.statx(directory, path, flags, mask, buffer) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int fstatfs(final int descriptor, final MemorySegment buffer) {
        final Rule fault = enter(NativeCall.FSTATFS, 0, 0);
        final int result = fault == null || isDone(fault) ? real.fstatfs(descriptor, buffer) : 0;
        final long reported = freeBytes;
        if (reported >= 0) {
            FileSystemStatus.pretendFree(buffer, reported);
        }
        return fault == null ? result : fail(fault);
    }

    @Override
    public int ftruncate(final int descriptor, final long length) {
        final Rule fault = enter(NativeCall.FTRUNCATE, 0, length);
        final int result = fault == null || isDone(fault) ? real.ftruncate(descriptor, length) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public int fallocate(final int descriptor, final int mode, final long offset, final long length) {
        final Rule fault = enter(NativeCall.FALLOCATE, 0, length);
        final int result = fault == null || isDone(fault) ? real.fallocate(descriptor, mode, offset, length) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public long pread(final int descriptor, final long address, final long length, final long offset) {
        final Rule fault = enter(NativeCall.PREAD, address, length);
        final long result = fault == null || isDone(fault) ? real.pread(descriptor, address, length, offset) : 0;
        return fault == null ? result : fail(fault);
    }

    @Override
    public long pwrite(final int descriptor, final long address, final long length, final long offset) {
        final Rule fault = enter(NativeCall.PWRITE, address, length);
        final long result = fault == null || isDone(fault) ? real.pwrite(descriptor, address, length, offset) : 0;
        return fault == null ? result : fail(fault);
    }
    @Override
    public int pageSize() {
        if (looks.get() != 0 && looks.decrementAndGet() == 0) {
            throw new OutOfMemoryError("injected");
        }
        return real.pageSize();
    }

    @Override
    public long maxMapCount() {
        final long reported = maxMapCount;
        return reported < 0 ? real.maxMapCount() : reported;
    }

    @Override
    public long mapCount() {
        return countHidden ? 0 : real.mapCount();
    }
}
