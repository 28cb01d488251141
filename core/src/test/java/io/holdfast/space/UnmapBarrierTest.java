// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What an unmap costs the others where somebody reads without a fence: one barrier, which a batch shares (G8); and what
 * becomes of it if the barrier fails.
 */
class UnmapBarrierTest extends SpaceFixture {
    private static final int EPERM = 1;
    private static final int READS = 1_000;
    private static final int MANY = 100;
    private static final long MOST_FOR_BATCHES = 10; // of tree nodes and records that are retired meanwhile

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());
    private Threads.Holder reader;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).startReclaimer(false);
    }

    @BeforeEach
    void somebodyReadsWithoutAFence() {
        assumeTrue(inside(space).core().domain().flavour() == BarrierFlavour.MEMBARRIER &&
            EpochDomain.supports(memory, BarrierFlavour.MEMBARRIER), "for the membarrier flavour");
        final Region read = space.map(PAGE);
        reader = Threads.hold(() -> {
            for (int i = 0; i < READS; i++) {
                read.share().close();
            }
            return () -> { };
        });
    }

    @AfterEach
    void theReaderEnds() throws Exception {
        if (reader != null) {
            reader.close();
        }
    }

    private long barriers(final Runnable work) {
        final long before = memory.calls(NativeCall.MEMBARRIER);
        work.run();
        return memory.calls(NativeCall.MEMBARRIER) - before;
    }

    private List<Region> mapped(final int count) {
        final List<Region> regions = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            regions.add(space.map(PAGE));
        }
        return regions;
    }

    @Test
    void anUnmapMustCostOneBarrier() {
        final List<Region> regions = mapped(MANY);
        assertThat(barriers(() -> regions.forEach(Region::unmap))).as("one each, and those of the nodes and records")
            .isBetween((long) MANY, MANY + MOST_FOR_BATCHES);
    }

    @Test
    void unmapsOfOneCallMustShareABarrier() {
        final List<Region> regions = mapped(MANY);
        assertThat(barriers(() -> space.unmap(regions))).isBetween(1L, 1 + MOST_FOR_BATCHES);
        assertThat(regions).noneMatch(Region::isMapped);
    }

    @Test
    void unmapsThatAreFinishedTogetherMustShareABarrier() {
        final List<Region> regions = mapped(MANY);
        assertThat(barriers(() -> {
            regions.forEach(Region::unmapAsync);
            try {
                while (space.statistics().backlogUnmaps() > 0) {
                    space.reclaimer().doWork();
                }
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
        })).isBetween(1L, 1 + MOST_FOR_BATCHES);
        assertThat(regions).noneMatch(Region::isMapped);
    }

    /** G3, G9: past the point of no return nothing is lost, the barrier is tried again. */
    @Test
    void anUnmapWhoseBarrierFailsMustBeFinishedByALaterRound() throws Exception {
        final Region region = space.map(PAGE);
        memory.failFrom(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        assertThatThrownBy(region::unmap).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("membarrier failed");
        assertThat(region.isMapped()).isFalse();
        assertFinishedByALaterRound(1);
    }

    /** G3, G9: a round that cannot begin its grace period keeps all that it was given. */
    @Test
    void aRoundWhoseBarrierFailsMustBeDoneAgain() throws Exception {
        final List<CompletableFuture<Void>> completions = new ArrayList<>();
        mapped(3).forEach(region -> completions.add(region.unmapAsync().toCompletableFuture()));
        memory.failFrom(NativeCall.MEMBARRIER, 1, EPERM, FaultInjectingMemory.Damage.NONE);
        assertFinishedByALaterRound(3);
        assertThat(completions).allMatch(completion -> completion.isDone() && !completion.isCompletedExceptionally());
    }

    private void assertFinishedByALaterRound(final int unmaps) throws Exception {
        for (int i = 0; i < 2; i++) {
            assertThatThrownBy(() -> space.reclaimer().doWork()).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("membarrier failed");
            assertThat(space.statistics().backlogUnmaps()).isEqualTo(unmaps);
        }
        assertThat(memory.faults()).as("seen: barriers that failed").isPositive();
        memory.disarm();
        while (space.statistics().backlogUnmaps() > 0) {
            space.reclaimer().doWork();
        }
        space.map(PAGE).unmap();
    }

    @Test
    void aSectionMustExcludeAndUnmapManyRegionsWithAFewBarriers() {
        final List<Region> regions = mapped(MANY);
        assertThat(barriers(() -> {
            try (WriteSection section = space.write()) {
                section.unmap(0, space.capacity());
                section.publish();
            }
        })).as("one to exclude them, one to unmap them").isBetween(2L, 2 + MOST_FOR_BATCHES);
        assertThat(regions).noneMatch(Region::isMapped);
    }
}
