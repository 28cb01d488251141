// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.memory.Errno;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A limit on the addresses of the process, as administrators set it: refused with the remedy (G9). */
class LimitedAddressesTest {
    private static final long KIBIBYTES = 12L << 20;
    private static final String REFUSED = "refused with OptionalInt[" + Errno.ENOMEM + "]: ";

    @Test
    void aSpaceBeyondTheLimitMustBeRefusedWithTheRemedyAndASmallOneMustWork() throws Exception {
        final List<String> command =
            new ArrayList<>(List.of("bash", "-c", "ulimit -v " + KIBIBYTES + " && exec \"$@\"", "bash"));
        command.addAll(Children.command(LimitedAddressesProgram.class, List.of("-XX:+UseSerialGC")));
        final Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(child.waitFor()).as(output).isZero();
        assertThat(output).doesNotContain("granted")
            .contains(REFUSED + "space large of capacity " + AddressSpace.DEFAULT_CAPACITY +
                " cannot be opened: mmap failed", REFUSED + "space large of capacity 3518437",
                "(ENOMEM)", "ulimit -v", "worked in 1000 small spaces");
    }
}
