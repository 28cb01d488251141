// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.epoch.EpochTestSupport.Peer;
import io.holdfast.epoch.EpochTestSupport;
import io.holdfast.epoch.Ledger;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Sections of two spaces, and guards with them: debug mode, which is on in this run, refuses what closes a cycle (G10,
 * T13). Within one space no thread waits for a section while it holds anything.
 */
@ExtendWith(InspectedSpaces.class)
class SectionOrderTest {
    private static final long BYTES = 4096;
    private static final String CYCLE = "could wait for ever";

    private AddressSpace first;
    private AddressSpace second;
    private Region inFirst;
    private Region inSecond;

    @BeforeEach
    void open() {
        first = AddressSpace.builder().capacity(1 << 24).open();
        second = AddressSpace.builder().capacity(1 << 24).open();
        inFirst = first.map(BYTES);
        inSecond = second.map(BYTES);
    }

    @AfterEach
    void close() {
        first.close();
        second.close();
        assertThat(Ledger.mine()).noneMatch(entry -> entry.kind() == Ledger.Kind.SECTION);
    }

    @Test
    void sectionsOfTwoSpacesMustBeTakenInOneOrder() {
        for (int i = 0; i < 2; i++) {
            try (WriteSection outer = first.write(); WriteSection inner = second.write()) {
                assertThat(outer).isNotSameAs(inner);
            }
        }
        try (WriteSection outer = second.write()) {
            assertThatThrownBy(first::write).isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining(CYCLE);
            assertThatThrownBy(() -> first.read(0, BYTES)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(CYCLE);
            assertThatCode(() -> Objects.requireNonNull(first.tryWrite(0, BYTES)).close()).doesNotThrowAnyException();
            outer.map(BYTES);
            outer.publish();
        }
        try (WriteSection again = first.write()) {
            again.map(BYTES);
            again.publish();
        }
    }

    @Test
    void aGuardAndASectionOfAnotherSpaceMustBeTakenInOneOrder() {
        try (Guard guard = inFirst.share(); WriteSection section = second.write()) {
            assertThat(guard.isHeld()).isTrue();
            section.exclude(inSecond);
        }
        try (WriteSection section = second.write()) {
            assertThatThrownBy(inFirst::share).isInstanceOf(IllegalMonitorStateException.class).hasMessageContaining(CYCLE);
            section.exclude(inSecond);
        }
        try (Guard guard = inSecond.share()) {
            assertThatThrownBy(inFirst::exclusive).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(CYCLE);
            assertThat(guard.isHeld()).isTrue();
        }
    }

    /** Two threads, each with a section of its own, whose single changes wait for the other's: the second is told. */
    @Test
    void aChangeThatWaitsForTheSectionOfOneWhoWaitsMustBeRefused() {
        try (Peer peer = Peer.platform()) {
            final WriteSection mine = first.write();
            final WriteSection[] others = new WriteSection[1];
            peer.run(() -> others[0] = second.write());
            final FutureTask<Region> mapping = peer.begin(() -> first.map(BYTES));
            while (inside(first).gate().ranges().sections().size() == 1) {
                Thread.onSpinWait();
            }
            assertThatThrownBy(() -> second.map(BYTES)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(CYCLE);
            mine.close();
            assertThat(EpochTestSupport.result(mapping).isMapped()).isTrue();
            peer.run(() -> others[0].close());
        }
    }
}
