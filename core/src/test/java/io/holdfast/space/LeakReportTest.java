// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** What debug mode says of spaces and regions that were left behind. */
class LeakReportTest {
    @Test
    void leakedSpacesAndRegionsMustBeReportedWithThePlaceThatOpenedThem() throws Exception {
        final Children.Outcome outcome = Children.run(ForgetfulProgram.class, List.of("-Dio.holdfast.debug=true"));
        assertThat(outcome.output()).contains("address space was left without being closed: name=left, regions=1")
            .contains("ForgetfulProgram.openAndForget")
            .contains("region was never unmapped: space=tidy, name=forgotten")
            .contains("ForgetfulProgram.mapAndForget");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void manyLeakedRegionsMustBeCountedAndFewShown() throws Exception {
        final Children.Outcome outcome = Children.run(ForgetfulProgram.class, List.of("-Dio.holdfast.debug=true"));
        assertThat(outcome.output()).contains("regions were never unmapped: space=crowded, regions=1000, shown=" +
            RegionLabels.SHOWN);
        assertThat(outcome.output().split("region was never unmapped: space=crowded", -1)).hasSize(RegionLabels.SHOWN + 1);
    }
}
