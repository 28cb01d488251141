// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import io.holdfast.Hold;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Takes holds from other threads, reads under them, and releases them. */
final class Hand extends Worker {
    private static final long WAIT_MS = 20;

    Hand(final World world, final SplittableRandom random, final String name) {
        super(world, random, name);
    }

    @Override
    boolean goesOn() {
        return !world().isStopped();
    }

    @Override
    void step() {
        doing("poll");
        final World.Handed next = poll();
        if (next == null) {
            return;
        }
        doing("hold of another thread");
        final Life life = next.life();
        try (Hold hold = next.hold(); Hold.View view = hold.view()) {
            final long wrong = Pattern.wrong(view.segment(), life.filled(), life.generation(), life.isUniform());
            if (wrong != 0) {
                throw new Failure("wrong word in a read under a hold: word=0x" + Long.toHexString(wrong) + ", " + life);
            }
            world().sawAge(World.Shelter.HOLD, life);
            world().count(next.event());
        }
    }

    private World.@Nullable Handed poll() {
        try {
            return world().handed().poll(WAIT_MS, TimeUnit.MILLISECONDS);
        } catch (final InterruptedException e) {
            throw new Failure("interrupted by nobody: " + e);
        }
    }
}
