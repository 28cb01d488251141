// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * That a guard, or a pin with what it finds, costs no allocation where it does not leave its method, whoever takes it. It
 * depends on what the compiler inlines, and so on how often the full form of a lock was seen, and on the size of the code
 * of {@code share}, {@code find} and {@code close} (G8).
 */
class GuardAllocationTest {
    @ParameterizedTest
    @CsvSource({"1, platform", "16, platform", "100, platform", "1, virtual", "16, virtual"})
    void guardsThatDoNotLeaveTheirMethodMustCostNoAllocation(final String threads, final String kind) throws Exception {
        runs(threads, kind, "guards");
    }

    @ParameterizedTest
    @CsvSource({"1, platform", "16, platform", "16, virtual"})
    void lookupsUnderPinsThatDoNotLeaveTheirMethodMustCostNoAllocation(final String threads, final String kind)
        throws Exception {
        runs(threads, kind, "lookups");
    }

    private static void runs(final String... arguments) throws Exception {
        final Children.Outcome outcome = Children.run(GuardingProgram.class, List.of("-da"), arguments);
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }
}
