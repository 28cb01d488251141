// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.TruncatedException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Copies that report it when somebody else has truncated the file, and leave no lock behind. */
class CheckedCopyTest extends SpaceFixture {
    private static final int LENGTH = 100_000;

    @ParameterizedTest
    @ValueSource(strings = {"-Xint", "-XX:TieredStopAtLevel=1", "-XX:+TieredCompilation", "-XX:-TieredCompilation",
        "-Xcomp"})
    void truncationMustBeReportedByEveryKindOfExecution(final String option) throws Exception {
        final Children.Outcome outcome = Children.run(TruncatedCopies.class, List.of(option),
            directory.resolve("shrinking").toString());
        assertThat(outcome.output()).contains("all copies are accounted for");
        assertThat(outcome.status()).isZero();
    }

    @Test
    void copiesMustMoveTheBytes() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path).range(123, LENGTH - 200));
        final byte[] bytes = new byte[LENGTH];
        region.copyOut(1000, MemorySegment.ofArray(bytes), 10, 50_000);
        for (int i = 0; i < 50_000; i++) {
            assertThat(bytes[10 + i]).isEqualTo(byteAt(1123 + i));
        }
        region.copyIn(MemorySegment.ofArray(new byte[5000]), 0, 7, 5000);
        region.force(7, 5000);
        final byte[] now = Files.readAllBytes(path);
        for (int i = 0; i < LENGTH; i++) {
            assertThat(now[i]).isEqualTo(i >= 130 && i < 5130 ? 0 : byteAt(i));
        }
        assertThat(region.readableBytes()).isEqualTo(LENGTH - 200);
        region.unmap();
    }

    @Test
    void senselessCopiesMustBeRefused() {
        final Region region = space.map(LENGTH);
        final MemorySegment heap = MemorySegment.ofArray(new byte[10]);
        assertThatIllegalArgumentException().isThrownBy(() -> region.copyOut(-1, heap, 0, 1));
        assertThatIllegalArgumentException().isThrownBy(() -> region.copyOut(0, heap, 0, -1));
        assertThatIllegalArgumentException().isThrownBy(() -> region.copyOut(LENGTH - 5, heap, 0, 6));
        assertThatIllegalArgumentException().isThrownBy(() -> region.copyIn(heap, 0, Long.MAX_VALUE, 6));
        assertThatThrownBy(() -> region.copyOut(0, heap, 5, 6)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> region.copyOut(0, heap.asReadOnly(), 0, 1)).isInstanceOf(RuntimeException.class);
        region.copyOut(LENGTH, heap, 0, 0);
        final Region readOnly = space.map(FileBacking.readOnly(file("data", LENGTH)));
        assertThatThrownBy(() -> readOnly.copyIn(heap, 0, 0, 1)).isInstanceOf(RegionException.class)
            .hasMessageContaining("read-only");
        readOnly.unmap();
        region.unmap();
        assertThatThrownBy(() -> region.copyOut(0, heap, 0, 1)).isInstanceOf(RegionException.class)
            .hasMessageContaining("copyOut refused");
    }

    /** A fault in the caller's own memory is not the region's, whose file is as long as it was. */
    @Test
    void aFaultInTheMemoryOfTheCallerMustNotBeBlamedOnTheRegion() throws IOException {
        final Region region = space.map(FileBacking.readWrite(file("data", LENGTH)).range(100, LENGTH - 100));
        final Region anonymous = space.map(LENGTH);
        final Path path = file("own", LENGTH);
        try (Arena arena = Arena.ofConfined(); FileChannel channel = FileChannel.open(path, READ, WRITE)) {
            final MemorySegment own = channel.map(FileChannel.MapMode.READ_WRITE, 0, LENGTH, arena).asSlice(10);
            channel.truncate(PAGE);
            for (final Region each : List.of(region, anonymous)) {
                assertThatThrownBy(() -> each.copyIn(own, 0, 0, 50_000)).isInstanceOf(InternalError.class);
                assertThatThrownBy(() -> each.copyOut(0, own, 0, 50_000)).isInstanceOf(InternalError.class);
                each.copyIn(own, 0, 0, PAGE - 10);
                try (Guard guard = each.tryExclusive()) {
                    assertThat(guard.isHeld()).as("no lock is left").isTrue();
                }
                each.unmap();
            }
            final Region shorter = space.map(FileBacking.readWrite(file("data", LENGTH)));
            try (RandomAccessFile file = new RandomAccessFile(directory.resolve("data").toFile(), "rw")) {
                file.setLength(PAGE);
            }
            assertThatThrownBy(() -> shorter.copyIn(own, 0, 0, 50_000)).as("both")
                .isInstanceOf(TruncatedException.class);
        }
    }

    @Test
    void truncatedRegionMustBeUsableAfterwards() throws IOException {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readOnly(path).range(5000, 60_000));
        try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
            file.setLength(20_000);
        }
        final long end = (20_000 + PAGE - 1) / PAGE * PAGE - 5000;
        final MemorySegment heap = MemorySegment.ofArray(new byte[LENGTH]);
        assertThatThrownBy(() -> region.copyOut(1000, heap, 0, 50_000)).isInstanceOfSatisfying(TruncatedException.class,
            e -> {
                assertThat(e.offset()).isEqualTo(end);
                assertThat(e.fileOffset()).isEqualTo(end + 5000);
                assertThat(e.file()).isEqualTo(path);
            });
        assertThat(region.readableBytes()).isEqualTo(end);
        region.copyOut(0, heap, 0, 15_000);
        assertThat(heap.get(JAVA_BYTE, 14_999)).isEqualTo(byteAt(19_999));
        file("data", LENGTH);
        assertThat(region.readableBytes()).isEqualTo(60_000);
        region.copyOut(0, heap, 0, 60_000);
        assertBytesOf(heap.asSlice(0, 60_000), 5000);
        region.unmap();
    }
}
