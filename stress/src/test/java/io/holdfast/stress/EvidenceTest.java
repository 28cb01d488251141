// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.openjdk.jcstress.infra.runners.TestList;

/** What {@code docs/EVIDENCE.md} says of tests is so, and nothing is without evidence. */
class EvidenceTest {
    private static final Path ROOT = Path.of("..");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| (T\\d+) \\|[^|]*\\|([^|]*)\\|$");
    private static final Pattern SECTION = Pattern.compile("(?ms)^### (G\\d+) [^\\n]+\\n(.*?)(?=^##)");
    private static final List<String> SAID =
        List.of("*Claimed:*", "*Would break it:*", "*Each build:*", "*For long:*", "*Again:*");
    private static final Pattern CITED = Pattern.compile("`(\\w+(?:Test|Stress))(?:\\.(\\w+))?`");

    private final Map<String, String> sources = new HashMap<>();
    private final Map<String, String> rows = new HashMap<>();

    @BeforeEach
    void read() throws IOException {
        for (final String module : new String[] {"core", "stress", "examples", "adapters"}) {
            try (Stream<Path> files = Files.walk(ROOT.resolve(module))) {
                for (final Path file : files.filter(path -> path.toString().matches(".*/src/.*(Test|Stress)\\.java"))
                    .toList()) {
                    sources.merge(file.getFileName().toString().replace(".java", ""), Files.readString(file),
                        String::concat);
                }
            }
        }
        final String evidence = Files.readString(ROOT.resolve("docs/EVIDENCE.md"));
        for (final Pattern pattern : List.of(ROW, SECTION)) {
            final Matcher matcher = pattern.matcher(evidence);
            while (matcher.find()) {
                rows.put(matcher.group(1), matcher.group(2));
            }
        }
    }

    private static List<String> numbers() {
        return Stream.concat(IntStream.rangeClosed(1, 11).mapToObj(i -> "G" + i),
            IntStream.rangeClosed(1, 19).mapToObj(i -> "T" + i)).toList();
    }

    /** Whether a text names a number, alone or within "G1 to G5"; ordering tags in brackets do not count. */
    private static boolean names(final String text, final String number) {
        if (Pattern.compile("(?<![\\[\\w])" + number + "\\b").matcher(text).find()) {
            return true;
        }
        final int value = Integer.parseInt(number.substring(1));
        final Matcher ranges = Pattern.compile(number.charAt(0) + "(\\d+)\\s+(?:\\*\\s+)?to\\s+(?:\\*\\s+)?" +
            number.charAt(0) + "(\\d+)").matcher(text);
        while (ranges.find()) {
            if (Integer.parseInt(ranges.group(1)) <= value && value <= Integer.parseInt(ranges.group(2))) {
                return true;
            }
        }
        return false;
    }

    /** The harness starts only the threads that a class declares itself, not those it inherits. */
    @Test
    void everyStressTestMustHaveTwoThreadsOfItsOwn() {
        assertThat(TestList.tests()).isNotEmpty()
            .allSatisfy(name -> assertThat(TestList.getInfo(name).threads()).as(name).isGreaterThan(1));
    }

    @Test
    void everyGuaranteeAndRaceMustBeCitedByATest() {
        final TreeSet<String> without = new TreeSet<>(numbers());
        without.removeIf(number -> sources.values().stream().anyMatch(text -> names(text, number)));
        assertThat(without).as("guarantees and races that no test names").isEmpty();
    }

    @Test
    void everyGuaranteeMustSayWhatWouldBreakItAndHowToRunItAgain() {
        rows.forEach((number, text) -> {
            if (number.startsWith("G")) {
                assertThat(text).as(number).contains(SAID);
            }
        });
    }

    @Test
    void everyGuaranteeAndRaceMustHaveARowWithTests() {
        final List<String> without = new ArrayList<>(numbers());
        without.removeIf(number -> rows.containsKey(number) && CITED.matcher(rows.get(number)).find());
        assertThat(without).as("guarantees and races without evidence").isEmpty();
    }

    @Test
    void everyCitedTestMustExistAndNameWhatItIsCitedFor() {
        rows.forEach((number, tests) -> {
            final Matcher cited = CITED.matcher(tests);
            while (cited.find()) {
                final String name = cited.group(1);
                final String method = cited.group(2);
                assertThat(sources).as("cited for %s", number).containsKey(name);
                final String text = sources.get(name);
                assertThat(names(text, number)).as("%s names %s, for which it is cited", name, number).isTrue();
                assertThat(method == null || text.contains(" " + method + "(")).as("%s has %s", name, method).isTrue();
            }
        });
    }
}
