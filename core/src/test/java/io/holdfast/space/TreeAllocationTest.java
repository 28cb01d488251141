// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** That lookups in the tree cost no heap, and changes a small constant (G8). */
class TreeAllocationTest {
    @Test
    void lookupsMustCostNoHeapAndChangesASmallConstant() throws Exception {
        final Children.Outcome outcome = Children.run(TreeChangingProgram.class, List.of("-da"));
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }
}
