// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import io.holdfast.WaitReport;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A close that gives up says who is left, and the memory goes back when they leave. */
class CloseReportTest extends SpaceFixture {
    private final List<WaitReport> reports = new CopyOnWriteArrayList<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.reportWaits(Duration.ofHours(1), reports::add);
    }

    @Test
    void closeThatGivesUpMustSayWhoIsLeftAndTheLastOneMustFreeTheMemory() throws Exception {
        final Region region = space.map(PAGE);
        final Region idleRegion = space.map(PAGE);
        final Threads.Holder holder = Threads.hold(region::share);
        assertThat(space.close(10, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(reports).singleElement().satisfies(report -> {
            assertThat(report.region()).contains("0x" + Long.toHexString(region.address()));
            assertThat(report.holders()).singleElement()
                .satisfies(one -> assertThat(one.threadId()).isEqualTo(holder.thread().threadId()));
        });
        assertThat(idleRegion.isMapped()).isFalse();
        holder.close();
        while (space.statistics().regions() != 0) {
            Thread.onSpinWait(); // nobody closes; the background gives it back
        }
        space.close();
    }

    @Test
    void closeThatGivesUpMustNameAWriter() throws Exception {
        final Region region = space.map(PAGE);
        final Threads.Holder holder = Threads.hold(region::exclusive);
        assertThat(space.close(10, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(reports).singleElement()
            .satisfies(report -> assertThat(report.region()).contains("exclusive=true"));
        holder.close();
        space.close();
    }
}
