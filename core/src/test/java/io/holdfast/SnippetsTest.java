// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.space.InspectedSpaces;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The code samples of the Javadoc: what stands between {@code @start} and {@code @end} is shown there. */
@ExtendWith(InspectedSpaces.class)
class SnippetsTest {
    private static final long CAPACITY = 1L << 30;

    private final AddressSpace space = AddressSpace.builder().name("snippets").capacity(CAPACITY).open();

    @AfterEach
    void close() {
        space.close();
    }

    @Test
    void spaceSampleMustWork() {
        // @start region="space"
        try (AddressSpace space = AddressSpace.open()) {
            Region region = space.map(1 << 20);
            try (Guard guard = region.shareWritable()) {
                guard.segment().set(JAVA_LONG, 0, 42);
            }
            region.unmap(); // waits for readers inside; then the memory is gone
        }
        // @end
    }

    @Test
    void regionSampleMustWork() {
        final Region region = space.map(1 << 20);
        // @start region="region"
        long stamp = region.tryOptimisticRead(); // no store, no lock
        int found = region.optimisticSegment().get(JAVA_INT, 64);
        if (!region.validate(stamp)) { // a writer or an unmap came between
            try (Guard guard = region.share()) {
                found = guard.segment().get(JAVA_INT, 64);
            }
        }
        // @end
        assertThat(found).isZero();
    }

    @Test
    void staleSampleMustWork() {
        final Region region = space.map(1 << 20);
        final long address = region.address() + (1 << 19);
        assertThat(region.split(1 << 18)).hasSize(2);
        assertThat(read(region, address)).isZero();
        assertThat(read(null, -1)).isEqualTo(-1);
    }

    // @start region="stale"
    long read(final @Nullable Region known, final long address) {
        Region region = known;
        while (true) {
            if (region == null) { // look it up
                try (Pin pin = space.pin()) {
                    region = pin.find(address);
                }
                if (region == null) {
                    return -1; // there is none
                }
            }
            try (Guard guard = region.share()) {
                return guard.segment().get(JAVA_LONG, address - region.address());
            } catch (final RegionException e) {
                if (e.refusal() != Refusal.DETACHED && e.refusal() != Refusal.MOVED) {
                    throw e;
                }
                region = null; // the handle is over: again, with another
            }
        }
    }
    // @end

    @Test
    void leaseSampleMustWork() {
        final Region region = space.map(1 << 20);
        final byte[] buffer = new byte[64];
        // @start region="lease"
        try (Lease lease = region.lease()) { // kept for as long as the file is open, and shared by all threads
            int magic = lease.getInt(0, ByteOrder.LITTLE_ENDIAN);
            long value = lease.getLong(512);
            lease.getBytes(64, buffer, 0, buffer.length);
            // @end
            assertThat(magic + value).isZero();
        }
    }

    @Test
    void guardSampleMustWork() {
        final Region region = space.map(1 << 20);
        // @start region="guard"
        try (Guard guard = region.exclusive()) {
            guard.segment().set(JAVA_LONG, 8, 1);
            guard.downgrade(); // readers get in, and no other writer did
            assertThat(guard.segment().get(JAVA_LONG, 8)).isEqualTo(1);
        }
        // @end
        assertThat(region.isMapped()).isTrue();
    }

    @Test
    void holdSampleMustWork() {
        final Region region = space.map(1 << 20);
        // @start region="hold"
        Hold hold = region.hold(); // here …
        CompletableFuture<Long> sum = CompletableFuture.supplyAsync(() -> {
            try (hold; Hold.View view = hold.view()) { // … and released there
                return view.segment().get(JAVA_LONG, 0);
            }
        });
        // @end
        assertThat(sum.join()).isZero();
    }

    @Test
    void pinSampleMustWork() {
        final long address = space.map(1 << 20).address() + 100;
        final List<Long> read = new ArrayList<>();
        // @start region="pin"
        try (Pin pin = space.pin()) {
            Region region = pin.find(address);
            if (region != null) { // it stays mapped until the pin is closed
                read.add(region.optimisticSegment().get(JAVA_LONG, 0));
            }
        }
        // @end
        assertThat(read).containsExactly(0L);
    }

    @Test
    void sectionSampleMustWork() {
        final Region before = space.map(1 << 20);
        // @start region="section"
        try (WriteSection section = space.write()) {
            Region after = section.map(2 << 20);
            MemorySegment.copy(section.exclude(before), 0, section.segment(after), 0, before.size());
            section.unmap(before);
            section.publish(); // lookups see both changes at once
        }
        // @end
        assertThat(before.isMapped()).isFalse();
        assertThat(space.maps()).hasSize(1);
    }

    @Test
    void snapshotSampleMustWork() {
        space.map(1 << 20);
        // @start region="snapshot"
        try (SpaceSnapshot snapshot = space.snapshot()) {
            long mapped = snapshot.regions().stream().mapToLong(RegionInfo::size).sum();
            System.out.println(mapped + " bytes were mapped at that moment");
        }
        // @end
        assertThat(space.isOpen()).isTrue();
    }

    @Test
    void requestSampleMustWork() {
        // @start region="request"
        Region index = space.map(MapRequest.anonymous(1 << 22).alignedTo(1 << 21).transparentHugePages().named("index"));
        // @end
        assertThat(index.address() % (1 << 21)).isZero();
    }

    @Test
    void deadlineSampleMustWork() throws Exception {
        final Region region = space.map(1 << 20);
        // @start region="deadline"
        List<Region> halves = Deadline.within(100, MILLISECONDS, () -> region.split(1 << 19));
        // @end
        assertThat(Objects.requireNonNull(halves)).hasSize(2);
    }
}
