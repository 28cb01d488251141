// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Core's tests catch a library in which one line is wrong (G1 to G7, G9 to G11): some lines in each build; in the long form
 * those of {@link MutantTable}, and a sample of all, of which those that survive are argued in {@code docs/EVIDENCE.md}.
 */
class MutationTest {
    private static final int SAMPLE = Integer.getInteger("holdfast.mutants", 240);
    private static final long SEED = Long.getLong("holdfast.mutants.seed", 1);
    private static final Pattern SURVIVOR = Pattern.compile("(?m)^\\| `([\\w.$]+ (?:NEGATE|DROP|OPERATOR) \\d+)` \\|");

    @TempDir
    private Path nothing;

    private final Mutation mutation = new Mutation("membarrier");

    @Test
    void theLibraryAsItIsMustPass() throws IOException, InterruptedException {
        assertThat(mutation.run(nothing, List.of("io.holdfast.lock.RegionLockStateTest",
            "io.holdfast.epoch.EpochDomainTest", "io.holdfast.tree.TreeEditTest", "io.holdfast.space.UnmapTest")))
            .isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "lock.RegionLock.exclude NEGATE 1, io.holdfast.lock.RegionLockStateTest",
        "epoch.EpochDomain.pinSlowly DROP 3, io.holdfast.epoch.EpochDomainTest",
        "tree.IntervalTree.replace DROP 4, io.holdfast.tree.TreeEditTest",
        "space.SpaceHandle.maps NEGATE 1, io.holdfast.space.UnmapTest"
    })
    void aDefectOfOneLineMustBeCaught(final String place, final String test) throws IOException, InterruptedException {
        assertThat(mutation.run(mutation.named(place), List.of(test))).as(place).isNotEmpty();
    }

    /** A row whose line has gone says nothing of the library as it is. */
    @Test
    void aHundredDefectsOfTheTableMustBeOfTheLibraryAsItIs() throws IOException {
        int there = 0;
        for (final MutantTable.Row row : MutantTable.read()) {
            there += mutation.named(row).isPresent() ? 1 : 0;
            assertThat(Mutation.isTest(row.test())).as("%s of %s", row.test(), row).isTrue();
        }
        assertThat(there).isGreaterThanOrEqualTo(100);
    }

    @Test
    @Tag("long")
    void everyDefectOfTheTableMustBeCaughtByItsTest() throws IOException, InterruptedException {
        final List<MutantTable.Row> wrong = new ArrayList<>();
        for (final MutantTable.Row row : MutantTable.read()) {
            final Optional<Mutant> mutant = mutation.named(row);
            if (mutant.isEmpty() || mutation.run(mutant.get(), row.tests()).isEmpty()) {
                wrong.add(row);
            }
        }
        assertThat(wrong).as("not there any more, or not caught").isEmpty();
    }

    @Test
    @Tag("long")
    void whatSurvivesMustBeArgued() throws IOException, InterruptedException {
        final Set<String> argued = new HashSet<>();
        final Matcher matcher = SURVIVOR.matcher(Files.readString(Path.of("..", "docs", "EVIDENCE.md")));
        while (matcher.find()) {
            argued.add(matcher.group(1));
        }
        final List<Mutant> survivors = new ArrayList<>();
        for (final Mutant mutant : mutation.sample(SAMPLE, SEED)) {
            if (!argued.contains(mutant.place()) && mutation.run(mutant).isEmpty()) {
                survivors.add(mutant);
            }
        }
        assertThat(survivors).as("mutants that no test catches").isEmpty();
    }
}
