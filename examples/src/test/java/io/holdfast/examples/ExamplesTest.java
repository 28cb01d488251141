// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The small programs must do what they show. */
class ExamplesTest {
    @Test
    void quickStartMustReadWhatItWroteAndBeRefusedAfterTheUnmap() throws Exception {
        final PrintStream before = System.out;
        final ByteArrayOutputStream said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try {
            QuickStart.main(new String[0]);
        } finally {
            System.setOut(before);
        }
        assertThat(said.toString(StandardCharsets.UTF_8).lines())
            .containsExactly("read 42", "a late reader is told: DETACHED");
    }

    @Test
    void growingLogMustBeReadWholeWhileItGrows() throws Exception {
        final long count = 200_000;
        assertThat(GrowingLogExample.sumWhileAppending(count)).isEqualTo(count * (count - 1) / 2);
    }

    @Test
    void everyRecordMustBeFoundByItsNumberWhileTheLogGrowsAndAfterwards() throws Exception {
        assertThat(IndexedLogExample.wrongRecords(50_000)).isZero();
    }

    @Test
    void optimisticReadsMustNeverAcceptHalfAChange() throws Exception {
        assertThat(OptimisticReadExample.mismatches(200_000)).isZero();
    }

    @Test
    void sectionsMustNeverShowHalfAVersion() throws Exception {
        assertThat(WriteSectionExample.brokenLooks(2_000)).isZero();
    }

    @Test
    void asynchronousUnmapsMustAllComplete() {
        assertThat(AsyncUnmapExample.regionsLeft(500)).isZero();
    }

    @Test
    void termsMustRollAndNoMessageBeLost() throws Exception {
        assertThat(TermBufferExample.exchange(2, 20_000)).isGreaterThan(20);
    }

    @Test
    void nettyMustSendTheWholeRegionAlthoughItIsUnmapped() throws Exception {
        assertThat(NettyExample.received()).isEqualTo(1 << 20);
    }

    @Test
    void gatheredPagesMustBeScatteredBack() throws Exception {
        assertThat(GatherScatterExample.roundTrip()).isEqualTo(2);
    }

    @Test
    void asynchronousReadsMustCompleteAlthoughTheirRegionIsUnmapped() throws Exception {
        assertThat(AsyncReadExample.sum()).isEqualTo(3L << 16);
    }

    @Test
    void everySegmentMustBeReadOrRefused() throws Exception {
        final VirtualThreadsExample.Answer answer = VirtualThreadsExample.ask(500);
        assertThat(answer.sum() + answer.refused()).isEqualTo(500);
        assertThat(answer.sum()).isGreaterThanOrEqualTo(250);
    }

    @Test
    void aPageCacheMustReadEveryValueWhileItEvicts() throws Exception {
        assertThat(PageCacheExample.wrongValues(20_000)).isZero();
    }

    @Test
    void aWatchedServiceMustSeeWhatAnUnmapWaitsFor() {
        final WatchedServiceExample.Seen seen = WatchedServiceExample.seen();
        assertThat(seen.backlog()).isEqualTo(1);
        assertThat(seen.report().region()).contains("name=cache");
        assertThat(seen.holders()).isNotNull();
    }
}
