// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.Guard;
import java.io.Serial;

/**
 * The beginning and the end of a shared lock where the {@linkplain io.holdfast.lock.SharedFastPath fast path} is not open.
 * Nobody throws it.
 *
 * <p>A guard costs no allocation where the compiler inlines the calls that take and close it. It does so while their own
 * code is small (HotSpot's {@code InlineSmallCode}), whatever else is true, and the full forms are large. They would be
 * a part of it as soon as its profile has seen them often, which only takes enough threads, since the first
 * announcements of each come here. So they have to stay calls. HotSpot never inlines a method of a {@code Throwable} into
 * a method that was itself inlined into one of another class; outside of the JDK there is no annotation that says it
 * better. Hence two steps each: the first may be inlined into {@code share()} and {@code close()} themselves. They are
 * given what is in a guard, and not the guard, which would have to exist for them.
 */
final class FullForm extends Throwable {
    @Serial
    private static final long serialVersionUID = 1;

    private FullForm() {
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

    static void endShare(final RegionHandle region, final long stamp) {
        callEndShare(region, stamp);
    }

    private static void callEndShare(final RegionHandle region, final long stamp) {
        region.lock().endShare(region.record(), stamp);
    }

    static void end(final RegionHandle region, final Guard.Mode mode, final long stamp, final boolean counted) {
        callEnd(region, mode, stamp, counted);
    }

    private static void callEnd(final RegionHandle region, final Guard.Mode mode, final long stamp, final boolean counted) {
        if (counted) {
            region.endHold(stamp);
        } else {
            region.end(mode, stamp);
        }
    }
}
