// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What is said in production of things that were left behind: with the place that took them, of one in so many. */
class LeakSamplingTest {
    private static final int ONE_IN = 100;
    private static final int EXPECTED = 200; // of 20,000

    private static String run(final int oneIn, final String what) throws Exception {
        final Children.Outcome outcome =
            Children.run(LeakSamplingProgram.class, List.of("-Dio.holdfast.leakSampling=" + oneIn), what);
        assertThat(outcome.status()).as(outcome.output()).isZero();
        return outcome.output();
    }

    @Test
    void guardsAndHoldsThatAreGarbageMustBeReportedWithThePlaceThatTookThem() throws Exception {
        final String output = run(1, "garbage");
        assertThat(output).contains("unmaps of the region wait for it: space=leaking, what=guard, region=0x")
            .contains("LeakSamplingProgram.leaveGuard(")
            .contains("unmaps of the region wait for it: space=leaking, what=hold, region=0x")
            .contains("LeakSamplingProgram.leaveHold(");
        assertThat(output.lines().filter(line -> line.startsWith("told: leaking: ")))
            .anyMatch(line -> line.contains("guard, region=0x") && line.contains(".leaveGuard("))
            .anyMatch(line -> line.contains("hold, region=0x") && line.contains(".leaveHold("));
    }

    @Test
    void whatWasClosedMustBeForgotten() throws Exception {
        assertThat(run(1, "garbage")).contains("open when all is closed: 0").doesNotContain("LeakSamplingProgram.close");
    }

    @Test
    void aLongWaitMustNameThePlaceThatTookWhatItIsFor() throws Exception {
        final String output = run(1, "wait");
        assertThat(output).contains("waited for hold taken by main");
        assertThat(told(output)).isNotEmpty().allMatch(line -> line.contains("LeakSamplingProgram.keepHold("));
    }

    @Test
    void aWaitMustBeReportedAgainAndAgainButTellOfEachPlaceOnce() throws Exception {
        final String output = run(1, "wait");
        assertThat(output.lines().filter(line -> line.contains("waited for hold taken by main")))
            .hasSizeGreaterThanOrEqualTo(6);
        assertThat(told(output)).as("of a writer and an unmap that wait for one hold").hasSize(2);
    }

    private static List<String> told(final String output) {
        return output.lines().filter(line -> line.startsWith("told: waiting: waited for, region=0x")).toList();
    }

    @Test
    void spacesAndRegionsThatWereLeftMustBeReportedWithThePlaceThatMadeThem() throws Exception {
        assertThat(run(1, "space")).contains("address space was left without being closed: name=left, regions=1")
            .contains("told: left: region, name=forgotten").contains("LeakSamplingProgram.openAndForget(");
    }

    @Test
    void aboutOneInSoManyMustBeRemembered() throws Exception {
        final String output = run(ONE_IN, "count");
        final Matcher matcher = Pattern.compile("remembered=(\\d+) of 20000").matcher(output);
        assertThat(matcher.find()).as(output).isTrue();
        assertThat(Integer.parseInt(matcher.group(1))).isBetween(EXPECTED / 2, EXPECTED * 2);
        assertThat(output).contains("open when all is closed: 0");
    }

    @Test
    void nothingMustBeRememberedUnlessItIsAskedFor() throws Exception {
        assertThat(run(0, "count")).contains("remembered=0 of 20000");
    }
}
