// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.stress.herd.ProtocolParser.Descriptions;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The protocols that {@code stress/litmus} describes are those of the code, and right on weaker machines than x86
 * (guarantees G1, G2, G5).
 */
class HerdTest {
    private static final Path FOLDER = Path.of("litmus").toAbsolutePath();
    private static final Path OUT = Path.of("target", "litmus").toAbsolutePath();
    private static final Path DOCS = Path.of("..", "docs");
    private static final Path SOURCES = Path.of("..", "core", "src", "main", "java");
    private static final Pattern TAGGED = Pattern.compile("(?m)^\\| ([A-Z]\\d[^|]*) \\| [^|]*\\|(?:[^|]*\\|){3}$");
    private static final Pattern TAG = Pattern.compile("([A-Z])(\\d)(?:–[A-Z](\\d))?");

    @TempDir
    private Path folder;

    private Descriptions described(final String text) throws IOException {
        Files.writeString(folder.resolve("one.txt"), text);
        return Descriptions.read(folder);
    }

    @Test
    void whatMustNotBeCannotBeAndWhatIsWeakenedMustShowIt() throws IOException, InterruptedException {
        assumeTrue(Herd.isInstalled(),
            "herd7 not found, so the litmus tests are not decided; stress/litmus/README.md says how to build it");
        final List<Protocol> protocols = Descriptions.read(FOLDER).protocols();
        final Verdicts verdicts = HerdTool.decide(protocols, new Herd(FOLDER, OUT));
        assertThat(verdicts.wrong()).isEmpty();
        assertThat(Files.readString(DOCS.resolve("EVIDENCE.md"))).as("the table of the last run")
            .contains(verdicts.table());
    }

    @Test
    void evidenceMustShowEveryProtocol() throws IOException {
        final String evidence = Files.readString(DOCS.resolve("EVIDENCE.md"));
        for (final Protocol protocol : Descriptions.read(FOLDER).protocols()) {
            assertThat(evidence).as("the table of the last run").contains("| " + protocol.name() + " | " +
                String.join(" ", protocol.tags()) + " | " + protocol.about() + " |");
        }
    }

    @Test
    void accessesMustBeThoseOfTheCode() throws IOException, URISyntaxException {
        final CodeModes code = CodeModes.ofTheLibrary();
        final List<String> differences = new ArrayList<>();
        for (final Protocol protocol : Descriptions.read(FOLDER).protocols()) {
            differences.addAll(code.differences(protocol));
        }
        assertThat(differences).as("what stress/litmus says and the code does not").isEmpty();
    }

    @Test
    void everyAccessThatIsNotPlainMustSayWhereItIs() throws IOException {
        for (final Protocol protocol : Descriptions.read(FOLDER).protocols()) {
            protocol.threads().values().stream().flatMap(List::stream).forEach(step ->
                assertThat(!step.uses().isEmpty() || step.mode() == Mode.PLAIN)
                    .as("%s %s", protocol.name(), step).isTrue());
        }
    }

    @Test
    void aDescriptionThatDiffersFromTheCodeMustBeNoticed() throws IOException, URISyntaxException {
        final String text = """
            test wrong
              tags E2
              thread reader
                R1 hazard := 0 %s @ QuickSlot.clear SlotLayout.firstHazardRelease
                R2 lock = lock acquire @ RegionLock.validate RecordLayout.lockAcquire
                R3 fence %s @ RegionLock.validate VarHandle.%s
              thread other
                W1 was = list := 1 volatile @ RetireList.stored AtomicReference.%s
              never reader.lock=0
            """;
        final CodeModes code = CodeModes.ofTheLibrary();
        assertThat(differences(code, text.formatted("opaque", "acquire", "storeStoreFence", "getAndSet")))
            .satisfiesExactlyInAnyOrder(
                difference -> assertThat(difference).contains("R1", "is no STORE in mode OPAQUE"),
                difference -> assertThat(difference).contains("R3", "no VarHandle.storeStoreFence"),
                difference -> assertThat(difference).contains("W1", "no AtomicReference.getAndSet"));
        assertThat(differences(code, text.formatted("release", "acquire", "acquireFence", "compareAndSet")))
            .satisfiesExactly(difference -> assertThat(difference).contains("R3", "after the step before"));
    }

    private List<String> differences(final CodeModes code, final String text) throws IOException {
        return code.differences(described(text).protocols().getFirst());
    }

    @Test
    void everyTagMustHaveAProtocolOrAReason() throws IOException {
        final TreeSet<String> tags = new TreeSet<>();
        final Matcher rows = TAGGED.matcher(Files.readString(DOCS.resolve("LOCKING.md")));
        while (rows.find()) {
            final Matcher tag = TAG.matcher(rows.group(1));
            while (tag.find()) {
                final int first = Integer.parseInt(tag.group(2));
                final int last = tag.group(3) == null ? first : Integer.parseInt(tag.group(3));
                for (int i = first; i <= last; i++) {
                    tags.add(tag.group(1) + i);
                }
            }
        }
        final Descriptions descriptions = Descriptions.read(FOLDER);
        final TreeSet<String> described = new TreeSet<>(descriptions.left().keySet());
        descriptions.protocols().forEach(protocol -> described.addAll(protocol.tags()));
        described.removeIf(tag -> tag.contains("."));
        assertThat(described).as("tags of stress/litmus and of LOCKING.md").isEqualTo(tags);
    }

    @Test
    void aTagOfAClassMustStandInItsComment() throws IOException {
        final List<Path> sources;
        try (Stream<Path> files = Files.walk(SOURCES)) {
            sources = files.toList();
        }
        for (final Protocol protocol : Descriptions.read(FOLDER).protocols()) {
            for (final String tag : protocol.tags().stream().filter(each -> each.contains(".")).toList()) {
                final String[] parts = tag.split("\\.");
                assertThat(sources).as("%s of %s", tag, protocol.name()).anySatisfy(file -> {
                    assertThat(file.endsWith(parts[0] + ".java")).isTrue();
                    assertThat(Files.readString(file)).contains("[" + parts[1] + "]");
                });
            }
        }
    }

    @Test
    void everyPlaceOfTheReaderMustBeInterrupted() throws IOException {
        final List<LitmusTest> tests = LitmusTest.of(described("""
            test barrier
              tags E1
              on aarch64
              thread reader
                R1 hazard := 1 opaque
                R2 light
                R3 lock = lock acquire
              thread writer
                W1 old = lock := 1 volatile
                W2 heavy reader
                W3 hazard = hazard acquire
              never reader.lock=0 writer.hazard=0
            """).protocols().getFirst());
        assertThat(tests).extracting(LitmusTest::name)
            .containsExactly("barrier-at-0", "barrier-at-1", "barrier-at-2", "barrier-fence");
        assertThat(tests.get(1).text()).containsSubsequence("STR X10,[X18]", "LDR X0,[X19]", "DMB ISH", "STR X10,[X20]",
            "LDAR X1,[X21]", "exists (0:X1=0 /\\ 0:X0=1 /\\ 1:X2=0 /\\ 1:X1=1)");
        assertThat(tests.getLast().text()).contains("DMB ISH").doesNotContain("sent0");
    }

    @Test
    void descriptionsThatSayNothingMustBeRefused() {
        assertThatThrownBy(() -> described("test one\n  tags E1\n  thread reader\n    R1 hazard ::= 1 opaque\n"))
            .isInstanceOf(IOException.class).hasMessageContaining("one.txt:4: not a step");
        assertThatThrownBy(() -> described("test one\n  tags E1\n")).hasMessageContaining("needs tags, two threads");
        final String text = "test one\n tags E1\n thread a\n A x := 1 opaque\n thread b\n B y = x opaque\n never b.y=1\n";
        assertThatThrownBy(() -> LitmusTest.of(described(text + " twin other: C none\n").protocols().getFirst()))
            .hasMessageContaining("a step that is not there");
        assertThatThrownBy(() -> LitmusTest.of(described(text.replace("b.y", "a.y")).protocols().getFirst()))
            .hasMessageContaining("reads no y");
    }

    @Test
    void anOutcomeThatCanBeMustFailTheRun() throws IOException, InterruptedException {
        assumeTrue(Herd.isInstalled(), "herd7 not found");
        final List<Protocol> protocols = described("""
            test weak
              tags E1
              on aarch64
              thread one
                A1 x := 1 opaque
                A2 y = y opaque
              thread other
                B1 y := 1 opaque
                B2 fence full
                B3 x = x opaque
              never one.y=0 other.x=0
              twin strong: A1 volatile, A2 volatile, B1 volatile, B3 volatile
            """).protocols();
        assertThat(HerdTool.decide(protocols, new Herd(FOLDER, folder)).wrong()).satisfiesExactly(
            wrong -> assertThat(wrong).contains("outcome can be", "weak"),
            wrong -> assertThat(wrong).contains("outcome cannot be", "strong"));
    }
}
