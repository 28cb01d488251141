// SPDX-License-Identifier: Apache-2.0
package io.holdfast.lock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.epoch.Ledger.Kind;
import io.holdfast.epoch.Ledger;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The order in which regions and sections are waited for, as debug mode sees it (T13, G10). */
class LockOrderTest {
    private static final long A = 0xA00;
    private static final long B = 0xB00;
    private static final long C = 0xC00;
    private static final long SECTION = 0x500;
    private static final long SPACING = 8;

    private final List<Long> taken = new ArrayList<>();

    @AfterEach
    void forget() {
        giveBack();
        for (final long region : new long[] {A, B, C}) {
            LockOrder.forgetRegion(region);
        }
        LockOrder.forgetSection(SECTION);
    }

    private void hold(final Kind kind, final long... subjects) {
        for (final long subject : subjects) {
            taken.add(-SPACING * (taken.size() + 1));
            Ledger.taken(taken.getLast(), kind, subject);
        }
    }

    private void giveBack() {
        taken.forEach(Ledger::released);
        taken.clear();
    }

    private void holdThenAsk(final long held, final long wanted) {
        hold(Kind.SHARED, held);
        LockOrder.beforeRegion("share", wanted);
        giveBack();
    }

    @Test
    void sameOrderMustPassEveryTime() {
        for (int i = 0; i < 3; i++) {
            holdThenAsk(A, B);
            holdThenAsk(B, C);
            holdThenAsk(A, C);
            holdThenAsk(A, A);
        }
        assertThat(Ledger.mine()).noneMatch(entry -> entry.subject() == A);
    }

    @Test
    void cycleOfTwoMustBeRefusedEveryTime() {
        holdThenAsk(A, B);
        hold(Kind.EXCLUSIVE, B);
        for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> LockOrder.beforeRegion("exclusive", A))
                .isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll("exclusive of region record 0xa00", "holds region record 0xb00",
                    "order=[region record 0xa00, region record 0xb00]");
        }
    }

    @Test
    void longCycleMustBeRefusedAndNameEveryStep() {
        holdThenAsk(A, B);
        holdThenAsk(B, C);
        hold(Kind.SHARED, C);
        assertThatThrownBy(() -> LockOrder.beforeRegion("share", A)).isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContaining("order=[region record 0xa00, region record 0xb00, region record 0xc00]")
            .satisfies(thrown -> assertThat(thrown.getSuppressed()).hasSize(2));
    }

    @Test
    void orderMustBeForgottenAllAtOnce() {
        holdThenAsk(A, B);
        hold(Kind.SECTION, SECTION);
        LockOrder.beforeRegion("unmap", A);
        giveBack();
        LockOrder.forgetAll();
        hold(Kind.SHARED, B);
        assertThatCode(() -> LockOrder.beforeRegion("share", A)).doesNotThrowAnyException();
        assertThatCode(() -> LockOrder.beforeSection("write", SECTION)).doesNotThrowAnyException();
    }

    /** T13: a region held, then a section asked for, against the section held, then the region asked for. */
    @Test
    void sectionMustTakePartInTheOrder() {
        hold(Kind.SECTION, SECTION);
        LockOrder.beforeRegion("exclusive", A);
        giveBack();
        hold(Kind.SHARED, A);
        assertThatThrownBy(() -> LockOrder.beforeSection("write", SECTION))
            .isInstanceOf(IllegalMonitorStateException.class)
            .hasMessageContainingAll("write of section 0x500", "order=[section 0x500, region record 0xa00]");
    }

    @Test
    void sectionMustNotBeTakenForARegionOfTheSameNumber() {
        hold(Kind.SECTION, A);
        LockOrder.beforeRegion("share", A);
        giveBack();
        holdThenAsk(A, B);
        LockOrder.forgetSection(A);
        hold(Kind.SHARED, B);
        assertThatThrownBy(() -> LockOrder.beforeRegion("share", A)).isInstanceOf(IllegalMonitorStateException.class);
    }

    @Test
    void holdsAndPinsMustNotMakeAnOrder() {
        holdThenAsk(A, B);
        hold(Kind.PIN, 0);
        hold(Kind.VIEW, B);
        assertThatCode(() -> LockOrder.beforeRegion("share", A)).doesNotThrowAnyException();
    }

    @Test
    void forgottenRegionMustLeaveNoOrderBehind() {
        holdThenAsk(A, B);
        holdThenAsk(B, C);
        LockOrder.forgetRegion(B);
        holdThenAsk(C, A);
        holdThenAsk(B, A);
        hold(Kind.SHARED, A);
        assertThatThrownBy(() -> LockOrder.beforeRegion("share", B)).isInstanceOf(IllegalMonitorStateException.class);
    }
}
