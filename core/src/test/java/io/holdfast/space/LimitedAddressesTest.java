// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.memory.Errno;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A limit on the addresses of the process, as administrators set it: refused with the remedy (G9). */
class LimitedAddressesTest {
    private static final long KIBIBYTES = 12L << 20;
    private static final String REFUSED = "refused with OptionalInt[" + Errno.ENOMEM + "]: ";

    @Test
    void aSpaceBeyondTheLimitMustBeRefusedWithTheRemedyAndASmallOneMustWork() throws Exception {
        final Children.Outcome outcome = Children.run(Children.limited("-v " + KIBIBYTES,
            Children.command(LimitedAddressesProgram.class, List.of("-XX:+UseSerialGC"))));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output()).doesNotContain("granted")
            .contains(REFUSED + "space large of capacity " + AddressSpace.DEFAULT_CAPACITY +
                " cannot be opened: mmap failed", REFUSED + "space large of capacity 3518437",
                "(ENOMEM)", "ulimit -v", "worked in 1000 small spaces");
    }
}
