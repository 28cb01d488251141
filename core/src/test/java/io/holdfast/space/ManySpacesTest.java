// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
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

    /** More than there are TiB; class loaders are collected when the JVM sees fit, or a space finds no addresses. */
    @Test
    void deploymentsThatAreGoneMustLeaveTheirAddressesToTheNext() throws Exception {
        redeploy(130, AddressSpace.DEFAULT_CAPACITY);
    }

    /** Nothing but a space that finds no addresses has a class loader collected. */
    @Test
    void aSpaceThatFindsNoAddressesMustHaveThoseOfGoneDeploymentsCollected() throws Exception {
        final List<String> options = List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:MetaspaceSize=512m");
        succeeds(6, Children.limited("-v " + (16L << 20),
            Children.command(RedeployProgram.class, options, "6", Long.toString(4L << 30))));
    }

    /** G4; and that nothing but such a segment keeps the addresses. */
    @Test
    void aSegmentThatOutlivesTheLibraryMustStayReadable() throws Exception {
        final Children.Outcome outcome = Children.run(UnloadedProgram.class, List.of("-XX:+UseSerialGC"));
        assertThat(outcome.output()).contains("classes collected", "reads 0, there", "addresses given back");
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }

    @Test
    @Tag("long")
    void aThousandDeploymentsMustFindAddresses() throws Exception {
        redeploy(1_000, AddressSpace.DEFAULT_CAPACITY);
    }

    private static void redeploy(final int count, final long capacity) throws Exception {
        succeeds(count, Children.command(RedeployProgram.class, List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
            Integer.toString(count), Long.toString(capacity)));
    }

    private static void succeeds(final int count, final List<String> command) throws Exception {
        final Children.Outcome outcome = Children.run(command);
        assertThat(outcome.output()).contains("deployed " + count);
        assertThat(outcome.status()).as(outcome.output()).isZero();
    }
}
