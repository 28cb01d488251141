// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.WaitReport;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The segment that is handed on to code that knows nothing of regions (G1, G3, G11). */
class SharedSegmentTest extends SpaceFixture {
    private static final int LENGTH = 10_000;

    private final List<WaitReport> reports = new CopyOnWriteArrayList<>();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.reportWaits(Duration.ofMillis(1), reports::add);
    }

    private static void assertClosed(final MemorySegment segment) {
        assertThat(segment.scope().isAlive()).isFalse();
        assertThatThrownBy(() -> segment.get(JAVA_BYTE, 0)).isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("closed");
    }

    @Test
    void segmentMustShowTheRegionToAnyThreadUntilTheUnmap() throws Exception {
        final Region region = space.map(FileBacking.readWrite(file("data", LENGTH)));
        final MemorySegment segment = region.sharedSegment();
        assertThat(segment.byteSize()).isEqualTo(LENGTH);
        Threads.run(() -> assertBytesOf(segment, 0));
        assertThat(region.sharedSegment()).isEqualTo(segment);
        segment.set(JAVA_BYTE, 5, (byte) 99);
        assertThat(region.optimisticSegment().get(JAVA_BYTE, 5)).isEqualTo((byte) 99);
        region.unmap();
        assertClosed(segment);
        assertThat(space.statistics().eras()).as("no lease, no era").isZero();
        LeaseTest.assertRefused(region::sharedSegment, Refusal.DETACHED);
    }

    @Test
    void segmentOfAReadOnlyRegionMustBeReadOnly() {
        final Region region = space.map(FileBacking.readOnly(file("data", LENGTH)));
        assertThat(region.sharedSegment().isReadOnly()).isTrue();
        region.unmap();
    }

    @Test
    void segmentOfAGrownRegionMustBeLongerAndLiveAsLong() {
        final Region region = space.map(MapRequest.anonymous(PAGE).growableTo(4 * PAGE));
        final MemorySegment before = region.sharedSegment();
        region.grow(3 * PAGE);
        final MemorySegment after = region.sharedSegment();
        assertThat(after.byteSize()).isEqualTo(3 * PAGE);
        after.set(JAVA_LONG, 0, 4);
        assertThat(before.get(JAVA_LONG, 0)).isEqualTo(4);
        region.unmap();
        assertClosed(before);
        assertClosed(after);
    }

    @Test
    void unmapMustWaitForACallInFlightAndReportIt() throws Exception {
        final Region region = space.map(FileBacking.readWrite(file("data", LENGTH)));
        final MemorySegment segment = region.sharedSegment();
        final CountDownLatch inside = new CountDownLatch(1);
        final CountDownLatch release = new CountDownLatch(1);
        final Threads.Work<Boolean> call = Threads.start(() -> {
            Upcall.inside(segment, () -> {
                inside.countDown();
                try {
                    release.await();
                } catch (final InterruptedException e) {
                    throw new IllegalStateException(e);
                }
            });
            return true;
        });
        inside.await();
        assertThat(region.unmap(5, TimeUnit.MILLISECONDS)).isFalse();
        assertThat(region.isMapped()).isFalse();
        assertThat(segment.get(JAVA_BYTE, 7)).isEqualTo(byteAt(7));
        assertThat(reports).anyMatch(report -> report.region().contains("shared segments in use=1"));
        release.countDown();
        call.get();
        space.close();
        assertClosed(segment);
    }

    @Test
    void unmapOfAPartMustCloseTheSegmentsThatShowItAndNoOthers() {
        final Region region = space.map(4 * PAGE);
        final MemorySegment whole = region.sharedSegment();
        final List<Region> parts = region.split(2 * PAGE);
        final MemorySegment first = parts.getFirst().sharedSegment();
        final MemorySegment second = parts.getLast().sharedSegment();
        whole.set(JAVA_LONG, 0, 8);
        parts.getLast().unmap();
        assertClosed(whole);
        assertClosed(second);
        assertThat(first.get(JAVA_LONG, 0)).isEqualTo(8);
        assertThat(parts.getFirst().sharedSegment()).isEqualTo(first);
        parts.getFirst().unmap();
        assertClosed(first);
    }

    @Test
    void holdMustKeepItsSegmentOpenForAsynchronousInput() throws Exception {
        final Path path = file("source", LENGTH);
        final Region region = space.map(LENGTH);
        try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(path, StandardOpenOption.READ);
             Hold hold = region.hold()) {
            final ByteBuffer buffer = hold.sharedSegment().asByteBuffer();
            assertThat(region.unmapAsync().toCompletableFuture()).isNotDone();
            assertThat(channel.read(buffer, 0).get()).isEqualTo(LENGTH);
            assertBytesOf(hold.sharedSegment(), 0);
        }
    }

    @Test
    void asynchronousOutputMustWriteFromASegment() throws Exception {
        final Region region = space.map(FileBacking.readOnly(file("source", LENGTH)));
        final Path copy = directory.resolve("copy");
        try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(copy, StandardOpenOption.CREATE,
            StandardOpenOption.WRITE); Hold hold = region.hold()) {
            assertThat(channel.write(hold.sharedSegment().asByteBuffer(), 0).get()).isEqualTo(LENGTH);
        }
        region.unmap();
        try (FileChannel written = FileChannel.open(copy)) {
            final ByteBuffer bytes = ByteBuffer.allocate(LENGTH);
            while (bytes.hasRemaining() && written.read(bytes) >= 0) {
                Thread.onSpinWait();
            }
            assertBytesOf(MemorySegment.ofArray(bytes.array()), 0);
        }
    }

    @Test
    void releasedHoldMustRefuseItsSegment() {
        final Region region = space.map(PAGE);
        final Hold hold = region.hold();
        hold.close();
        assertThatThrownBy(hold::sharedSegment).isInstanceOf(IllegalStateException.class);
        region.unmap();
        LeaseTest.assertRefused(() -> region.tryHold().sharedSegment(), Refusal.DETACHED);
    }

    @Test
    void bufferViewOfAClosedSegmentMustThrow() {
        final Region region = space.map(PAGE);
        final ByteBuffer buffer = region.sharedSegment().asByteBuffer();
        buffer.putLong(0, 6);
        assertThat(buffer.getLong(0)).isEqualTo(6);
        region.unmap();
        assertThatThrownBy(() -> buffer.getLong(0)).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void unmapFromInsideOfACallOnTheSegmentMustBeAnException() throws Exception {
        final Region region = space.map(PAGE);
        final MemorySegment segment = region.sharedSegment();
        final List<Throwable> thrown = new CopyOnWriteArrayList<>();
        Threads.run(() -> Upcall.inside(segment, () -> {
            try {
                region.unmap();
            } catch (final IllegalMonitorStateException e) {
                thrown.add(e);
            }
        }));
        assertThat(thrown).hasSize(1);
        assertThat(thrown.getFirst()).hasMessageContaining("wait for itself");
    }
}
