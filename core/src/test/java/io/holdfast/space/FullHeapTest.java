// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * G9: whatever room the heap has left when an operation begins, the operation happens or leaves everything as it was; the
 * space goes on working for threads that are new to it, and its close ends. For every row of {@link OperationTable}, which
 * has one for every public method that changes anything, as {@link OperationFaultTest} sees to.
 */
class FullHeapTest {
    private static void fill(final int attempts) throws Exception {
        final Children.Outcome outcome =
            Children.run(FullHeapProgram.class, FullHeapProgram.OPTIONS, String.valueOf(attempts));
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    @Test
    void anOperationMustHappenOrLeaveEverythingAsItWasWhenTheHeapIsFull() throws Exception {
        fill(12);
    }

    @Test
    @Tag("long")
    void anOperationMustHappenOrLeaveEverythingAsItWasWhateverRoomTheHeapHas() throws Exception {
        fill(Integer.MAX_VALUE);
    }
}
