// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.stress.weave.Weaver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/**
 * The torture run in its short form, under both flavours, and that it catches every defect that can be woven in: G1 to
 * G7, G9 and the races T1, T3, T4, T7, T11, T14, T15, T18 and T19. The long form is the program's own.
 */
class TortureTest {
    private static final String MUST_BE_CAUGHT_WITHIN_SECONDS = "60";

    @TempDir
    private Path directory;

    private int torture(final String... arguments) {
        final List<String> all = Stream.concat(Arrays.stream(arguments),
            Stream.of("--directory", directory.toString())).toList();
        return new CommandLine(new Torture()).setCaseInsensitiveEnumValuesAllowed(true)
            .execute(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @ValueSource(strings = {"membarrier", "fence"})
    void everyGuaranteeMustHoldUnderTorture(final String flavour) {
        assertThat(torture("--seconds", "6", "--patience", "60", "--flavour", flavour)).isZero();
    }

    /** Fails at once where a change of the library moves a place; the runs below take longer to say so. */
    @ParameterizedTest
    @EnumSource
    void everyWovenPlaceMustBeThere(final Variant variant) throws IOException {
        Weaver.weave(Torture.weaves(variant), directory);
        assertThat(directory).isNotEmptyDirectory();
    }

    @ParameterizedTest
    @EnumSource
    void everyDefectMustBeCaught(final Variant variant) {
        assertCaught(variant, variant.ordinal() % 2 == 0 ? "membarrier" : "fence");
    }

    @ParameterizedTest
    @Tag("long")
    @MethodSource
    void everyDefectMustBeCaughtUnderEachFlavour(final Variant variant, final String flavour) {
        assertCaught(variant, flavour);
    }

    static Stream<Arguments> everyDefectMustBeCaughtUnderEachFlavour() {
        return Arrays.stream(Variant.values()).flatMap(variant ->
            Stream.of(Arguments.of(variant, "membarrier"), Arguments.of(variant, "fence")));
    }

    private void assertCaught(final Variant variant, final String flavour) {
        assertThat(torture("--broken", variant.name(), "--seconds", MUST_BE_CAUGHT_WITHIN_SECONDS, "--patience", "15",
            "--flavour", flavour)).as("%s under %s, caught within %s s", variant, flavour,
                MUST_BE_CAUGHT_WITHIN_SECONDS).isZero();
    }
}
