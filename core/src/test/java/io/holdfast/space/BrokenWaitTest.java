// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import java.util.List;
import org.agrona.concurrent.IdleStrategy;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Waits that their idle strategy breaks off leave nothing, and keep an interrupt that came meanwhile (G9, G11). */
class BrokenWaitTest extends SpaceFixture {
    private volatile @Nullable Thread broken;
    private volatile boolean interrupted;

    /** What the idle strategy of the broken thread throws, after an interrupt or at once. */
    private static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1;
    }

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return builder.idleStrategy(() -> new IdleStrategy() {
            private int idles;

            @Override
            public void idle(final int workCount) {
                idle();
            }

            @Override
            public void idle() {
                if (Thread.currentThread() != broken) {
                    idle.get().idle();
                } else if (interrupted && idles++ == 0) {
                    Thread.currentThread().interrupt();
                } else {
                    throw new Broken();
                }
            }

            @Override
            public void reset() {
            }
        });
    }

    private void assertBreaks(final ThrowingCallable call) {
        broken = Thread.currentThread();
        assertThatThrownBy(call).isInstanceOf(Broken.class);
        broken = null;
        assertThat(Thread.interrupted()).as("an interrupt is kept").isEqualTo(interrupted);
    }

    private void assertBreaksAfterAnInterrupt(final ThrowingCallable call) {
        interrupted = true;
        assertBreaks(call);
    }

    @Test
    void changesOfAStructureMustBreakOff() throws Exception {
        final Region region = space.map(2 * PAGE);
        try (Threads.Holder _ = Threads.hold(region::share)) {
            assertBreaksAfterAnInterrupt(() -> region.split(PAGE));
        }
        assertThat(region.split(PAGE)).hasSize(2);
    }

    @Test
    void exclusionsBySectionsMustBreakOff() throws Exception {
        final Region region = space.map(PAGE);
        try (WriteSection section = space.write()) {
            try (Threads.Holder _ = Threads.hold(region::share)) {
                assertBreaksAfterAnInterrupt(() -> section.exclude(region));
            }
            Threads.run(() -> {
                try (Guard guard = region.share()) {
                    assertThat(guard.segment().byteSize()).as("nobody excludes it").isEqualTo(PAGE);
                }
            });
            assertThat(section.exclude(region).byteSize()).as("as if for the first time").isEqualTo(PAGE);
            section.publish();
        }
        region.unmap();
    }

    @Test
    void exclusiveLocksMustBreakOff() throws Exception {
        final Region region = space.map(PAGE);
        try (Threads.Holder _ = Threads.hold(region::share)) {
            assertBreaksAfterAnInterrupt(region::exclusive);
        }
        region.exclusive().close();
    }

    @Test
    void unmapsMustGoOnInTheBackground() throws Exception {
        final List<Region> regions = List.of(space.map(PAGE), space.map(PAGE), space.map(PAGE));
        try (Threads.Holder _ = Threads.hold(regions.get(1)::share)) {
            assertBreaks(() -> space.unmap(regions.subList(0, 2)));
            assertThat(regions).extracting(Region::isMapped).containsExactly(false, false, true);
        }
        try (Threads.Holder _ = Threads.hold(regions.get(2)::share)) {
            assertBreaks(regions.get(2)::unmap);
        }
        while (space.statistics().regions() != 0) {
            Thread.onSpinWait();
        }
    }

    @Test
    void aCloseMustBreakOffAndGoOnLater() throws Exception {
        final Region region = space.map(PAGE);
        try (Threads.Holder _ = Threads.hold(region::share)) {
            assertBreaksAfterAnInterrupt(space::close);
        }
        space.close();
    }
}
