// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;

import io.holdfast.AddressSpace;
import io.holdfast.Hold;
import io.holdfast.Region;
import java.util.function.Supplier;

/**
 * Takes holds and guards while the heap has room for no object, for one, for two, and so on; what cannot be made for want
 * of memory must leave no lock behind. Run with few megabytes of heap, and without buffers of threads. There is no room
 * several times, since a thread of the JVM may give some back in between.
 */
final class LittleHeapProgram {
    private static final int LARGEST = 1 << 16;
    private static final int SMALLER = 16;
    private static final int[] ROOMS = {0, 0, 0, 1, 2, 3, 4, 5, 6, 8, 10, 14, 20, 40, 120, 250};
    private static final int ROOM_TO_END = 500;
    private static final int SMALL = 1000;
    private static Object[] ballast; // large pieces, so that the heap is full
    private static Object[] small; // pieces of the smallest size, to be given up and taken back

    private LittleHeapProgram() {
    }

    public static void main(final String[] args) throws Exception {
        final AddressSpace space = AddressSpace.builder().capacity(1 << 24).open();
        Inside.awaitMonitoring(); // which gives memory back when it has begun
        final Region region = space.map(4096);
        final Runnable check = () -> requireFree(region);
        attempts("hold", region::hold, check);
        attempts("tryHold", region::tryHold, check);
        attempts("share", region::share, check);
        attempts("tryShare", region::tryShare, check);
        region.exclusive().close(); // loads more classes than there is ever room for here
        attempts("exclusive", region::exclusive, check);
        final Hold hold = region.hold();
        attempts("view", hold::view, () -> { });
        hold.close(); // refused if a view were left
        requireFree(region);
        space.close();
    }

    private static void requireFree(final Region region) {
        final long stamp = region.tryLockExclusive();
        if (stamp <= 0) {
            ballast = null;
            small = null;
            System.out.println("a lock was left: " + inside(region).describe());
            System.exit(1);
        }
        region.unlockExclusive(stamp);
    }

    private static void attempts(final String what, final Supplier<AutoCloseable> lock, final Runnable check) {
        int granted = 0;
        int refused = 0;
        fill();
        for (final int room : ROOMS) {
            release(room);
            AutoCloseable taken = null;
            try {
                taken = lock.get();
                granted++;
            } catch (final OutOfMemoryError e) {
                refused++;
            }
            release(ROOM_TO_END);
            if (taken != null) {
                close(taken);
            }
            check.run();
            while (addSmall()) {
                // until it is full again
            }
        }
        ballast = null;
        small = null;
        System.out.println(what + (granted > 0 ? " granted" : "") + (refused > 0 ? " refused" : ""));
    }

    private static void release(final int pieces) {
        for (int i = 0; i < pieces; i++) {
            small = (Object[]) small[0];
        }
    }

    private static void close(final AutoCloseable taken) {
        try {
            taken.close();
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Leaves no room for the smallest object. */
    private static void fill() {
        for (int i = 0; i < SMALL; i++) {
            addSmall();
        }
        for (int length = LARGEST; length >= 1; length /= SMALLER) {
            boolean fits = true;
            while (fits) {
                fits = add(length);
            }
        }
    }

    private static boolean add(final int length) {
        try {
            final Object[] piece = new Object[length];
            piece[0] = ballast;
            ballast = piece;
            return true;
        } catch (final OutOfMemoryError full) {
            return false;
        }
    }

    private static boolean addSmall() {
        try {
            small = new Object[] {small};
            return true;
        } catch (final OutOfMemoryError full) {
            return false;
        }
    }
}
