// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * G9: whatever room the heap has left when an operation begins, the operation happens or leaves everything as it was; the
 * space goes on working for threads that are new to it, and its close ends. For every row of {@link OperationTable} and of
 * {@link QuietOperations}, which have one for every public method that changes, takes or makes anything, as {@link
 * OperationFaultTest} sees to.
 */
class FullHeapTest {
    // Without debug mode, whose notes of what is given back need heap themselves.
    private static final List<String> OPTIONS = List.of("-da", "-Xmx12m", "-Xms12m", "-Xmn2m", "-XX:+UseSerialGC",
        "-XX:-UseTLAB", "-XX:SoftRefLRUPolicyMSPerMB=0", "-XX:MarkSweepDeadRatio=0", "-XX:MarkSweepAlwaysCompactCount=1",
        "-XX:TieredStopAtLevel=1");

    private static void fill(final int attempts) throws Exception {
        final Children.Outcome outcome =
            Children.run(FullHeapProgram.class, OPTIONS, String.valueOf(attempts));
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    @Test
    void anOperationMustHappenOrLeaveEverythingAsItWasWhenTheHeapIsFull() throws Exception {
        fill(5);
    }

    @Test
    @Tag("long")
    void anOperationMustHappenOrLeaveEverythingAsItWasWhateverRoomTheHeapHas() throws Exception {
        fill(Integer.MAX_VALUE);
    }
}
