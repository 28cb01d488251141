// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.util.SplittableRandom;
import java.util.concurrent.locks.LockSupport;

/** Closes the space under everybody every now and then, looks whether anything is left of it, and opens the next. */
final class Closer extends Worker {
    private static final long LEAST_NS = 300_000_000;
    private static final long MORE_NS = 1_500_000_000;

    private long next = System.nanoTime() + LEAST_NS;

    Closer(final World world, final SplittableRandom random, final String name) {
        super(world, random, name);
    }

    @Override
    void step() {
        doing("waiting");
        LockSupport.parkNanos(10_000_000);
        if (System.nanoTime() - next < 0) {
            return;
        }
        doing("close");
        close(world());
        doing("open");
        world().openSpace();
        next = System.nanoTime() + LEAST_NS + random().nextLong(MORE_NS);
    }

    /** Closes the space; nothing may be left. */
    static void close(final World world) {
        final Leaks leaks = new Leaks(world.stage().space(), world.settings().directory(),
            () -> world.counted(Event.OWNER_DIED));
        world.closeSpace();
        leaks.check();
    }
}
