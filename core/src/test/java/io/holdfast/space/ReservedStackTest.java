// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * That a stack which was made sure of is there, and that one which is not there is refused on entry (G9), whether what
 * looks for it is interpreted or compiled. It depends on what HotSpot touches on entry of a method with many local
 * variables.
 */
class ReservedStackTest {
    @ParameterizedTest
    @CsvSource({"forNested, 16384", "forBeginning, 8192", "forEnd, 4096"})
    void interpretedCodeMustReserveWhatItGrants(final String method, final String bytes) throws Exception {
        assertThat(reserve(List.of("-Xint"), bytes)).doesNotContain("::" + method);
    }

    @ParameterizedTest
    @CsvSource({"forNested, 16384", "forBeginning, 8192", "forEnd, 4096"})
    void codeOfTheClientCompilerMustReserveWhatItGrants(final String method, final String bytes) throws Exception {
        assertThat(reserve(List.of("-Xbatch", "-XX:TieredStopAtLevel=1"), bytes)).contains("::" + method);
    }

    @ParameterizedTest
    @CsvSource({"forNested, 16384", "forBeginning, 8192", "forEnd, 4096"})
    void codeOfTheServerCompilerMustReserveWhatItGrants(final String method, final String bytes) throws Exception {
        assertThat(reserve(List.of("-Xbatch", "-XX:-TieredCompilation"), bytes)).contains("::" + method);
    }

    /** Output of the program, with a line for each method that was compiled. */
    private static String reserve(final List<String> options, final String bytes) throws Exception {
        final List<String> all = new ArrayList<>(options);
        all.addAll(List.of("-XX:CompileCommand=quiet",
            "-XX:CompileCommand=exclude,io.holdfast.space.ReservingProgram::*",
            "-XX:CompileCommand=PrintCompilation,io.holdfast.epoch.ReservedStack::*,true"));
        final Children.Outcome outcome = Children.run(ReservingProgram.class, all, bytes);
        assertThat(outcome.status()).as(outcome.output()).isZero();
        return outcome.output();
    }
}
