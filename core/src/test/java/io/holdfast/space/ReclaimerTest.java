// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.epoch.StackDigger;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Rounds of the reclaimer that break off. */
class ReclaimerTest extends SpaceFixture {
    private static final int UNMAPS = 3;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.startReclaimer(false);
    }

    @Test
    void aRoundMustLoseNothingWhereverTheStackEnds() throws Exception {
        final Reclaimer reclaimer = inside(space).unmapper().reclaimer();
        for (int round = 0; round < 20; round++) {
            final List<CompletableFuture<Void>> all = new ArrayList<>();
            for (int i = 0; i < UNMAPS; i++) {
                all.add(space.map(PAGE).unmapAsync().toCompletableFuture());
            }
            assertThat(StackDigger.dig(reclaimer::doWork, 0)).as("seen: rounds without stack").isGreaterThan(10);
            reclaimer.doWork(); // for what broke off later
            assertThat(reclaimer.backlog()).as("round=%d", round).isZero();
            CompletableFuture.allOf(all.toArray(CompletableFuture[]::new)).get(Threads.PATIENCE_S, TimeUnit.SECONDS);
        }
    }

    /** What is taken back by its thread and cannot be ended there is registered then, behind others that were left. */
    @Test
    void anUnmapMustBeRegisteredAndHandedOverOrNeitherWhereverTheStackEnds() throws Exception {
        for (int round = 0; round < 5; round++) {
            final Reclaimer reclaimer = new Reclaimer(inside(space).unmapper(), inside(space).giveBack(),
                inside(space).core().domain(), "own");
            final List<PendingUnmap> all = new ArrayList<>();
            final int ends = StackDigger.dig(() -> {
                final PendingUnmap left = new PendingUnmap();
                reclaimer.register(left);
                left.leave();
                final PendingUnmap pending = new PendingUnmap(PAGE, 0);
                all.add(pending);
                reclaimer.add(pending);
            }, round);
            assertThat(ends).as("seen: no stack").isGreaterThan(10);
            assertThat(all).allMatch(each -> each.isRegistered() == each.isHandedOver());
            assertThat(all).filteredOn(PendingUnmap::isHandedOver).hasSize((int) reclaimer.backlog());
        }
    }
}
