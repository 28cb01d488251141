// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * G9: wherever the stack ends in an operation, the operation happens or leaves everything as it was, and what is open can
 * be closed further up; the space goes on working for threads that are new to it, and its close ends. For every row of
 * {@link OperationTable} and of {@link QuietOperations}. Locks within locks are {@link StackOverflowTest}'s.
 */
class FullStackTest {
    private static final String STACK = "-Xss512k"; // that of the threads that carry virtual ones
    private static final List<String> INTERPRETED = List.of(STACK, "-Xint");
    private static final List<String> COMPILED = List.of(STACK, "-Xcomp", "-XX:TieredStopAtLevel=1");

    private static void dig(final List<String> options, final int attempts, final String threads) throws Exception {
        final Children.Outcome outcome =
            Children.run(FullStackProgram.class, options, String.valueOf(attempts), threads);
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    @Test
    void anOperationMustHappenOrLeaveEverythingAsItWasWhenTheStackEnds() throws Exception {
        dig(INTERPRETED, 5, "platform");
    }

    @ParameterizedTest
    @Tag("long")
    @CsvSource({"true, platform", "true, virtual", "false, platform", "false, virtual"})
    void anOperationMustHappenOrLeaveEverythingAsItWasWhereverTheStackEnds(final boolean interpreted, final String threads)
        throws Exception {
        dig(new ArrayList<>(interpreted ? INTERPRETED : COMPILED), Integer.MAX_VALUE, threads);
    }
}
