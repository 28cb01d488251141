// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * The weakened twins show what they were weakened for, and what ships never does, under both flavours: G1, G2, G3, G5
 * to G7 and the races T1, T3, T4 and T19. A stress test whose twin shows nothing proves nothing.
 *
 * <p>The bad results need two processors that run at the same time; rounds are bounded so generously that a machine
 * that has them now and then is enough.
 */
class WeakenedTwinsTest {
    private static final long MUST_SHOW_WITHIN = 40_000_000;
    private static final long MUST_NOT_SHOW_WITHIN = 50_000;

    @TestFactory
    List<DynamicTest> weakenedTwinsMustShowTheBadResult() {
        return List.of(
            shows("announcement without the writer's barrier", AnnounceStress.Weakened::new,
                AnnounceStress.Weakened::reader, AnnounceStress.Weakened::writer, WeakenedTwinsTest::both),
            shows("reader that becomes light without a fence", LightStress.WeakenedUnfenced::new,
                LightStress.WeakenedUnfenced::reader, LightStress.WeakenedUnfenced::writer, WeakenedTwinsTest::both),
            shows("burial that reads the owner first", BurialStress.WeakenedOwnerFirst::new,
                BurialStress.WeakenedOwnerFirst::owner, BurialStress.WeakenedOwnerFirst::burier,
                WeakenedTwinsTest::secondOnly),
            shows("turn asked for before the reader waits", TurnStress.WeakenedAskedFirst::new,
                TurnStress.WeakenedAskedFirst::reader, TurnStress.WeakenedAskedFirst::writer, WeakenedTwinsTest::both),
            shows("pin without the writer's barrier (T19)", PinStress.WeakenedNoBarrier::new,
                PinStress.WeakenedNoBarrier::reader, PinStress.WeakenedNoBarrier::writer, WeakenedTwinsTest::both),
            shows("retiring without a grace period", PinStress.WeakenedNoGracePeriod::new,
                PinStress.WeakenedNoGracePeriod::reader, PinStress.WeakenedNoGracePeriod::writer,
                WeakenedTwinsTest::poisoned),
            shows("unmap without a drain", UnmapStress.WeakenedNoDrain::new,
                UnmapStress.WeakenedNoDrain::reader, UnmapStress.WeakenedNoDrain::writer, WeakenedTwinsTest::poisoned),
            shows("record freed without a drain (T1)", UnmapStress.WeakenedFreedEarly::new,
                UnmapStress.WeakenedFreedEarly::reader, UnmapStress.WeakenedFreedEarly::writer,
                WeakenedTwinsTest::insideFree),
            shows("detaching in two steps (T1)", UnmapStress.WeakenedTwoSteps::new,
                UnmapStress.WeakenedTwoSteps::first, UnmapStress.WeakenedTwoSteps::second, WeakenedTwinsTest::both),
            shows("optimistic read without validation", UnmapStress.WeakenedNoValidation::new,
                UnmapStress.WeakenedNoValidation::reader, UnmapStress.WeakenedNoValidation::writer,
                WeakenedTwinsTest::poisoned),
            shows("exclusive writer without its barrier", WriteStress.WeakenedNoBarrier::new,
                WriteStress.WeakenedNoBarrier::reader, WriteStress.WeakenedNoBarrier::writer, WeakenedTwinsTest::torn),
            shows("reader without a lock", WriteStress.WeakenedNoLock::new,
                WriteStress.WeakenedNoLock::reader, WriteStress.WeakenedNoLock::writer, WeakenedTwinsTest::torn),
            shows("drain that looks at the count first", HoldMoveStress.WeakenedCountFirst::new,
                HoldMoveStress.WeakenedCountFirst::reader, HoldMoveStress.WeakenedCountFirst::writer,
                WeakenedTwinsTest::torn),
            shows("incarnation compared before the announcement (T4)", ReuseStress.WeakenedComparedFirst::new,
                ReuseStress.WeakenedComparedFirst::reader, ReuseStress.WeakenedComparedFirst::writer,
                WeakenedTwinsTest::nextLife),
            shows("root swung before its node is filled", RootStress.Weakened::new, RootStress.Weakened::reader,
                RootStress.Weakened::writer, WeakenedTwinsTest::neverInTheTree),
            shows("node used again without a grace period (T19)", NodeReuseStress.Weakened::new,
                NodeReuseStress.Weakened::reader, NodeReuseStress.Weakened::writer,
                WeakenedTwinsTest::neverInTheTree),
            shows("change announced without a fence", RangeStress.Weakened::new, RangeStress.Weakened::reader,
                RangeStress.Weakened::writer, WeakenedTwinsTest::both),
            shows("place taken without a fence", RangeStress.WeakenedPlaces::new, RangeStress.WeakenedPlaces::reader,
                RangeStress.WeakenedPlaces::writer, WeakenedTwinsTest::both),
            shows("settling that reads the lock word first", SectionStress.WeakenedWordFirst::new,
                SectionStress.WeakenedWordFirst::reader, SectionStress.WeakenedWordFirst::writer,
                WeakenedTwinsTest::even),
            shows("end of a section before its last write", SectionStress.WeakenedEndedFirst::new,
                SectionStress.WeakenedEndedFirst::reader, SectionStress.WeakenedEndedFirst::writer,
                WeakenedTwinsTest::torn));
    }

    /** Steps out of their order, as weaker access modes would let a processor other than x86, or a compiler, take them. */
    @TestFactory
    List<DynamicTest> stepsOutOfOrderMustShowTheBadResult() {
        return List.of(
            shows("lock released before the last read", UnmapStress.WeakenedReleasedEarly::new,
                UnmapStress.WeakenedReleasedEarly::reader, UnmapStress.WeakenedReleasedEarly::writer,
                WeakenedTwinsTest::poisoned),
            shows("optimistic read validated before its last load, unmap", UnmapStress.WeakenedValidatedEarly::new,
                UnmapStress.WeakenedValidatedEarly::reader, UnmapStress.WeakenedValidatedEarly::writer,
                WeakenedTwinsTest::poisoned),
            shows("write before the odd sequence", WriteStress.WeakenedWrittenBeforeOdd::new,
                WriteStress.WeakenedWrittenBeforeOdd::reader, WriteStress.WeakenedWrittenBeforeOdd::writer,
                WeakenedTwinsTest::torn),
            shows("even sequence before the last write", WriteStress.WeakenedEvenBeforeWritten::new,
                WriteStress.WeakenedEvenBeforeWritten::reader, WriteStress.WeakenedEvenBeforeWritten::writer,
                WeakenedTwinsTest::torn),
            shows("readers let in before the last write", WriteStress.WeakenedIncludedBeforeWritten::new,
                WriteStress.WeakenedIncludedBeforeWritten::reader, WriteStress.WeakenedIncludedBeforeWritten::writer,
                WeakenedTwinsTest::torn),
            shows("optimistic read validated before its last load, write", WriteStress.WeakenedValidatedEarly::new,
                WriteStress.WeakenedValidatedEarly::reader, WriteStress.WeakenedValidatedEarly::writer,
                WeakenedTwinsTest::torn),
            shows("optimistic read before its stamp", WriteStress.WeakenedStampLate::new,
                WriteStress.WeakenedStampLate::reader, WriteStress.WeakenedStampLate::writer, WeakenedTwinsTest::torn),
            shows("optimistic read validated before its last load, reuse (T4)", ReuseStress.WeakenedValidatedEarly::new,
                ReuseStress.WeakenedValidatedEarly::reader, ReuseStress.WeakenedValidatedEarly::writer,
                WeakenedTwinsTest::notThisLife),
            shows("sequence that begins again (T4)", ReuseStress.WeakenedSequenceReset::new,
                ReuseStress.WeakenedSequenceReset::reader, ReuseStress.WeakenedSequenceReset::writer,
                WeakenedTwinsTest::notThisLife),
            shows("wake-up after the release (T3)", ReuseStress.WeakenedWakeAfterRelease::new,
                ReuseStress.WeakenedWakeAfterRelease::reader, ReuseStress.WeakenedWakeAfterRelease::writer,
                WeakenedTwinsTest::awoken),
            shows("pin after the look (T19)", PinStress.WeakenedFoundFirst::new,
                PinStress.WeakenedFoundFirst::reader, PinStress.WeakenedFoundFirst::writer, WeakenedTwinsTest::poisoned),
            shows("tag before the detaching (T19)", PinStress.WeakenedTaggedFirst::new,
                PinStress.WeakenedTaggedFirst::reader, PinStress.WeakenedTaggedFirst::writer, WeakenedTwinsTest::poisoned),
            shows("detaching after the barrier (T19)", PinStress.WeakenedDetachedLate::new,
                PinStress.WeakenedDetachedLate::reader, PinStress.WeakenedDetachedLate::writer,
                WeakenedTwinsTest::poisoned));
    }

    @TestFactory
    List<DynamicTest> aFurtherHazardThatTheSlotDoesNotTellMustShowTheBadResult() {
        return List.of(
            shows("further hazard told after the look", FurtherHazardStress.WeakenedMoreLate::new,
                FurtherHazardStress.WeakenedMoreLate::reader, FurtherHazardStress.WeakenedMoreLate::writer,
                WeakenedTwinsTest::poisoned),
            shows("further hazard told to be free before the last read", FurtherHazardStress.WeakenedMoreClearedEarly::new,
                FurtherHazardStress.WeakenedMoreClearedEarly::reader, FurtherHazardStress.WeakenedMoreClearedEarly::writer,
                WeakenedTwinsTest::poisoned));
    }

    @TestFactory
    List<DynamicTest> stampsOfLivesThatAreNotLaterMustShowTheBadResult() {
        return List.of(
            shows("clock read before the step", LifetimeStress.WeakenedStampedBefore::new,
                LifetimeStress.WeakenedStampedBefore::reader, LifetimeStress.WeakenedStampedBefore::writer,
                WeakenedTwinsTest::changing),
            shows("clock read before the step is seen", LifetimeStress.WeakenedUnfenced::new,
                LifetimeStress.WeakenedUnfenced::reader, LifetimeStress.WeakenedUnfenced::writer,
                WeakenedTwinsTest::changing),
            shows("look that does not stamp", LifetimeStress.WeakenedUnhelped::new,
                LifetimeStress.WeakenedUnhelped::reader, LifetimeStress.WeakenedUnhelped::writer,
                WeakenedTwinsTest::changing));
    }

    @TestFactory
    List<DynamicTest> snapshotsMustNeverChange() {
        return List.of(
            hides("snapshot against attach, model", LifetimeStress.Model::new, LifetimeStress.Model::reader,
                LifetimeStress.Model::writer, WeakenedTwinsTest::changing),
            hides("snapshot against attach", LifetimeStress.ActualAttach::new, LifetimeStress.ActualAttach::reader,
                LifetimeStress.ActualAttach::writer, WeakenedTwinsTest::changing),
            hides("snapshot against detach, membarrier", LifetimeStress.ActualDetachMembarrier::new,
                LifetimeStress.ActualDetachMembarrier::reader, LifetimeStress.ActualDetachMembarrier::writer,
                WeakenedTwinsTest::changing),
            hides("snapshot against detach, fence", LifetimeStress.ActualDetachFence::new,
                LifetimeStress.ActualDetachFence::reader, LifetimeStress.ActualDetachFence::writer,
                WeakenedTwinsTest::changing));
    }

    @TestFactory
    List<DynamicTest> aFurtherHazardMustNeverBePassedOver() {
        return List.of(
            hides("further hazard, membarrier", FurtherHazardStress.ActualMembarrier::new,
                FurtherHazardStress.ActualMembarrier::reader, FurtherHazardStress.ActualMembarrier::writer,
                WeakenedTwinsTest::poisoned),
            hides("further hazard, fence", FurtherHazardStress.ActualFence::new,
                FurtherHazardStress.ActualFence::reader, FurtherHazardStress.ActualFence::writer,
                WeakenedTwinsTest::poisoned),
            hides("further hazard, steps of the twins", FurtherHazardStress.Steps::new,
                FurtherHazardStress.Steps::reader, FurtherHazardStress.Steps::writer, WeakenedTwinsTest::poisoned));
    }

    @TestFactory
    List<DynamicTest> weakenedPairsMustShowTheBadResult() {
        return List.of(
            shows("count overlooked by an unmap", PairStress.WeakenedCountOverlooked::new,
                PairStress.WeakenedCountOverlooked::reader, PairStress.WeakenedCountOverlooked::writer,
                WeakenedTwinsTest::poisoned),
            shows("detaching under a writer", PairStress.WeakenedDetachRegardless::new,
                PairStress.WeakenedDetachRegardless::writer, PairStress.WeakenedDetachRegardless::unmapper,
                WeakenedTwinsTest::changed),
            shows("count overlooked by a writer", PairStress.WeakenedCountUnseen::new,
                PairStress.WeakenedCountUnseen::reader, PairStress.WeakenedCountUnseen::writer, WeakenedTwinsTest::torn),
            shows("upgrade without the barrier", PairStress.WeakenedUpgradeWithoutBarrier::new,
                PairStress.WeakenedUpgradeWithoutBarrier::reader, PairStress.WeakenedUpgradeWithoutBarrier::writer,
                WeakenedTwinsTest::torn),
            shows("upgrade with a gap", PairStress.WeakenedUpgradeWithGap::new,
                PairStress.WeakenedUpgradeWithGap::first, PairStress.WeakenedUpgradeWithGap::second,
                WeakenedTwinsTest::outdated),
            shows("downgrade with a gap", PairStress.WeakenedDowngradeWithGap::new,
                PairStress.WeakenedDowngradeWithGap::first, PairStress.WeakenedDowngradeWithGap::second,
                WeakenedTwinsTest::outdated));
    }

    @TestFactory
    List<DynamicTest> pairsMustNeverShowIt() {
        return List.of(
            hides("count and unmap", PairStress.HoldUnmap::new,
                PairStress.HoldUnmap::reader, PairStress.HoldUnmap::writer, WeakenedTwinsTest::poisoned),
            hides("count and exclusive writer", PairStress.HoldExclusive::new,
                PairStress.HoldExclusive::reader, PairStress.HoldExclusive::writer, WeakenedTwinsTest::torn),
            hides("shared lock and upgrade", PairStress.ShareUpgrade::new,
                PairStress.ShareUpgrade::reader, PairStress.ShareUpgrade::writer, WeakenedTwinsTest::torn),
            hides("shared lock and downgrade", PairStress.ShareDowngrade::new,
                PairStress.ShareDowngrade::reader, PairStress.ShareDowngrade::writer, WeakenedTwinsTest::torn),
            hides("count and upgrade", PairStress.HoldUpgrade::new,
                PairStress.HoldUpgrade::reader, PairStress.HoldUpgrade::writer, WeakenedTwinsTest::torn),
            hides("count and downgrade", PairStress.HoldDowngrade::new,
                PairStress.HoldDowngrade::reader, PairStress.HoldDowngrade::writer, WeakenedTwinsTest::torn),
            hides("optimistic read and upgrade", PairStress.OptimisticUpgrade::new,
                PairStress.OptimisticUpgrade::reader, PairStress.OptimisticUpgrade::writer, WeakenedTwinsTest::torn),
            hides("optimistic read and downgrade", PairStress.OptimisticDowngrade::new,
                PairStress.OptimisticDowngrade::reader, PairStress.OptimisticDowngrade::writer, WeakenedTwinsTest::torn),
            hides("optimistic read and reuse, membarrier (T4)", ReuseStress.OptimisticMembarrier::new,
                ReuseStress.OptimisticMembarrier::reader, ReuseStress.OptimisticMembarrier::writer,
                WeakenedTwinsTest::notThisLife),
            hides("optimistic read and reuse, fence (T4)", ReuseStress.OptimisticFence::new,
                ReuseStress.OptimisticFence::reader, ReuseStress.OptimisticFence::writer, WeakenedTwinsTest::notThisLife));
    }

    @TestFactory
    List<DynamicTest> whatShipsMustNeverShowIt() {
        return List.of(
            hides("announcement, membarrier", AnnounceStress.ActualMembarrier::new,
                AnnounceStress.ActualMembarrier::reader, AnnounceStress.ActualMembarrier::writer,
                WeakenedTwinsTest::both),
            hides("announcement, fence", AnnounceStress.ActualFence::new,
                AnnounceStress.ActualFence::reader, AnnounceStress.ActualFence::writer, WeakenedTwinsTest::both),
            hides("announcement of a reader that became light", LightStress.ActualBegin::new,
                LightStress.ActualBegin::reader, LightStress.ActualBegin::writer, WeakenedTwinsTest::both),
            hides("announcement by which a reader becomes light", LightStress.ActualFirst::new,
                LightStress.ActualFirst::reader, LightStress.ActualFirst::writer, WeakenedTwinsTest::both),
            hides("burial", BurialStress.Model::new, BurialStress.Model::owner, BurialStress.Model::burier,
                WeakenedTwinsTest::secondOnly),
            hides("turn", TurnStress.Model::new, TurnStress.Model::reader, TurnStress.Model::writer,
                WeakenedTwinsTest::both),
            hides("pin, membarrier", PinStress.ActualMembarrier::new,
                PinStress.ActualMembarrier::reader, PinStress.ActualMembarrier::writer, WeakenedTwinsTest::poisoned),
            hides("pin, fence", PinStress.ActualFence::new,
                PinStress.ActualFence::reader, PinStress.ActualFence::writer, WeakenedTwinsTest::poisoned),
            hides("exclusive writer, membarrier", WriteStress.SharedMembarrier::new,
                WriteStress.SharedMembarrier::reader, WriteStress.SharedMembarrier::writer, WeakenedTwinsTest::torn),
            hides("exclusive writer, fence", WriteStress.SharedFence::new,
                WriteStress.SharedFence::reader, WriteStress.SharedFence::writer, WeakenedTwinsTest::torn),
            hides("exclusive writer and optimistic read", WriteStress.OptimisticMembarrier::new,
                WriteStress.OptimisticMembarrier::reader, WriteStress.OptimisticMembarrier::writer,
                WeakenedTwinsTest::torn),
            hides("moving hold, membarrier", HoldMoveStress.ActualMembarrier::new,
                HoldMoveStress.ActualMembarrier::reader, HoldMoveStress.ActualMembarrier::writer,
                WeakenedTwinsTest::torn),
            hides("moving hold, fence", HoldMoveStress.ActualFence::new,
                HoldMoveStress.ActualFence::reader, HoldMoveStress.ActualFence::writer, WeakenedTwinsTest::torn),
            hides("reuse, membarrier (T4)", ReuseStress.SharedMembarrier::new,
                ReuseStress.SharedMembarrier::reader, ReuseStress.SharedMembarrier::writer,
                WeakenedTwinsTest::nextLife),
            hides("reuse, fence (T4)", ReuseStress.SharedFence::new,
                ReuseStress.SharedFence::reader, ReuseStress.SharedFence::writer, WeakenedTwinsTest::nextLife),
            hides("publication of a root, model", RootStress.Model::new, RootStress.Model::reader,
                RootStress.Model::writer, WeakenedTwinsTest::neverInTheTree),
            hides("publication of a root, membarrier", RootStress.ActualMembarrier::new,
                RootStress.ActualMembarrier::reader, RootStress.ActualMembarrier::writer,
                WeakenedTwinsTest::neverInTheTree),
            hides("publication of a root, fence", RootStress.ActualFence::new, RootStress.ActualFence::reader,
                RootStress.ActualFence::writer, WeakenedTwinsTest::neverInTheTree),
            hides("node used again, model", NodeReuseStress.Model::new, NodeReuseStress.Model::reader,
                NodeReuseStress.Model::writer, WeakenedTwinsTest::neverInTheTree),
            hides("node used again, membarrier", NodeReuseStress.ActualMembarrier::new,
                NodeReuseStress.ActualMembarrier::reader, NodeReuseStress.ActualMembarrier::writer,
                WeakenedTwinsTest::neverInTheTree),
            hides("node used again, fence", NodeReuseStress.ActualFence::new, NodeReuseStress.ActualFence::reader,
                NodeReuseStress.ActualFence::writer, WeakenedTwinsTest::neverInTheTree));
    }

    @TestFactory
    List<DynamicTest> unmapsMustNeverShowIt() {
        return List.of(
            hides("unmap, membarrier (T1)", UnmapStress.SharedMembarrier::new,
                UnmapStress.SharedMembarrier::reader, UnmapStress.SharedMembarrier::writer,
                WeakenedTwinsTest::poisoned),
            hides("unmap, fence (T1)", UnmapStress.SharedFence::new,
                UnmapStress.SharedFence::reader, UnmapStress.SharedFence::writer, WeakenedTwinsTest::poisoned),
            hides("unmap and optimistic read, membarrier", UnmapStress.OptimisticMembarrier::new,
                UnmapStress.OptimisticMembarrier::reader, UnmapStress.OptimisticMembarrier::writer,
                WeakenedTwinsTest::poisoned),
            hides("unmap and optimistic read, fence", UnmapStress.OptimisticFence::new,
                UnmapStress.OptimisticFence::reader, UnmapStress.OptimisticFence::writer, WeakenedTwinsTest::poisoned),
            hides("unmap and hold, membarrier", UnmapStress.HoldMembarrier::new,
                UnmapStress.HoldMembarrier::reader, UnmapStress.HoldMembarrier::writer, WeakenedTwinsTest::poisoned),
            hides("unmap and hold, fence", UnmapStress.HoldFence::new,
                UnmapStress.HoldFence::reader, UnmapStress.HoldFence::writer, WeakenedTwinsTest::poisoned),
            hides("temporary reader, membarrier (T1)", UnmapStress.TemporaryReaderMembarrier::new,
                UnmapStress.Ending::share, UnmapStress.Ending::unmapAndReclaim, WeakenedTwinsTest::insideFree),
            hides("temporary reader, fence (T1)", UnmapStress.TemporaryReaderFence::new,
                UnmapStress.Ending::share, UnmapStress.Ending::unmapAndReclaim, WeakenedTwinsTest::insideFree),
            hides("two unmaps, membarrier (T1)", UnmapStress.TwoUnmapsMembarrier::new,
                UnmapStress.Ending::unmapFirst, UnmapStress.Ending::unmapSecond, WeakenedTwinsTest::both),
            hides("two unmaps, fence (T1)", UnmapStress.TwoUnmapsFence::new,
                UnmapStress.Ending::unmapFirst, UnmapStress.Ending::unmapSecond, WeakenedTwinsTest::both));
    }

    @TestFactory
    List<DynamicTest> sectionsMustNeverShowIt() {
        return List.of(
            hides("change announced, or a place taken, model", RangeStress.Model::new, RangeStress.Model::reader,
                RangeStress.Model::writer, WeakenedTwinsTest::both),
            hides("change announced", RangeStress.Actual::new, RangeStress.Actual::reader, RangeStress.Actual::writer,
                WeakenedTwinsTest::both),
            hides("places", RangeStress.ActualPlaces::new, RangeStress.ActualPlaces::reader,
                RangeStress.ActualPlaces::writer, WeakenedTwinsTest::both),
            hides("upgrades in places", RangeStress.ActualUpgrades::new, RangeStress.ActualUpgrades::reader,
                RangeStress.ActualUpgrades::writer, WeakenedTwinsTest::both),
            hides("change against section", RangeStress.Whole::new, RangeStress.Whole::reader,
                RangeStress.Whole::writer, WeakenedTwinsTest::torn),
            hides("end of all and shared lock, membarrier", SectionStress.SharedMembarrier::new,
                SectionStress.SharedMembarrier::reader, SectionStress.SharedMembarrier::writer,
                WeakenedTwinsTest::torn),
            hides("end of all and shared lock, fence", SectionStress.SharedFence::new,
                SectionStress.SharedFence::reader, SectionStress.SharedFence::writer, WeakenedTwinsTest::torn),
            hides("end of all and optimistic read", SectionStress.Optimistic::new, SectionStress.Optimistic::reader,
                SectionStress.Optimistic::writer, WeakenedTwinsTest::torn),
            hides("ended record, optimistic read and next section", SectionStress.OptimisticEnded::new,
                SectionStress.OptimisticEnded::reader, SectionStress.OptimisticEnded::writer, WeakenedTwinsTest::torn),
            hides("ended record and next writers", SectionStress.NextWriter::new, SectionStress.NextWriter::reader,
                SectionStress.NextWriter::writer, WeakenedTwinsTest::torn),
            hides("settling against the next section", SectionStress.SettleAgainstSection::new,
                SectionStress.SettleAgainstSection::reader, SectionStress.SettleAgainstSection::writer,
                WeakenedTwinsTest::even));
    }

    @TestFactory
    List<DynamicTest> weakenedZonesMustShowTheBadResult() {
        return List.of(
            shows("zone frozen whatever it has", ZoneStress.ChangeWeakened::new, ZoneStress.ChangeWeakened::changer,
                ZoneStress.ChangeWeakened::evacuator, WeakenedTwinsTest::notOneChange),
            shows("zone thawed before the base has what it had", ZoneStress.LookupWeakenedThawedFirst::new,
                ZoneStress.LookupWeakenedThawedFirst::reader, ZoneStress.LookupWeakenedThawedFirst::evacuator,
                WeakenedTwinsTest::neverInTheTree),
            shows("frozen zone that counts", ZoneStress.LookupWeakenedFrozenCounts::new,
                ZoneStress.LookupWeakenedFrozenCounts::reader, ZoneStress.LookupWeakenedFrozenCounts::evacuator,
                WeakenedTwinsTest::neverInTheTree),
            shows("copies of a range that nobody compares", ZoneStress.CarveWeakened::new,
                ZoneStress.CarveWeakened::carver, ZoneStress.CarveWeakened::changer, WeakenedTwinsTest::notOneChange),
            shows("window opened without a look at the base", ZoneStress.LeaseWeakened::new,
                ZoneStress.LeaseWeakened::lessee, ZoneStress.LeaseWeakened::inserter, WeakenedTwinsTest::notOneOfTwo),
            shows("zone taken back twice", ZoneStress.HelpWeakened::new, ZoneStress.HelpWeakened::first,
                ZoneStress.HelpWeakened::second, WeakenedTwinsTest::notTwoChanges));
    }

    @TestFactory
    List<DynamicTest> zonesMustNeverShowIt() {
        return List.of(
            hides("change beside an evacuation, model", ZoneStress.ChangeModel::new, ZoneStress.ChangeModel::changer,
                ZoneStress.ChangeModel::evacuator, WeakenedTwinsTest::notOneChange),
            hidesInTrees("change beside an evacuation, membarrier", ZoneStress.ChangeActualMembarrier::new,
                ZoneStress.ChangeActualMembarrier::changer, ZoneStress.ChangeActualMembarrier::evacuator,
                WeakenedTwinsTest::notOneChange),
            hidesInTrees("change beside an evacuation, fence", ZoneStress.ChangeActualFence::new,
                ZoneStress.ChangeActualFence::changer, ZoneStress.ChangeActualFence::evacuator,
                WeakenedTwinsTest::notOneChange),
            hides("change beside a carving, model", ZoneStress.CarveModel::new, ZoneStress.CarveModel::carver,
                ZoneStress.CarveModel::changer, WeakenedTwinsTest::notOneChange),
            hidesInTrees("change beside a carving, membarrier", ZoneStress.CarveActualMembarrier::new,
                ZoneStress.CarveActualMembarrier::carver, ZoneStress.CarveActualMembarrier::changer,
                WeakenedTwinsTest::notOneChange),
            hidesInTrees("change beside a carving, fence", ZoneStress.CarveActualFence::new,
                ZoneStress.CarveActualFence::carver, ZoneStress.CarveActualFence::changer,
                WeakenedTwinsTest::notOneChange),
            hides("lookup beside an evacuation, model", ZoneStress.LookupModel::new, ZoneStress.LookupModel::reader,
                ZoneStress.LookupModel::evacuator, WeakenedTwinsTest::neverInTheTree),
            hidesInTrees("lookup beside an evacuation, membarrier", ZoneStress.LookupActualMembarrier::new,
                ZoneStress.LookupActualMembarrier::reader, ZoneStress.LookupActualMembarrier::evacuator,
                WeakenedTwinsTest::neverInTheTree),
            hidesInTrees("lookup beside an evacuation, fence", ZoneStress.LookupActualFence::new,
                ZoneStress.LookupActualFence::reader, ZoneStress.LookupActualFence::evacuator,
                WeakenedTwinsTest::neverInTheTree),
            hides("lease beside an insertion, model", ZoneStress.LeaseModel::new, ZoneStress.LeaseModel::lessee,
                ZoneStress.LeaseModel::inserter, WeakenedTwinsTest::notOneOfTwo),
            hidesInTrees("lease beside an insertion, membarrier", ZoneStress.LeaseActualMembarrier::new,
                ZoneStress.LeaseActualMembarrier::lessee, ZoneStress.LeaseActualMembarrier::inserter,
                WeakenedTwinsTest::notOneOfTwo),
            hidesInTrees("lease beside an insertion, fence", ZoneStress.LeaseActualFence::new,
                ZoneStress.LeaseActualFence::lessee, ZoneStress.LeaseActualFence::inserter, WeakenedTwinsTest::notOneOfTwo),
            hides("two that complete an evacuation, model", ZoneStress.HelpModel::new, ZoneStress.HelpModel::first,
                ZoneStress.HelpModel::second, WeakenedTwinsTest::notTwoChanges),
            hidesInTrees("two that complete an evacuation, membarrier", ZoneStress.HelpActualMembarrier::new,
                ZoneStress.HelpActualMembarrier::first, ZoneStress.HelpActualMembarrier::second,
                WeakenedTwinsTest::notTwoChanges),
            hidesInTrees("two that complete an evacuation, fence", ZoneStress.HelpActualFence::new,
                ZoneStress.HelpActualFence::first, ZoneStress.HelpActualFence::second, WeakenedTwinsTest::notTwoChanges));
    }

    private static boolean notOneChange(final int first, final int second) {
        return first + second != 2;
    }

    private static boolean notTwoChanges(final int first, final int second) {
        return first + second != 3;
    }

    private static boolean notOneOfTwo(final int first, final int second) {
        return first + second != 1;
    }

    private static boolean both(final int first, final int second) {
        return first == 1 && second == 1;
    }

    private static boolean changing(final int first, final int second) {
        return first == 2;
    }

    private static boolean secondOnly(final int first, final int second) {
        return first == 0 && second == 1;
    }

    private static boolean poisoned(final int first, final int second) {
        return first == RegionState.POISON || first == -2;
    }

    private static boolean insideFree(final int first, final int second) {
        return first == 2;
    }

    private static boolean torn(final int first, final int second) {
        return first == -2;
    }

    private static boolean neverInTheTree(final int first, final int second) {
        return first != TreeState.OLD && first != TreeState.NEW;
    }

    private static boolean even(final int first, final int second) {
        return second == 2;
    }

    private static boolean notThisLife(final int first, final int second) {
        return first != 0 && first != -1;
    }

    private static boolean awoken(final int first, final int second) {
        return second == 3;
    }

    private static boolean changed(final int first, final int second) {
        return second == 0;
    }

    private static boolean outdated(final int first, final int second) {
        return first == 0;
    }

    private static boolean nextLife(final int first, final int second) {
        return first == 2;
    }

    /** Each state maps and unmaps, and ends an era, so there are fewer rounds. */
    @TestFactory
    List<DynamicTest> readsThroughALeaseMustBeOfTheirRegionWhateverComesToItsAddresses() {
        return List.of(
            shows("read of a segment without an arena", EraStress.WeakenedUnchecked::new,
                EraStress.WeakenedUnchecked::reader, EraStress.WeakenedUnchecked::writer, (seen, _) -> seen != 1),
            DynamicTest.dynamicTest("read through a lease", () -> assertEquals(0,
                new Litmus<>(EraStress.Actual::new, EraStress.Actual::reader, EraStress.Actual::writer,
                    (seen, _) -> seen != 1 && seen != -1).run(MUST_NOT_SHOW_WITHIN / 20, seen -> seen != 0))));
    }

    private static <S> DynamicTest shows(final String name, final Supplier<S> fresh,
                                         final BiConsumer<S, II_Result> first, final BiConsumer<S, II_Result> second,
                                         final Litmus.Bad bad) {
        return DynamicTest.dynamicTest(name, () -> assertNotEquals(0,
            new Litmus<>(fresh, first, second, bad).run(MUST_SHOW_WITHIN, seen -> seen != 0),
            () -> "never seen within " + MUST_SHOW_WITHIN + " rounds; do two processors run at the same time? " +
                "processors=" + Runtime.getRuntime().availableProcessors()));
    }

    /** Each state has a tree of its own, and leases a window, so there are fewer rounds. */
    private static <S> DynamicTest hidesInTrees(final String name, final Supplier<S> fresh,
                                                final BiConsumer<S, II_Result> first,
                                                final BiConsumer<S, II_Result> second, final Litmus.Bad bad) {
        return DynamicTest.dynamicTest(name, () -> assertEquals(0,
            new Litmus<>(fresh, first, second, bad).run(MUST_NOT_SHOW_WITHIN / 50, seen -> seen != 0)));
    }

    private static <S> DynamicTest hides(final String name, final Supplier<S> fresh,
                                         final BiConsumer<S, II_Result> first, final BiConsumer<S, II_Result> second,
                                         final Litmus.Bad bad) {
        return DynamicTest.dynamicTest(name, () -> assertEquals(0,
            new Litmus<>(fresh, first, second, bad).run(MUST_NOT_SHOW_WITHIN, seen -> seen != 0)));
    }
}
