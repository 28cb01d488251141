// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The addresses of a process suffice for more spaces than anybody has. */
class ManySpacesTest {
    @Test
    void aThousandSpacesMustBeOpenAtATime() throws Exception {
        final Children.Outcome outcome = Children.run(ManySpacesProgram.class, List.of("-Xmx512m"), "1000");
        assertThat(outcome.output()).contains("opened 1000");
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    /** One more than there are TiB. */
    @Test
    void aHundredAndThirtyDeploymentsMustFindAddresses() throws Exception {
        redeploy(130);
    }

    @Test
    @Tag("long")
    void aThousandDeploymentsMustFindAddresses() throws Exception {
        redeploy(1_000);
    }

    private static void redeploy(final int count) throws Exception {
        final Children.Outcome outcome = Children.run(RedeployProgram.class,
            List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"), Integer.toString(count));
        assertThat(outcome.output()).contains("deployed " + count);
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }
}
