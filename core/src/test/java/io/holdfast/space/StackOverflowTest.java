// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * G9: a stack overflow leaves no lock, no hold and no pin behind, wherever it happens in a method that takes or ends one;
 * and an end that ran out of stack can be repeated further up.
 */
class StackOverflowTest {
    private static final String STACK = "-Xss256k"; // that of the threads that carry virtual ones

    private static void dig(final List<String> options, final String... arguments) throws Exception {
        final List<String> all = new ArrayList<>(List.of(STACK));
        all.addAll(options);
        final Children.Outcome outcome = Children.run(DiggingProgram.class, all, arguments);
        assertThat(outcome.output()).endsWith("done\n");
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    /** Where nothing is compiled, no end goes deeper than its beginning, the quick way of guards included. */
    @Test
    void interpretedCodeMustLeaveNothing() throws Exception {
        dig(List.of("-Xint"), "130", "96", "6", "platform", "nested", "chained", "virtual");
    }

    /**
     * Where all is compiled but what never happened before: what undoes it. The quick way of guards is left out: compiled
     * code can leave a lock that it took, as docs/LOCKING.md says.
     */
    @Test
    void compiledCodeMustLeaveNothing() throws Exception {
        dig(List.of("-Xbatch"), "2000", "600", "4", "nested", "chained", "virtual");
    }
}
