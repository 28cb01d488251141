// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import org.openjdk.jcstress.annotations.Actor;
import org.openjdk.jcstress.annotations.Expect;
import org.openjdk.jcstress.annotations.JCStressMeta;
import org.openjdk.jcstress.annotations.JCStressTest;
import org.openjdk.jcstress.annotations.Outcome;
import org.openjdk.jcstress.annotations.State;
import org.openjdk.jcstress.infra.results.II_Result;

/**
 * Zones of the tree: changes, lookups, leases and carvings beside an evacuation, and two threads that complete one: [Z1],
 * [Z3] and [Z6] of Zoning, G6, G7.
 *
 * <p>{@code java -jar stress/target/jcstress.jar -t ZoneStress}
 */
public final class ZoneStress {
    private ZoneStress() {
    }

    // -------------------------------------------------------------------------------------------------------- a change

    /** The one that ends second says what is there: 2, for what stood there and the change. */
    @Outcome(id = {"2, 0", "0, 2"}, expect = Expect.ACCEPTABLE,
        desc = "changed in the zone and taken back so, or taken back and changed in the base")
    @Outcome(expect = Expect.FORBIDDEN, desc = "the change is lost, or done twice")
    public static final class ChangeOutcomes {
        private ChangeOutcomes() {
        }
    }

    /** The steps one by one. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class ChangeModel extends ZoneModel {
        /** A fresh state. */
        public ChangeModel() {
            super(ELSEWHERE, OLD);
        }

        /** The one that changes. */
        @Actor
        public void changer(final II_Result result) {
            change();
            result.r1 = findIfLast();
        }

        /** The one that evacuates. */
        @Actor
        public void evacuator(final II_Result result) {
            evacuate();
            result.r2 = findIfLast();
        }
    }

    /** What ships. */
    abstract static class Change extends ZoneState {
        Change(final EpochDomain domain) {
            super(domain, true);
        }

        final int insertBeside() {
            return insert(1) ? countIfLast() : -3;
        }

        final int takeBack() {
            evacuate();
            return countIfLast();
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class ChangeActualMembarrier extends Change {
        /** A fresh state. */
        public ChangeActualMembarrier() {
            super(RegionState.MEMBARRIER);
        }

        /** The one that changes. */
        @Actor
        public void changer(final II_Result result) {
            result.r1 = insertBeside();
        }

        /** The one that evacuates. */
        @Actor
        public void evacuator(final II_Result result) {
            result.r2 = takeBack();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class ChangeActualFence extends Change {
        /** A fresh state. */
        public ChangeActualFence() {
            super(RegionState.FENCE);
        }

        /** The one that changes. */
        @Actor
        public void changer(final II_Result result) {
            result.r1 = insertBeside();
        }

        /** The one that evacuates. */
        @Actor
        public void evacuator(final II_Result result) {
            result.r2 = takeBack();
        }
    }

    /** A zone that is frozen as it was read, whatever it has by then; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"2, 0", "0, 2"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "read, change, freeze, take back: the change is lost")
    @State
    public static class ChangeWeakened extends ZoneModel {
        /** A fresh state. */
        public ChangeWeakened() {
            super(ELSEWHERE, OLD);
        }

        /** The one that changes. */
        @Actor
        public void changer(final II_Result result) {
            change();
            result.r1 = findIfLast();
        }

        /** The one that evacuates. */
        @Actor
        public void evacuator(final II_Result result) {
            final long root = zone.get();
            linger();
            zone.set(frozen(root));
            complete();
            result.r2 = findIfLast();
        }
    }

    // ------------------------------------------------------------------------------------------------------- a carving

    /** The steps one by one; the change comes, and takes the zone back. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class CarveModel extends ZoneModel {
        /** A fresh state. */
        public CarveModel() {
            super(OLD, ELSEWHERE);
        }

        /** The one that carves. */
        @Actor
        public void carver(final II_Result result) {
            carve(true);
            result.r1 = findIfLast();
        }

        /** The one that changes, and evacuates. */
        @Actor
        public void changer(final II_Result result) {
            change();
            evacuate();
            result.r2 = findIfLast();
        }
    }

    /** What ships. */
    abstract static class Carve extends ZoneState {
        Carve(final EpochDomain domain) {
            super(domain, false);
            insertIntoBase();
        }

        final int carveIt() {
            carve();
            return countIfLast();
        }

        final int insertBesideAndTakeBack() {
            if (!insert(1)) {
                return -3;
            }
            evacuate();
            return countIfLast();
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class CarveActualMembarrier extends Carve {
        /** A fresh state. */
        public CarveActualMembarrier() {
            super(RegionState.MEMBARRIER);
        }

        /** The one that carves. */
        @Actor
        public void carver(final II_Result result) {
            result.r1 = carveIt();
        }

        /** The one that changes, and evacuates. */
        @Actor
        public void changer(final II_Result result) {
            result.r2 = insertBesideAndTakeBack();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(ChangeOutcomes.class)
    @State
    public static class CarveActualFence extends Carve {
        /** A fresh state. */
        public CarveActualFence() {
            super(RegionState.FENCE);
        }

        /** The one that carves. */
        @Actor
        public void carver(final II_Result result) {
            result.r1 = carveIt();
        }

        /** The one that changes, and evacuates. */
        @Actor
        public void changer(final II_Result result) {
            result.r2 = insertBesideAndTakeBack();
        }
    }

    /** Copies that nobody compares with what the base has by then; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"2, 0", "0, 2"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "copy, change, name the zone: the change is lost")
    @State
    public static class CarveWeakened extends ZoneModel {
        /** A fresh state. */
        public CarveWeakened() {
            super(OLD, ELSEWHERE);
        }

        /** The one that carves. */
        @Actor
        public void carver(final II_Result result) {
            carve(false);
            result.r1 = findIfLast();
        }

        /** The one that changes. */
        @Actor
        public void changer(final II_Result result) {
            change();
            result.r2 = findIfLast();
        }
    }

    // -------------------------------------------------------------------------------------------------------- a lookup

    /** The first number is the value that the reader found. */
    @Outcome(id = {"1, 1", "2, 1"}, expect = Expect.ACCEPTABLE, desc = "what stands there, before the change or after it")
    @Outcome(id = "0, 1", expect = Expect.FORBIDDEN, desc = "nothing, where something stands all the time")
    @Outcome(expect = Expect.FORBIDDEN, desc = "what was there before a change that the reader knows of")
    public static final class LookupOutcomes {
        private LookupOutcomes() {
        }
    }

    /** The steps one by one; the change comes between the last two of the evacuation. */
    @JCStressTest
    @JCStressMeta(LookupOutcomes.class)
    @State
    public static class LookupModel extends ZoneModel {
        /** A fresh state. */
        public LookupModel() {
            super(ELSEWHERE, OLD);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = find();
        }

        /** The one that evacuates, and changes. */
        @Actor
        public void evacuator(final II_Result result) {
            evacuateAndChange();
            result.r2 = 1;
        }
    }

    /** What ships. */
    abstract static class Lookup extends ZoneState {
        Lookup(final EpochDomain domain) {
            super(domain, true);
        }

        final int findTwice() {
            final int first = find();
            final int second = find();
            return ended(first <= 0 || second < first ? -4 : second);
        }

        final int takeBackAndChange() {
            evacuate();
            change();
            insertIntoZone();
            return ended(1);
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(LookupOutcomes.class)
    @State
    public static class LookupActualMembarrier extends Lookup {
        /** A fresh state. */
        public LookupActualMembarrier() {
            super(RegionState.MEMBARRIER);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = findTwice();
        }

        /** The one that evacuates, changes, and leases. */
        @Actor
        public void evacuator(final II_Result result) {
            result.r2 = takeBackAndChange();
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(LookupOutcomes.class)
    @State
    public static class LookupActualFence extends Lookup {
        /** A fresh state. */
        public LookupActualFence() {
            super(RegionState.FENCE);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = findTwice();
        }

        /** The one that evacuates, changes, and leases. */
        @Actor
        public void evacuator(final II_Result result) {
            result.r2 = takeBackAndChange();
        }
    }

    /** A zone that is thawed before the base has what it had; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE_INTERESTING, desc = "thaw, look, take back: nobody has it")
    @State
    public static class LookupWeakenedThawedFirst extends ZoneModel {
        /** A fresh state. */
        public LookupWeakenedThawedFirst() {
            super(ELSEWHERE, OLD);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = find();
        }

        /** The one that evacuates. */
        @Actor
        public void evacuator(final II_Result result) {
            final long root = zone.get();
            zone.set(next(root, ELSEWHERE));
            base.set(next(base.get(), says(root)));
            result.r2 = 1;
        }
    }

    /** A lookup that believes a frozen zone; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 1", "2, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "-2, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "take back, change, look, thaw: what the zone had before the change")
    @State
    public static class LookupWeakenedFrozenCounts extends ZoneModel {
        /** A fresh state. */
        public LookupWeakenedFrozenCounts() {
            super(ELSEWHERE, OLD);
        }

        /** The reader. */
        @Actor
        public void reader(final II_Result result) {
            result.r1 = findInFrozen();
        }

        /** The one that evacuates, and changes. */
        @Actor
        public void evacuator(final II_Result result) {
            evacuateAndChange();
            result.r2 = 1;
        }
    }

    // --------------------------------------------------------------------------------------------------------- a lease

    /** The first number is 1 if the lease ended with an interval in the window, the second if another one is there. */
    @Outcome(id = "1, 0", expect = Expect.ACCEPTABLE, desc = "leased, opened, inserted: something is there")
    @Outcome(id = "0, 1", expect = Expect.ACCEPTABLE, desc = "taken back before it was opened, or never leased")
    @Outcome(expect = Expect.FORBIDDEN, desc = "two have the same addresses, or none")
    public static final class LeaseOutcomes {
        private LeaseOutcomes() {
        }
    }

    /** The steps one by one. */
    @JCStressTest
    @JCStressMeta(LeaseOutcomes.class)
    @State
    public static class LeaseModel extends ZoneModel {
        /** A fresh state. */
        public LeaseModel() {
            super(GAP, ELSEWHERE);
        }

        /** The one that leases. */
        @Actor
        public void lessee(final II_Result result) {
            result.r1 = lease() && open(true) && insertThere() ? 1 : 0;
        }

        /** The one that inserts where the window is. */
        @Actor
        public void inserter(final II_Result result) {
            result.r2 = insert() ? 1 : 0;
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(LeaseOutcomes.class)
    @State
    public static class LeaseActualMembarrier extends ZoneState {
        /** A fresh state. */
        public LeaseActualMembarrier() {
            super(RegionState.MEMBARRIER, false);
        }

        /** The one that leases. */
        @Actor
        public void lessee(final II_Result result) {
            result.r1 = ended(insertIntoZone());
        }

        /** The one that inserts where the window is. */
        @Actor
        public void inserter(final II_Result result) {
            result.r2 = ended(insertEverywhere());
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(LeaseOutcomes.class)
    @State
    public static class LeaseActualFence extends ZoneState {
        /** A fresh state. */
        public LeaseActualFence() {
            super(RegionState.FENCE, false);
        }

        /** The one that leases. */
        @Actor
        public void lessee(final II_Result result) {
            result.r1 = ended(insertIntoZone());
        }

        /** The one that inserts where the window is. */
        @Actor
        public void inserter(final II_Result result) {
            result.r2 = ended(insertEverywhere());
        }
    }

    /** A window that is opened without a look at the base; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"1, 0", "0, 1"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = "1, 1", expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "lease, take back, insert in the base, open, insert in the zone: what [Z1] is for")
    @State
    public static class LeaseWeakened extends ZoneModel {
        /** A fresh state. */
        public LeaseWeakened() {
            super(GAP, ELSEWHERE);
        }

        /** The one that leases. */
        @Actor
        public void lessee(final II_Result result) {
            final boolean leased = lease();
            linger();
            result.r1 = leased && open(false) && insertThere() ? 1 : 0;
        }

        /** The one that inserts where the window is. */
        @Actor
        public void inserter(final II_Result result) {
            result.r2 = insert() ? 1 : 0;
        }
    }

    // ---------------------------------------------------------------------------------------------------------- helping

    /** The one that ends second says what is there: 3, for what stood there and two changes. */
    @Outcome(id = {"3, 0", "0, 3"}, expect = Expect.ACCEPTABLE, desc = "one took it back, or both; then each changed it")
    @Outcome(expect = Expect.FORBIDDEN, desc = "a change is lost, or done twice")
    public static final class HelpOutcomes {
        private HelpOutcomes() {
        }
    }

    /** The steps one by one. */
    @JCStressTest
    @JCStressMeta(HelpOutcomes.class)
    @State
    public static class HelpModel extends ZoneModel {
        /** A fresh state. */
        public HelpModel() {
            super(ELSEWHERE, OLD);
            zone.set(frozen(OLD));
        }

        /** One that completes the evacuation. */
        @Actor
        public void first(final II_Result result) {
            complete();
            change();
            result.r1 = findIfLast();
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            complete();
            change();
            result.r2 = findIfLast();
        }
    }

    /** What ships. */
    abstract static class Help extends ZoneState {
        Help(final EpochDomain domain) {
            super(domain, true);
            freeze();
        }

        final int insertOneOf(final int place) {
            return insert(place) ? countIfLast() : -3;
        }
    }

    /** What ships by default. */
    @JCStressTest
    @JCStressMeta(HelpOutcomes.class)
    @State
    public static class HelpActualMembarrier extends Help {
        /** A fresh state. */
        public HelpActualMembarrier() {
            super(RegionState.MEMBARRIER);
        }

        /** One that completes the evacuation. */
        @Actor
        public void first(final II_Result result) {
            result.r1 = insertOneOf(1);
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = insertOneOf(2);
        }
    }

    /** What ships for systems without the barrier. */
    @JCStressTest
    @JCStressMeta(HelpOutcomes.class)
    @State
    public static class HelpActualFence extends Help {
        /** A fresh state. */
        public HelpActualFence() {
            super(RegionState.FENCE);
        }

        /** One that completes the evacuation. */
        @Actor
        public void first(final II_Result result) {
            result.r1 = insertOneOf(1);
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            result.r2 = insertOneOf(2);
        }
    }

    /** One that takes back what others have taken back; {@code WeakenedTwinsTest} asserts that this shows. */
    @JCStressTest
    @Outcome(id = {"3, 0", "0, 3"}, expect = Expect.ACCEPTABLE, desc = "the two did not meet")
    @Outcome(id = {"2, 0", "0, 2"}, expect = Expect.ACCEPTABLE_INTERESTING,
        desc = "read the zone; take back, change; take back: the change is lost")
    @State
    public static class HelpWeakened extends ZoneModel {
        /** A fresh state. */
        public HelpWeakened() {
            super(ELSEWHERE, OLD);
            zone.set(frozen(OLD));
        }

        /** One that completes the evacuation. */
        @Actor
        public void first(final II_Result result) {
            completeAgain();
            change();
            result.r1 = findIfLast();
        }

        /** The other. */
        @Actor
        public void second(final II_Result result) {
            completeAgain();
            change();
            result.r2 = findIfLast();
        }

        private void completeAgain() {
            final long root = zone.get();
            linger();
            if (isFrozen(root)) {
                base.set(next(base.get(), says(root)));
                thaw(root);
            }
        }
    }
}
