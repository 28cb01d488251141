// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What eras do to threads that read through leases: nothing (G8). */
class LeaseReaderTest extends SpaceFixture {
    private static final int LENGTH = 1 << 20;
    private static final int WARM = 30_000;
    private static final int WORDS = 16;
    private static final int ERAS = 6;
    private static final int ROUNDS = 100;

    private final AtomicBoolean stop = new AtomicBoolean();

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        // A thread that is interpreted may be away for as long as it likes on a busy machine, and would be hit then.
        return builder.eras(Duration.ofDays(1), Duration.ofMillis(150));
    }

    private static long sum(final Lease lease) {
        long sum = 0;
        for (int i = 0; i < WORDS; i++) {
            sum += lease.getLong(i * Long.BYTES) + lease.getInt(i) + lease.getShort(i) + lease.getByte(i);
        }
        return sum;
    }

    /** One round of reads; each kind of them is compared with what it gave before. */
    private interface Reads {
        long round();
    }

    /** Reads, and uses a channel, which an interrupt would close. */
    private Threads.Work<Boolean> start(final Path path, final Reads reads, final AtomicLong rounds) {
        final long expected = reads.round();
        return Threads.start(() -> {
            try (FileChannel channel = FileChannel.open(path)) {
                final ByteBuffer one = ByteBuffer.allocate(1);
                while (!stop.get()) {
                    for (int i = 0; i < 100; i++) {
                        if (reads.round() != expected) {
                            return false;
                        }
                    }
                    channel.read(one.clear(), 0);
                    rounds.incrementAndGet();
                }
            }
            return !Thread.interrupted();
        });
    }

    @Test
    void noEraMayInterruptAReaderNorCloseItsChannel() throws Exception {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readOnly(path));
        final Lease lease = region.lease();
        for (int i = 0; i < WARM; i++) {
            sum(lease);
        }
        final long[] longs = new long[WORDS];
        final byte[] copy = new byte[LENGTH];
        lease.getBytes(0, copy, 0, LENGTH);
        final MemorySegment other = MemorySegment.ofArray(copy.clone());
        final List<AtomicLong> rounds = List.of(new AtomicLong(), new AtomicLong(), new AtomicLong());
        final List<Threads.Work<Boolean>> readers = new ArrayList<>();
        readers.add(start(path, () -> sum(lease), rounds.get(0)));
        readers.add(start(path, () -> lease.mismatch(0, other, 0, 1 << 16), rounds.get(1)));
        readers.add(start(path, () -> {
            lease.getBytes(0, copy, 0, 1 << 16);
            lease.getLongs(0, longs, 0, WORDS);
            return copy[7] + longs[7];
        }, rounds.get(2)));
        for (int i = 0; i < ERAS; i++) {
            for (final AtomicLong each : rounds) { // each has read since the last era was closed
                final long before = each.get();
                while (each.get() < before + 2 && readers.stream().noneMatch(Threads.Work::isDone)) {
                    Thread.onSpinWait();
                }
            }
            final Region passing = space.map(PAGE);
            passing.lease();
            passing.unmap();
        }
        stop.set(true);
        for (final Threads.Work<Boolean> reader : readers) {
            assertThat(reader.get()).as("right bytes, and no interrupt").isTrue();
        }
        assertThat(space.statistics().eras()).isEqualTo(ERAS);
        region.unmap();
    }

    /** The JDK interrupts whom it finds inside an access; what others have interrupted must stay so. */
    @Test
    void aThreadThatAnEraHasHitMustTakeTheInterruptBack() throws Exception {
        final Children.Outcome outcome =
            Children.run(LeaseInterruptProgram.class, List.of("-Xint", "-Xlog:exceptions=info"));
        assertThat(outcome.output()).as("threads were hit").contains("Async. exception installed")
            .contains("interrupts: 0").contains("still interrupted: true");
    }

    /** The copies are long, so that unmaps come in the middle; the next region has the same addresses and other bytes. */
    @Test
    void copiesMustBeOfTheirRegionThoughItsAddressesGoToOthers() throws Exception {
        try (AddressSpace own = AddressSpace.builder().eras(Duration.ofDays(1), Duration.ZERO).idleBytes(0).open()) {
            int overtaken = 0;
            Region region = own.map(MapRequest.anonymous(LENGTH).at(0));
            for (int round = 1; round <= ROUNDS || overtaken == 0; round++) {
                final byte mine = (byte) (round % 100 + 1);
                final Lease lease = region.lease();
                lease.fill(0, LENGTH, mine);
                final AtomicLong copies = new AtomicLong();
                final Threads.Work<Integer> reader = Threads.start(() -> copyUntilRefused(lease, mine, copies));
                while (copies.get() < 2 && !reader.isDone()) {
                    Thread.onSpinWait();
                }
                region.unmap();
                region = own.map(MapRequest.anonymous(LENGTH).at(0));
                overtaken += reader.get();
            }
            region.unmap();
        }
    }

    /** Whether the refusal came when bytes had been copied already, which were not the region's any more. */
    private static int copyUntilRefused(final Lease lease, final byte expected, final AtomicLong copies) {
        final byte[] copy = new byte[LENGTH];
        final byte[] all = new byte[LENGTH];
        Arrays.fill(all, expected);
        while (true) {
            Arrays.fill(copy, (byte) -1);
            try {
                lease.getBytes(0, copy, 0, LENGTH);
            } catch (final RegionException e) {
                return copy[0] == -1 ? 0 : 1;
            }
            assertThat(Arrays.equals(copy, all)).isTrue();
            copies.incrementAndGet();
        }
    }

    @Test
    void valuesMustBeReadAndWrittenWithoutAllocating() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        final Lease slice = lease.slice(8, 1024);
        final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        work(lease, slice);
        final long before = threads.getCurrentThreadAllocatedBytes();
        final long idle = threads.getCurrentThreadAllocatedBytes() - before;
        work(lease, slice);
        final long allocated = threads.getCurrentThreadAllocatedBytes() - before - idle;
        assertThat(allocated).as("bytes in %d rounds", WARM).isLessThan(WARM / 4L); // not one object in a hundred rounds
        region.unmap();
    }

    private static void work(final Lease lease, final Lease slice) {
        for (int i = 0; i < WARM; i++) {
            slice.putLong(0, sum(lease));
            lease.putInt(512, i);
            slice.putByte(1000, (byte) i);
        }
    }
}
