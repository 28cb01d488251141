// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.lock.RegionLock;
import java.io.Serial;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * The beginning and the end of a shared lock, and the beginning of a pin, where the {@linkplain
 * io.holdfast.lock.SharedFastPath fast path} is not open. Nobody throws it.
 *
 * <p>A guard or a pin costs no allocation where the compiler inlines the calls that take and close it. It does so while
 * their own code is small (HotSpot's {@code InlineSmallCode}), whatever else is true, and the full forms are large. They
 * would be a part of it as soon as its profile has seen them often, which only takes enough threads, since the first
 * announcements of each come here. So they have to stay calls. They are given what is in a guard, and not the guard, which
 * would have to exist for them.
 */
final class SlowPath extends Throwable {
    /*
     * HotSpot inlines no method of a Throwable into a method that was itself inlined into one of another class. Hence two
     * steps each: the first may be inlined into share(), pin() and close() themselves. GuardAllocationTest fails when that
     * changes.
     *
     * Outside of the JDK nothing says it better. What a read of 16 threads allocated instead of nothing (JDK 25): 168 bytes
     * with plain calls; 336 with calls of an interface, or an abstract class, of which three implementations are loaded,
     * since the compiler follows the profile of the call. A call of a method handle that is no constant allocates nothing
     * there, but at its 128th call the JDK makes a class for it, of 32 kilobytes: the end of a lock would need heap. A
     * method too long to be inlined (FreqInlineSize) would have to be made so.
     */
    @Serial
    private static final long serialVersionUID = 1;

    private SlowPath() {
    }

    /** Makes sure that the class is there. */
    static void load() {
    }

    static long pin(final EpochDomain domain) {
        return callPin(domain);
    }

    private static long callPin(final EpochDomain domain) {
        return domain.pin();
    }

    static long tryShare(final RegionHandle region) {
        return callTryShare(region);
    }

    private static long callTryShare(final RegionHandle region) {
        return region.lock().tryShare(region.record(), region.incarnation());
    }

    static long share(final RegionHandle region) {
        return callShare(region);
    }

    private static long callShare(final RegionHandle region) {
        return region.lockShared("share");
    }

    static long tryGuard(final RegionHandle region) {
        return callTryGuard(region);
    }

    private static long callTryGuard(final RegionHandle region) {
        return region.guarded(callTryShare(region));
    }

    static long guard(final RegionHandle region) {
        return callGuard(region);
    }

    private static long callGuard(final RegionHandle region) {
        return region.guarded(region.lockShared("share"));
    }

    static void endShare(final RegionHandle region, final long stamp) {
        callEndShare(region, stamp);
    }

    private static void callEndShare(final RegionHandle region, final long stamp) {
        RegionLock.checkStamp("end of a shared lock", region.record(), region.incarnation(), stamp);
        region.lock().endShare(region.record(), stamp);
    }

    static void end(final RegionHandle region, final Guard.Mode mode, final long stamp, final boolean counted) {
        callEnd(region, mode, stamp, counted);
    }

    private static void callEnd(final RegionHandle region, final Guard.Mode mode, final long stamp, final boolean counted) {
        if (counted) {
            region.endHold();
        } else {
            region.end(mode, stamp);
        }
    }

    /**
     * For a close in which something was thrown: closes the arena of a guard once more and ends the lock, as far as
     * that has not been done, unless the close was refused. If this throws too, the guard can be closed once more.
     *
     * @return what is to be thrown now: the end of the stack, or an error of the virtual machine that belongs to an access
     *         long past and is thrown wherever the thread comes by; null if an earlier close was not completed, and this
     *         one was
     * @throws WrongThreadException  if it is another thread's; the guard is as it was
     * @throws IllegalStateException if the guard's segment is in use; the guard is as it was
     */
    static @Nullable Error endAfter(final Throwable thrown, final RegionHandle region, final Arena arena,
                                    final Guard.Mode mode, final long stamp, final long slot, final boolean counted) {
        if (thrown instanceof WrongThreadException) {
            throw new WrongThreadException("close of a guard of another thread: caller=" +
                Thread.currentThread().getName() + ", " + region.describe(), thrown);
        }
        if (arena.scope().isAlive()) {
            if (thrown instanceof IllegalStateException) {
                throw new IllegalStateException("close of a guard whose segment is in use: " + region.describe(), thrown);
            }
            arena.close();
        }
        if (slot != 0) {
            region.endQuickly(slot);
        } else if (!counted || thrown instanceof IllegalStateException) { // a count that ended twice would be another's
            try {
                callEnd(region, mode, stamp, counted);
            } catch (final IllegalMonitorStateException e) {
                return thrown instanceof final Error error ? error : null; // it had ended when the error came
            }
        }
        return thrown instanceof final Error error ? error : null;
    }
}
