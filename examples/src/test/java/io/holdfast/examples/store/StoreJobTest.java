// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The job from its arguments to its exit code. */
class StoreJobTest {
    private static final int FILES = 200;

    @TempDir
    private Path directory;
    private Path input;

    @BeforeEach
    void writeInput() throws IOException {
        input = Files.createDirectory(directory.resolve("input"));
        final SplittableRandom random = new SplittableRandom(1);
        for (int i = 0; i < FILES; i++) {
            final byte[] content = new byte[random.nextInt(8_000)];
            random.nextBytes(content);
            Files.write(Files.createDirectories(input.resolve("d" + i % 7)).resolve("file" + i), content);
        }
    }

    private record Outcome(int code, String out, String err) {
        /** The number in a row of the table. */
        long row(final String label) {
            final String line = out.lines().filter(candidate -> candidate.startsWith(label + " ")).findFirst()
                .orElseThrow(() -> new AssertionError("no row '" + label + "' in " + out));
            return Long.parseLong(line.substring(label.length()).strip().replace(",", ""));
        }
    }

    private static Outcome job(final String... args) {
        return job(new StopSignal(), args);
    }

    private static Outcome job(final StopSignal interrupt, final String... args) {
        final ByteArrayOutputStream out = new ByteArrayOutputStream();
        final ByteArrayOutputStream err = new ByteArrayOutputStream();
        final int code = StoreJob.execute(new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8), false, interrupt, args);
        return new Outcome(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }

    private Outcome jobOnInput(final String... args) {
        final List<String> all = new ArrayList<>(List.of("--input", input.toString()));
        Collections.addAll(all, args);
        return job(all.toArray(String[]::new));
    }

    @ParameterizedTest
    @EnumSource
    void jobMustVerifyReadsWhileSegmentsAreUnmapped(final Engine engine) {
        final Outcome outcome = jobOnInput(
            "--engine", engine.label(), "--seconds", "2", "--segment-size", "256K", "--seed", "7");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.row("entries loaded")).isEqualTo(FILES);
        assertThat(outcome.row("gets")).isPositive();
        assertThat(outcome.row("overwrites")).isPositive();
        assertThat(outcome.row("compactions")).isPositive();
        assertThat(outcome.row("compactions in one write section"))
            .isEqualTo(engine == Engine.HOLDFAST ? outcome.row("compactions") : 0);
        assertThat(outcome.row("regions unmapped under readers")).isPositive();
        assertThat(outcome.row("mapped bytes before")).isPositive();
        assertThat(outcome.row("mapped bytes after close")).isZero();
        assertThat(outcome.row("mismatches")).isZero();
        assertThat(outcome.row("lost keys")).isZero();
        assertThat(outcome.row("leaked mappings")).isZero();
        assertThat(outcome.out()).contains("engine=" + engine.label()).contains("seed=7").endsWith(
            "all is well" + System.lineSeparator());
    }

    @ParameterizedTest
    @EnumSource
    void virtualReadersMustBeServedToo(final Engine engine) {
        final Outcome outcome = jobOnInput("--engine", engine.label(), "--seconds", "1", "--segment-size", "256K",
            "--virtual", "--readers", "50", "--optimistic", "1");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.row("gets")).isPositive();
        assertThat(outcome.out()).contains("readers=50 virtual");
    }

    /** Nobody has looked at an unmapping under readers, so there is nothing of which it could say that all is well. */
    @Test
    void jobThatUnmappedNothingUnderReadersMustFail() {
        final Outcome outcome = jobOnInput("--engine", "shared-arena", "--seconds", "1", "--patience", "0",
            "--segment-size", "64G");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isEqualTo(1);
        assertThat(outcome.row("regions unmapped under readers")).isZero();
        assertThat(outcome.out().lines().toList().getLast()).startsWith("FAILED: nothing was unmapped under readers");
    }

    /** On a slow machine: the writer comes to its first overwrite when the time is over. */
    @Test
    void jobMustGoOnUntilSomethingWasUnmappedUnderReaders() {
        final AtomicLong workBegan = new AtomicLong();
        final SegmentStorage storage = new StorageDecorator(Engine.SHARED_ARENA.open()) {
            @Override
            void beforeRead() {
                workBegan.compareAndSet(0, System.nanoTime());
            }

            @Override
            void beforeWrite() {
                while (workBegan.get() != 0 && System.nanoTime() - workBegan.get() < 1_500_000_000L) {
                    Thread.onSpinWait();
                }
            }
        };
        final StoreOptions options = StoreOptions.in(directory.resolve("place")).engine(Engine.SHARED_ARENA)
            .segmentBytes(1 << 18);
        try (Store store = Store.open(options, storage)) {
            final JobRun run = new JobRun(store, InputTree.of(input), new JobOptions(1, 1_000, 1, 0.5, false, 1),
                new Progress(System.err, false), new StopSignal());
            assertThat(run.run(options.segmentBytes()).segmentsUnmapped()).isPositive();
            assertThat(run.findings().failure()).isEmpty();
        }
    }

    @Test
    void directoryOfTheCallerMustStayAndBeUsedAgain() throws IOException {
        final Path place = directory.resolve("place");
        for (int run = 0; run < 2; run++) {
            final Outcome outcome = jobOnInput("--engine", "shared-arena", "--seconds", "0", "--directory",
                place.toString(), "--durable");
            assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
            assertThat(outcome.row("gets")).isZero();
        }
        try (Stream<Path> files = Files.list(place)) {
            assertThat(files.filter(StoreFiles::isSegment)).isNotEmpty();
        }
    }

    @Test
    void interruptMustEndTheJobInGoodOrder() {
        final StopSignal interrupt = new StopSignal();
        interrupt.request();
        final Outcome outcome =
            job(interrupt, "--input", input.toString(), "--engine", "shared-arena", "--seconds", "1000");
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isZero();
        assertThat(outcome.row("leaked mappings")).isZero();
        assertThat(outcome.out()).contains("interrupted, all was well so far");
    }

    @Test
    void helpMustExplainEveryOptionAndExitCode() {
        final Outcome outcome = job("--help");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.out()).contains("--input", "--seconds", "--patience", "--readers", "--optimistic", "--virtual",
            "--engine", "--directory", "--segment-size", "--durable", "--seed", "Exit codes: 0 all is well",
            "survives the death of the process");
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "--readers 0|number of readers is out of range: --readers=0; choose 1 to 10000",
        "--readers -3|number of readers is out of range: --readers=-3",
        "--readers 10001|number of readers is out of range: --readers=10001",
        "--seconds -1|seconds are out of range: --seconds=-1; choose 0 or more",
        "--patience -1|patience is out of range: --patience=-1; choose 0 or more",
        "--seconds 99999999999|'99999999999' is not an int",
        "--seconds soon|'soon' is not an int",
        "--optimistic 1.5|share of optimistic reads is out of range: --optimistic=1.5; choose 0 to 1",
        "--optimistic NaN|share of optimistic reads is out of range: --optimistic=NaN",
        "--segment-size 1K|segment size is out of range: --segment-size=1024; choose 64K to 64G",
        "--segment-size 0|segment size is out of range: --segment-size=0",
        "--segment-size -5M|segment size is out of range: --segment-size=-5242880",
        "--segment-size 9223372036854775807G|is not a size such as 16M",
        "--segment-size big|'big' is not a size such as 16M",
        "--engine steam|'steam' is not one of holdfast, shared-arena, read-write-lock",
        "--seed x|'x' is not a long",
        "--frobnicate|Unknown option: '--frobnicate'",
        "extra|Unmatched argument at index 0: 'extra'",
        "--seconds|Missing required parameter for option '--seconds'",
        "--input /no/such/directory|input does not exist: path=/no/such/directory",
        "--input /dev/null|input is not a directory: path=/dev/null",
        "--directory /dev/null/x|cannot create directory: path=/dev/null/x",
        "--directory /proc/none|cannot create directory: path=/proc/none",
        "--directory /proc|directory is not a store: path=/proc",
    })
    void badArgumentMustGiveOneLineAndExitCodeTwo(final String example) {
        final String[] parts = example.split("\\|", 2);
        assertRefused(job(parts[0].split(" ", -1)), parts[1]);
    }

    private static void assertRefused(final Outcome outcome, final String message) {
        assertThat(outcome.err()).startsWith("holdfast-store: ").contains(message);
        assertThat(outcome.err().lines()).hasSize(1);
        assertThat(outcome.out()).isEmpty();
        assertThat(outcome.code()).isEqualTo(2);
    }

    @Test
    void inputThatIsAFileMustBeRefused() throws IOException {
        final Path file = Files.writeString(directory.resolve("file"), "content");
        assertRefused(job("--input", file.toString()), "input is not a directory: path=" + file);
    }

    @Test
    void inputWithoutFilesMustBeRefused() throws IOException {
        final Path empty = Files.createDirectories(directory.resolve("empty/inner")).getParent();
        assertRefused(job("--input", empty.toString(), "--engine", "shared-arena"),
            "input has no files: path=" + empty);
    }

    @Test
    void directoryInsideTheInputMustBeRefused() {
        assertRefused(jobOnInput("--directory", input.resolve("store").toString()),
            "directory lies inside the input: directory=" + input.resolve("store"));
    }

    @Test
    void directoryInUseMustBeRefused() {
        final Path place = directory.resolve("place");
        try (Store store = Store.open(StoreOptions.in(place).engine(Engine.SHARED_ARENA))) {
            assertThat(store.lastSequence()).isZero();
            assertRefused(jobOnInput("--directory", place.toString(), "--engine", "shared-arena"),
                "store is in use: directory=" + place);
        }
    }

    @Test
    void fullDiskMustGiveOneLineAndExitCodeTwo() throws Exception {
        // A limit on the size of files stands in for the disk: the same call fails in the same place.
        Files.write(input.resolve("large"), new byte[6 << 20]);
        final Path temporary = Files.createDirectory(directory.resolve("tmp"));
        final List<String> command = ChildJvm.command(
            StoreJob.class, "--input", input.toString(), "--engine", "shared-arena", "--seconds", "1");
        command.add(1, "-Djava.io.tmpdir=" + temporary);
        command.addAll(0, List.of("bash", "-c", "ulimit -f 4096 && exec \"$@\"", "bash"));
        final Process process = new ProcessBuilder(command).start();
        final Outcome outcome = new Outcome(process.waitFor(),
            new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8),
            new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8));
        assertRefused(outcome, "cannot extend file: path=" + temporary);
        try (Stream<Path> left = Files.list(temporary)) {
            assertThat(left.filter(file -> file.toString().contains("holdfast-store"))).isEmpty();
        }
    }

    @Test
    void nameInTheEncodingOfTheSystemMustNotMatter() throws IOException {
        Files.writeString(input.resolve("blank and 100% #1"), "content");
        final Outcome outcome = jobOnInput("--engine", "shared-arena", "--seconds", "0");
        assertThat(outcome.code()).isZero();
        assertThat(outcome.row("entries loaded")).isEqualTo(FILES + 1);
    }

    /** The checker must be able to fail. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void wrongBytesMustBeFound(final int kind) {
        final StorageDecorator storage = new StorageDecorator(Engine.SHARED_ARENA.open()) {
            @Override
            void afterRead(final byte[] target, final int length) {
                if (kind == 0) {
                    target[length / 2] ^= 1;
                } else if (EntryLayout.valueLength(target) > Long.BYTES) {
                    // An intact record of the right sequence with another content.
                    final byte[] value = EntryLayout.value(target);
                    value[0] ^= 1;
                    EntryLayout.write(target, 0, EntryLayout.KIND_VALUE, false, EntryLayout.sequence(target),
                        EntryLayout.key(target).getBytes(StandardCharsets.UTF_8), value);
                }
            }
        };
        final Path place = directory.resolve("place");
        final StoreOptions options = StoreOptions.in(place).engine(Engine.SHARED_ARENA);
        try (Store store = Store.open(options, storage)) {
            final JobRun run = new JobRun(store, InputTree.of(input), new JobOptions(0, 0, 1, 0.5, false, 1),
                new Progress(System.err, false), new StopSignal());
            run.run(options.segmentBytes());
            assertThat(run.findings().mismatches()).isGreaterThan(FILES / 2);
            assertThat(run.findings().first().orElseThrow())
                .contains(kind == 0 ? "record is damaged" : "content differs from the source");
        }
    }

    @Test
    void keyThatNoSegmentHoldsMustCountAsLost() {
        final Findings findings = new Findings();
        findings.damage(new CorruptStoreException("record is damaged"));
        assertThat(findings.mismatches()).isEqualTo(1);
        assertThat(findings.lostKeys()).isZero();
        findings.damage(new LostKeyException("key is lost"));
        assertThat(findings.mismatches()).isEqualTo(1);
        assertThat(findings.lostKeys()).isEqualTo(1);
        assertThat(findings.first()).contains("record is damaged");
    }

    /** Somebody else scribbles over the first record of every segment, over and over, while the job is at work. */
    @ParameterizedTest
    @EnumSource
    void damageMustGiveAClearLineAndExitCodeOne(final Engine engine) throws Exception {
        final Path place = Files.createDirectory(directory.resolve("place"));
        final AtomicBoolean stop = new AtomicBoolean();
        final Thread vandal = Thread.ofPlatform().start(() -> {
            while (!stop.get()) {
                scribble(place);
            }
        });
        final Outcome outcome = jobOnInput("--engine", engine.label(), "--directory", place.toString(),
            "--seconds", "20", "--segment-size", "256K");
        stop.set(true);
        vandal.join();
        assertThat(outcome.code()).as(outcome.out() + outcome.err()).isEqualTo(1);
        assertThat(outcome.row("mismatches")).isPositive();
        assertThat(outcome.out().lines().toList().getLast())
            .startsWith("FAILED: mismatches=").contains("lost keys=0, leaked mappings=0, first: ");
    }

    private static void scribble(final Path place) {
        try (Stream<Path> files = Files.list(place)) {
            files.filter(StoreFiles::isSegment).forEach(StoreJobTest::scribbleInto);
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void scribbleInto(final Path segment) {
        try (FileChannel channel = FileChannel.open(segment, StandardOpenOption.WRITE)) {
            if (channel.size() > 0) {
                channel.write(ByteBuffer.wrap(new byte[] {-1}), EntryLayout.SEQUENCE_OFFSET + Long.BYTES - 1);
            }
        } catch (final NoSuchFileException e) {
            assertThat(segment).as("compacted away meanwhile").doesNotExist();
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void staleVersionMustBeFound() {
        final Corpus corpus = new Corpus();
        final byte[] value = VersionedValue.of(new byte[] {1, 2, 3});
        assertThat(corpus.add("key", value)).isEqualTo("key");
        assertThat(corpus.add("key", value)).isEqualTo("key\0");
        corpus.freeze();
        assertThat(corpus.complaint(0, 0, value)).isNull();
        assertThat(corpus.complaint(0, 1, value)).contains("older than one stored before");
        assertThat(corpus.complaint(0, 0, Arrays.copyOf(value, 5))).contains("too short");
        assertThat(corpus.printable(1)).isEqualTo("key#");
    }
}
