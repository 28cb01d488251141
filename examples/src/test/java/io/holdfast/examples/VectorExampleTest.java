// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Runs by itself, with the module that it needs. */
class VectorExampleTest {
    @Test
    void vectorsMustBeScoredWhereTheyLie() {
        assertThat(VectorExample.nearest(200, 100)).isEqualTo(100);
        assertThat(VectorExample.nearest(51, 7)).isEqualTo(25); // less than one vector of the processor
    }
}
