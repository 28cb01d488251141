// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.LeaseTest.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Lease;
import io.holdfast.MapRequest;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ObjLongConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What ordered values of a lease do, once each, and when they are refused (G3, G10). */
class LeaseOrderTest extends SpaceFixture {
    private static final int ERAS = 3000;

    /** Every ordered write with the width of its value. */
    private static final Map<ObjLongConsumer<Lease>, Integer> WRITES = new LinkedHashMap<>();
    private static final Map<ObjLongConsumer<Lease>, Integer> READS = new LinkedHashMap<>();

    static {
        WRITES.put((lease, at) -> lease.putByteVolatile(at, (byte) 1), Byte.BYTES);
        WRITES.put((lease, at) -> lease.putShortVolatile(at, (short) 1), Short.BYTES);
        WRITES.put((lease, at) -> lease.putIntVolatile(at, 1), Integer.BYTES);
        WRITES.put((lease, at) -> lease.putIntRelease(at, 1), Integer.BYTES);
        WRITES.put((lease, at) -> lease.compareAndExchangeInt(at, 0, 1), Integer.BYTES);
        WRITES.put((lease, at) -> lease.getAndSetInt(at, 1), Integer.BYTES);
        WRITES.put((lease, at) -> lease.getAndAddInt(at, 1), Integer.BYTES);
        WRITES.put((lease, at) -> lease.putLongVolatile(at, 1), Long.BYTES);
        WRITES.put((lease, at) -> lease.putLongRelease(at, 1), Long.BYTES);
        WRITES.put((lease, at) -> lease.compareAndExchangeLong(at, 0, 1), Long.BYTES);
        WRITES.put((lease, at) -> lease.getAndSetLong(at, 1), Long.BYTES);
        WRITES.put((lease, at) -> lease.getAndAddLong(at, 1), Long.BYTES);
        READS.put(Lease::getByteVolatile, Byte.BYTES);
        READS.put(Lease::getShortVolatile, Short.BYTES);
        READS.put(Lease::getIntVolatile, Integer.BYTES);
        READS.put(Lease::getLongVolatile, Long.BYTES);
    }

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.eras(Duration.ofDays(1), Duration.ZERO).startReclaimer(false);
    }

    @Test
    void orderedValuesOfEachWidthMustBeReadAndWritten() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        final Lease slice = lease.slice(8, 16);
        slice.putByteVolatile(7, (byte) -3);
        assertThat(slice.getByteVolatile(7)).isEqualTo((byte) -3);
        assertThat(lease.getByte(15)).isEqualTo((byte) -3);
        slice.putShortVolatile(6, (short) -4);
        assertThat(lease.getShortVolatile(14)).isEqualTo((short) -4);
        slice.putIntVolatile(4, -5);
        assertThat(lease.getIntVolatile(12)).isEqualTo(-5);
        slice.putIntRelease(4, -6);
        assertThat(lease.getInt(12)).isEqualTo(-6);
        assertThat(slice.getAndAddInt(4, 7)).isEqualTo(-6);
        assertThat(slice.getAndSetInt(4, 8)).isEqualTo(1);
        assertThat(slice.compareAndExchangeInt(4, 7, 9)).isEqualTo(8);
        assertThat(slice.compareAndExchangeInt(4, 8, 9)).isEqualTo(8);
        assertThat(lease.getIntVolatile(12)).isEqualTo(9);
        slice.putLongVolatile(0, -5);
        assertThat(lease.getLongVolatile(8)).isEqualTo(-5);
        slice.putLongRelease(0, -6);
        assertThat(lease.getLong(8)).isEqualTo(-6);
        assertThat(slice.getAndAddLong(0, 7L << 40)).isEqualTo(-6);
        assertThat(slice.getAndSetLong(0, 8)).isEqualTo((7L << 40) - 6);
        assertThat(slice.compareAndExchangeLong(0, 7, 9)).isEqualTo(8);
        assertThat(slice.compareAndExchangeLong(0, 8, 9)).isEqualTo(8);
        assertThat(lease.getLongVolatile(8)).isEqualTo(9);
        region.unmap();
    }

    @Test
    void misalignedOrderedValuesMustBeRefused() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        for (final Map<ObjLongConsumer<Lease>, Integer> accesses : List.of(READS, WRITES)) {
            accesses.forEach((access, width) -> {
                access.accept(lease.slice(8, 16), width);
                if (width > 1) {
                    for (final Lease odd : List.of(lease.slice(1, 16), lease.slice(8 + width / 2, 16))) {
                        assertThatThrownBy(() -> access.accept(odd, 0))
                            .isExactlyInstanceOf(IllegalArgumentException.class)
                            .hasMessageContaining("misaligned: offset=0, width=" + width).hasMessageContaining("region=0x");
                    }
                }
            });
        }
        region.unmap();
    }

    @Test
    @Timeout(60) // it read again without end
    void misalignedOrderedValuesBehindAnOldEndMustBeRefused() {
        final Region region = space.map(MapRequest.anonymous(PAGE).growableTo(4 * PAGE));
        READS.forEach((read, width) -> {
            if (width > 1) {
                final Lease lease = region.lease();
                final long end = region.size();
                region.grow(end + 2L * Long.BYTES);
                assertThatThrownBy(() -> read.accept(lease, end + 1)).isExactlyInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("misaligned: offset=" + (end + 1) + ", width=" + width);
                read.accept(lease, end);
            }
        });
        region.unmap();
    }

    @Test
    void orderedValuesOutsideTheRegionOrSliceMustBeRefused() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        for (final Map<ObjLongConsumer<Lease>, Integer> accesses : List.of(READS, WRITES)) {
            accesses.forEach((access, width) -> {
                for (final long offset : new long[] {-width, PAGE, PAGE + width, Long.MIN_VALUE, Long.MAX_VALUE - 7}) {
                    assertThatThrownBy(() -> access.accept(lease, offset)).isInstanceOf(IndexOutOfBoundsException.class);
                }
                assertThatThrownBy(() -> access.accept(lease.slice(8, 8), 8)).isInstanceOf(IndexOutOfBoundsException.class);
            });
        }
        region.unmap();
    }

    @Test
    void orderedWritesOfAReadOnlyRegionMustBeRefused() {
        final Region region = space.map(FileBacking.readOnly(file("data", (int) PAGE)));
        final Lease lease = region.lease();
        WRITES.keySet().forEach(write -> assertThatThrownBy(() -> write.accept(lease, 0))
            .isInstanceOf(RegionException.class).hasMessageContaining("read-only"));
        READS.keySet().forEach(read -> read.accept(lease, 0));
        region.unmap();
    }

    @Test
    void orderedValuesMustBeRefusedAfterTheEndOfLeaseOrRegion() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        final Lease ended = region.lease();
        final Lease slice = lease.slice(0, 64);
        ended.close();
        slice.close();
        region.unmap();
        for (final Map<ObjLongConsumer<Lease>, Integer> accesses : List.of(READS, WRITES)) {
            accesses.keySet().forEach(access -> {
                assertRefused(() -> access.accept(lease, 0), Refusal.DETACHED);
                assertRefused(() -> access.accept(ended, 0), Refusal.ENDED);
            });
        }
        WRITES.keySet().forEach(write -> assertRefused(() -> write.accept(slice, 0), Refusal.ENDED));
    }

    @Test
    void anOrderedWriteThatWouldWaitForItsOwnThreadMustBeRefused() {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        try (Guard guard = region.exclusive()) {
            assertThat(guard.isHeld()).isTrue();
            WRITES.keySet().forEach(write ->
                assertThatThrownBy(() -> write.accept(lease, 0)).isInstanceOf(IllegalMonitorStateException.class));
            READS.keySet().forEach(read -> read.accept(lease, 0));
        }
        region.unmap();
    }

    @Test
    void anOrderedWriteMustHappenOnceAlthoughErasEnd() throws Exception {
        final Path log = directory.resolve("exceptions");
        final Children.Outcome outcome = Children.run(AddingProgram.class,
            List.of("-Xint", "-Xlog:exceptions=info:file=" + log), Integer.toString(ERAS), log.toString());
        assertThat(Files.readString(log)).as("a close has found an access in flight")
            .contains("Async. exception installed");
        assertThat(outcome.output()).matches("eras=\\d+ rounds=[1-9]\\d* added=0 set=0 exchanged=0 put=0\\s+");
        assertThat(outcome.status()).isZero();
    }
}
