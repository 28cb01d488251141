// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

/** A process that locks itself in memory ({@code mlockall}) does not have its reservations filled with pages. */
class LockedProcessTest extends SpaceFixture {
    private static final long MUCH_KIB = 2L << 20;
    private static final long MUCH_IN_TABLES_KIB = 32L << 10;

    @Test
    void lockingTheProcessMustNotPopulateAReservation() throws Exception {
        final Children.Outcome outcome =
            Children.run(LockedProgram.class, List.of(), file("data", 100_000).toString());
        assumeTrue(outcome.status() != LockedProgram.REFUSED, "mlockall is not allowed here: raise ulimit -l");
        assertThat(outcome.status()).as(outcome.output()).isZero();
        final String[] numbers = outcome.output().strip().split(" ");
        assertThat(Long.parseLong(numbers[0])).as("resident KiB").isLessThan(MUCH_KIB);
        assertThat(Long.parseLong(numbers[1])).as("KiB of page tables").isLessThan(MUCH_IN_TABLES_KIB);
    }
}
