// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.Lease;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.lang.foreign.Arena;
import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

/** Whoever renews or ends a lease reaches its slices, whenever they were made, and none is kept for that. */
class SlicesTest extends SpaceFixture {
    private static final int MANY = 10_000;
    private static final int ROUNDS = 200;
    private static final int MOST_ROUNDS = 1_000_000;

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.eras(Duration.ofDays(1), Duration.ZERO).startReclaimer(false);
    }

    private static LeaseHandle slice(final Lease lease) {
        return (LeaseHandle) lease.slice(0, 8);
    }

    /** Counts what is listed, by reflection, since nothing in the library asks for it. */
    private static int listed(final Slices slices) throws ReflectiveOperationException {
        final Field top = Slices.class.getDeclaredField("top");
        top.setAccessible(true);
        Object each = ((AtomicReference<?>) top.get(slices)).get();
        int count = 0;
        while (each != null) {
            count++;
            final Field older = each.getClass().getDeclaredField("older");
            older.setAccessible(true);
            each = older.get(each);
        }
        return count;
    }

    @Test
    void forgottenSlicesMustBeSweptAndOthersStay() throws Exception {
        final Region region = space.map(PAGE);
        final Lease lease = region.lease();
        final Slices slices = new Slices();
        final LeaseHandle oldest = slice(lease);
        slices.add(oldest);
        for (int i = 0; i < MANY; i++) {
            slices.add(slice(lease));
        }
        final WeakReference<LeaseHandle> probe = new WeakReference<>(slice(lease));
        while (probe.get() != null) {
            System.gc();
        }
        final List<LeaseHandle> kept = new ArrayList<>();
        for (int i = 0; i <= MANY; i++) { // as many as were there at most, and so at least one sweep
            kept.add(slice(lease));
            slices.add(kept.getLast());
        }
        assertThat(listed(slices)).isEqualTo(1 + kept.size());
        kept.add(oldest);
        slices.show(Arena.global().allocate(PAGE).fill((byte) 7), Era.NONE);
        assertThat(kept).allMatch(each -> each.getByte(0) == 7);
        region.unmap();
    }

    private static boolean isReadable(final Lease slice) {
        try {
            return slice.getByte(0) == 0;
        } catch (final RegionException e) {
            assertThat(e.refusal()).isEqualTo(Refusal.ENDED);
            return false;
        }
    }

    @Test
    void endOfALeaseMustEndSlicesThatAreMadeAtThatMoment() throws Exception {
        final Region region = space.map(PAGE);
        int between = 0;
        // On a busy machine the other may not have had its turn yet: goes on until it has.
        for (int round = 0; round < (between == 0 ? MOST_ROUNDS : ROUNDS); round++) {
            final Lease lease = region.lease();
            final List<Lease> made = new ArrayList<>();
            final Threads.Work<Integer> other = Threads.start(() -> {
                while (true) {
                    try {
                        made.add(lease.slice(0, 8));
                    } catch (final RegionException e) {
                        return made.size();
                    }
                }
            });
            Thread.onSpinWait();
            lease.close();
            between += other.get() == 0 ? 0 : 1;
            assertThat(made).noneMatch(SlicesTest::isReadable);
        }
        assertThat(between).as("rounds in which slices were being made").isPositive();
        region.unmap();
    }
}
