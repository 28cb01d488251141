// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.agrona.concurrent.MessageHandler;
import org.agrona.concurrent.broadcast.BroadcastBufferDescriptor;
import org.agrona.concurrent.broadcast.BroadcastReceiver;
import org.agrona.concurrent.broadcast.BroadcastTransmitter;
import org.agrona.concurrent.errors.DistinctErrorLog;
import org.agrona.concurrent.errors.ErrorLogReader;
import org.agrona.concurrent.ringbuffer.ManyToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.OneToOneRingBuffer;
import org.agrona.concurrent.ringbuffer.RingBuffer;
import org.agrona.concurrent.ringbuffer.RingBufferDescriptor;
import org.agrona.concurrent.status.CountersManager;
import org.agrona.concurrent.status.CountersReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Agrona's own structures work on regions, without flags, and stop with an exception when the region ends. */
class AgronaStructuresTest extends Regions {
    private static final int RING = 1 << 12;
    private static final int MESSAGES = 15_000;
    private static final Executor THREAD = each -> Thread.ofPlatform().start(each);

    private RingBuffer manyToOne(final Kind kind) {
        return new ManyToOneRingBuffer(buffer(kind, RING + RingBufferDescriptor.TRAILER_LENGTH));
    }

    /** Writes numbered messages of different lengths, each word of which is its number. */
    private static void produce(final RingBuffer ring, final int type, final int count) {
        final RegionBuffer message = new RegionBuffer();
        message.wrap(new byte[64]);
        for (int i = 0; i < count; i++) {
            final int words = 1 + i % 16;
            for (int word = 0; word < words; word++) {
                message.putInt(4 * word, i);
            }
            while (!ring.write(type, message, 0, 4 * words)) {
                Thread.onSpinWait();
            }
        }
    }

    private static void consume(final RingBuffer ring, final int producers, final int count) {
        final int[] next = new int[producers];
        final MessageHandler handler = (type, buffer, index, length) -> {
            final int number = next[type - 1]++;
            assertThat(length).isEqualTo(4 * (1 + number % 16));
            for (int word = 0; word < length / 4; word++) {
                assertThat(buffer.getInt(index + 4 * word)).isEqualTo(number);
            }
        };
        int read = 0;
        while (read < producers * count) {
            final int some = ring.read(handler);
            read += some;
            if (some == 0) {
                Thread.onSpinWait();
            }
        }
        assertThat(next).containsOnly(count);
    }

    @ParameterizedTest
    @EnumSource(names = {"HOLD", "LEASE", "SHARED"})
    void messagesOfManyProducersMustArriveOnceAndInOrder(final Kind kind) {
        final RingBuffer ring = manyToOne(kind);
        final List<CompletableFuture<Void>> producers = new ArrayList<>();
        for (int type = 1; type <= 2; type++) {
            final int own = type;
            producers.add(CompletableFuture.runAsync(() -> produce(ring, own, MESSAGES), THREAD));
        }
        consume(ring, 2, MESSAGES);
        producers.forEach(CompletableFuture::join);
        assertThat(ring.size()).isZero();
        assertThat(ring.producerPosition()).isEqualTo(ring.consumerPosition()).isGreaterThan(10L * RING);
    }

    @ParameterizedTest
    @EnumSource(names = {"HOLD", "LEASE", "SHARED"})
    void messagesOfOneProducerMustArriveOnceAndInOrder(final Kind kind) {
        final RingBuffer ring = new OneToOneRingBuffer(buffer(kind, RING + RingBufferDescriptor.TRAILER_LENGTH));
        final CompletableFuture<Void> producer = CompletableFuture.runAsync(() -> produce(ring, 1, MESSAGES), THREAD);
        consume(ring, 1, MESSAGES);
        producer.join();
        assertThat(ring.size()).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void aRingMustWorkOfEveryKindInOneThread(final Kind kind) {
        final RingBuffer ring = manyToOne(kind);
        for (int i = 0; i < 1000; i++) {
            final int claimed = ring.tryClaim(7, 12);
            ring.buffer().putInt(claimed + 8, i);
            ring.commit(claimed);
            final int number = i;
            final MessageHandler handler = (type, buffer, index, length) -> {
                assertThat(type).isEqualTo(7);
                assertThat(length).isEqualTo(12);
                assertThat(buffer.getInt(index + 8)).isEqualTo(number);
            };
            assertThat(ring.read(handler) + ring.read(handler)).as("one, maybe behind a padding").isEqualTo(1);
        }
        assertThat(ring.nextCorrelationId()).isEqualTo(0);
        assertThat(ring.nextCorrelationId()).isEqualTo(1);
        ring.consumerHeartbeatTime(5);
        assertThat(ring.consumerHeartbeatTime()).isEqualTo(5);
    }

    @ParameterizedTest
    @EnumSource
    void errorsMustBeCountedByTheLogAndReadBack(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, 16 * RING);
        final DistinctErrorLog log = new DistinctErrorLog(buffer, () -> 5);
        final IllegalStateException error = new IllegalStateException("the disk is on fire");
        assertThat(log.record(error)).isTrue();
        assertThat(log.record(error)).isTrue();
        final List<String> errors = new ArrayList<>();
        assertThat(ErrorLogReader.read(buffer, (count, first, last, text) -> {
            assertThat(count).isEqualTo(2);
            assertThat(first).isEqualTo(5);
            errors.add(text);
        })).isEqualTo(1);
        assertThat(errors).singleElement().asString().contains("the disk is on fire");
    }

    @ParameterizedTest
    @EnumSource(names = {"HOLD", "LEASE", "SHARED"})
    void aRingMustStopWithAnExceptionWhenItsRegionEnds(final Kind kind) throws Exception {
        final RingBuffer ring = manyToOne(kind);
        final CompletableFuture<Void> producer =
            CompletableFuture.runAsync(() -> produce(ring, 1, Integer.MAX_VALUE), THREAD);
        for (int read = 0; read < 1000;) {
            read += ring.read((type, buffer, index, length) -> { });
        }
        letGo();
        regions.removeLast().unmap();
        assertThatThrownBy(producer::join).hasCauseInstanceOf(IllegalStateException.class);
        assertThatThrownBy(() -> ring.read((type, buffer, index, length) -> { })).isInstanceOf(IllegalStateException.class);
    }

    @ParameterizedTest
    @EnumSource(names = {"HOLD", "LEASE", "SHARED"})
    void broadcastsMustBeReceivedInOrderAndWholeOrNotAtAll(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, RING + BroadcastBufferDescriptor.TRAILER_LENGTH);
        final BroadcastTransmitter transmitter = new BroadcastTransmitter(buffer);
        final BroadcastReceiver receiver = new BroadcastReceiver(buffer);
        final RegionBuffer message = new RegionBuffer();
        message.wrap(new byte[16]);
        message.putLong(0, -1);
        message.putLong(8, -1);
        transmitter.transmit(1, message, 0, 16); // a first one, from which the receiver goes on
        while (!receiver.receiveNext()) {
            Thread.onSpinWait();
        }
        final CompletableFuture<Void> sending = CompletableFuture.runAsync(() -> {
            for (long i = 0; i < MESSAGES; i++) {
                message.putLong(0, i);
                message.putLong(8, ~i);
                transmitter.transmit(1, message, 0, 16);
            }
        }, THREAD);
        long last = -1;
        int received = 0;
        while (last < MESSAGES - 1) {
            if (receiver.receiveNext()) {
                final long number = receiver.buffer().getLong(receiver.offset());
                final long inverse = receiver.buffer().getLong(receiver.offset() + 8);
                if (receiver.validate()) {
                    assertThat(inverse).isEqualTo(~number);
                    assertThat(number).isGreaterThan(last);
                    last = number;
                    received++;
                }
            }
        }
        sending.join();
        assertThat(received).isPositive();
    }

    @ParameterizedTest
    @EnumSource
    void countersMustBeAllocatedSetAndReadWithoutFlags(final Kind kind) {
        final RegionBuffer values = buffer(kind, 64 * CountersReader.COUNTER_LENGTH);
        final CountersManager manager = new CountersManager(buffer(kind, 64 * CountersReader.METADATA_LENGTH), values);
        final int first = manager.allocate("first counter", 101);
        final RegionBuffer key = new RegionBuffer();
        key.wrap(new byte[] {1, 2, 3, 4});
        final RegionBuffer label = new RegionBuffer();
        label.wrap("second".getBytes(StandardCharsets.US_ASCII));
        final int second = manager.allocate(102, key, 0, 4, label, 0, 6);
        manager.setCounterValue(first, 11);
        manager.setCounterValue(second, 22);
        values.getAndAddLong(CountersReader.counterOffset(second), 1);
        final CountersReader reader = new CountersReader(manager.metaDataBuffer(), manager.valuesBuffer());
        final List<String> seen = new ArrayList<>();
        reader.forEach((value, id, text) -> seen.add(id + " " + text + "=" + value));
        assertThat(seen).containsExactly(first + " first counter=11", second + " second=23");
        assertThat(reader.getCounterTypeId(second)).isEqualTo(102);
        manager.free(first);
        assertThat(reader.getCounterState(first)).isEqualTo(CountersReader.RECORD_RECLAIMED);
        assertThat(manager.allocate("again", 103)).isEqualTo(first);
    }

    @Test
    void nothingMayNeedFlags() {
        assertThat(Object.class.getModule().isExported("jdk.internal.misc", RegionBuffer.class.getModule()))
            .as("the tests run without --add-exports").isFalse();
    }
}
