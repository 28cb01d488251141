// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import io.holdfast.SpaceStatistics;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The counts of a space are seen by who reads Agrona counters in a file. */
class SpaceCountersTest extends Regions {
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final int ROOM = 64;

    @TempDir
    Path directory;

    private long now = Long.MAX_VALUE - 5; // a clock may overflow

    private static Map<String, Long> read(final CountersReader reader) {
        final Map<String, Long> seen = new TreeMap<>();
        reader.forEach((value, id, label) -> {
            if (reader.getCounterTypeId(id) == SpaceCounters.TYPE_ID) {
                seen.put(label, value);
            }
        });
        return seen;
    }

    private static long numbers() {
        return Arrays.stream(SpaceStatistics.class.getRecordComponents()).map(RecordComponent::getType)
            .filter(type -> type == long.class || type == int.class).count();
    }

    @Test
    void everyNumberOfTheStatisticsMustBeACounterInTheFile() throws IOException {
        final Path path = directory.resolve("counters");
        try (AddressSpace watched = AddressSpace.builder().name("watched").capacity(1 << 24).open();
             CountersFile file = CountersFile.create(space, path, ROOM);
             SpaceCounters counters = new SpaceCounters(watched, file.manager(), PERIOD);
             CountersFile other = CountersFile.open(space, path)) {
            assertThat(read(other.reader())).hasSize((int) numbers()).containsEntry("holdfast watched: regions", 0L);
            final Region one = watched.map(4096);
            watched.map(8192).unmap();
            counters.publish();
            final SpaceStatistics now = watched.statistics();
            assertThat(read(other.reader())).containsEntry("holdfast watched: regions", 1L)
                .containsEntry("holdfast watched: mappedBytes", now.mappedBytes())
                .containsEntry("holdfast watched: unmaps", 1L)
                .containsEntry("holdfast watched: readerSlots", (long) now.readerSlots());
            one.unmap();
        }
    }

    /** A reader that knows the layout, Agrona's constants and nothing of ours. */
    @Test
    void theFileMustBeReadableWithoutHoldfast() throws IOException {
        final Path path = directory.resolve("counters");
        try (CountersFile file = CountersFile.create(space, path, ROOM);
             SpaceCounters counters = new SpaceCounters(space, file.manager(), PERIOD);
             FileChannel channel = FileChannel.open(path)) {
            counters.publish();
            final var bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size())
                .order(ByteOrder.nativeOrder());
            assertThat(bytes.getInt(0)).isEqualTo(CountersFile.VERSION);
            assertThat(bytes.getInt(4)).isEqualTo(ROOM);
            final int first = CountersFile.HEADER_LENGTH;
            assertThat(bytes.getInt(first)).isEqualTo(CountersReader.RECORD_ALLOCATED);
            assertThat(bytes.getInt(first + CountersReader.TYPE_ID_OFFSET)).isEqualTo(SpaceCounters.TYPE_ID);
            final byte[] key = new byte["regions".length()];
            bytes.get(first + CountersReader.KEY_OFFSET, key);
            assertThat(new String(key, US_ASCII)).isEqualTo("regions");
            final int values = first + ROOM * CountersReader.METADATA_LENGTH;
            assertThat(bytes.getLong(values)).isEqualTo(space.statistics().regions());
        }
    }

    @Test
    void theAgentMustPublishWheneverItsPeriodIsOver() throws IOException {
        try (CountersFile file = CountersFile.create(space, directory.resolve("counters"), ROOM)) {
            final SpaceCounters counters = new SpaceCounters(space, file.manager(), PERIOD, () -> now);
            final String label = "holdfast " + space.name() + ": regions";
            this.regions.add(space.map(4096));
            now += PERIOD.toNanos() - 1;
            assertThat(counters.doWork()).isZero();
            assertThat(read(file.reader())).containsEntry(label, 1L);
            now++;
            assertThat(counters.doWork()).isPositive();
            assertThat(read(file.reader())).containsEntry(label, 2L);
            assertThat(counters.doWork()).isZero();
            assertThat(counters.roleName()).isEqualTo("holdfast-counters-" + space.name());
            counters.onClose();
            counters.close();
            assertThat(read(file.reader())).isEmpty();
            counters.publish(); // of nothing
        }
    }

    @Test
    void countersThatDoNotFitMustLeaveNone() throws IOException {
        try (CountersFile file = CountersFile.create(space, directory.resolve("counters"), 5)) {
            final CountersManager manager = file.manager();
            assertThatThrownBy(() -> new SpaceCounters(space, manager, PERIOD)).isInstanceOf(IllegalStateException.class);
            assertThat(read(manager)).isEmpty();
            assertThat(manager.allocate("room again")).isNotNegative();
        }
    }

    @Test
    void aFileThatWasMadeAnewMustNotDisturbReadersOfTheOldOne() throws IOException {
        final Path path = directory.resolve("counters");
        try (CountersFile old = CountersFile.create(space, path, ROOM);
             CountersFile reader = CountersFile.open(space, path)) {
            old.manager().allocate("old", 1);
            try (CountersFile anew = CountersFile.create(space, path, ROOM)) {
                anew.manager().allocate("new", 1);
                assertThat(reader.reader().getCounterLabel(0)).isEqualTo("old");
                try (CountersFile newReader = CountersFile.open(space, path)) {
                    assertThat(newReader.reader().getCounterLabel(0)).isEqualTo("new");
                }
            }
        }
    }

    @Test
    void whatIsNoFileOfCountersMustBeRefused() throws IOException {
        final Path path = directory.resolve("other");
        Files.write(path, new byte[10]);
        assertThatThrownBy(() -> CountersFile.open(space, path)).isInstanceOf(IOException.class);
        Files.write(path, new byte[10_000]);
        assertThatThrownBy(() -> CountersFile.open(space, path)).isInstanceOf(IOException.class);
        assertThatThrownBy(() -> CountersFile.create(space, path, 0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> CountersFile.create(space, path, 1 << 24)).isInstanceOf(IllegalArgumentException.class);
        assertThat(space.statistics().regions()).isZero();
    }

    @Test
    void aClosedFileMustRefuseAndNotCrash() throws IOException {
        final CountersFile file = CountersFile.create(space, directory.resolve("counters"), ROOM);
        final SpaceCounters counters = new SpaceCounters(space, file.manager(), PERIOD);
        final CountersReader reader = file.reader();
        file.close();
        file.close();
        assertThatThrownBy(counters::publish).isInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> reader.getCounterValue(0)).isInstanceOf(IllegalStateException.class);
    }
}
