// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A thread that would wait for itself gets an exception, whatever it holds and whatever it waits for (G10). */
class SelfWaitTest extends SpaceFixture {
    private Region region;

    /** What the thread holds. */
    enum Held {
        PIN {
            @Override
            AutoCloseable take(final Region region) {
                return region.space().pin();
            }
        },
        SHARED {
            @Override
            AutoCloseable take(final Region region) {
                return region.share();
            }
        },
        SHARED_STAMP {
            @Override
            AutoCloseable take(final Region region) {
                final long stamp = region.lockShared();
                return () -> region.unlockShared(stamp);
            }
        },
        EXCLUSIVE {
            @Override
            AutoCloseable take(final Region region) {
                return region.exclusive();
            }
        },
        EXCLUSIVE_STAMP {
            @Override
            AutoCloseable take(final Region region) {
                final long stamp = region.lockExclusive();
                return () -> region.unlockExclusive(stamp);
            }
        };

        abstract AutoCloseable take(Region region);

        boolean isExclusive() {
            return this == EXCLUSIVE || this == EXCLUSIVE_STAMP;
        }
    }

    /** What the thread waits for. */
    enum Wait {
        SHARED("share", region -> region.share()),
        SHARED_WRITABLE("share", region -> region.shareWritable()),
        SHARED_TIMED("share", region -> region.share(1, TimeUnit.DAYS)),
        SHARED_STAMP("share", region -> region.lockShared()),
        HOLD("hold", region -> region.hold()),
        HOLD_TIMED("hold", region -> region.hold(1, TimeUnit.DAYS)),
        HOLD_STAMP("hold", region -> region.lockCounted()),
        EXCLUSIVE("exclusive", region -> region.exclusive()),
        EXCLUSIVE_TIMED("exclusive", region -> region.exclusive(1, TimeUnit.DAYS)),
        EXCLUSIVE_STAMP("exclusive", region -> region.lockExclusive()),
        UNMAP("unmap", region -> region.unmap()),
        UNMAP_TIMED("unmap", region -> region.unmap(1, TimeUnit.DAYS)),
        UNMAP_ASYNC("unmap", region -> region.unmapAsync()),
        CLOSE("close", region -> region.space().close()),
        CLOSE_TIMED("close", region -> region.space().close(1, TimeUnit.DAYS));

        /** A call that may wait. */
        interface Call {
            void on(Region region) throws Exception;
        }

        private final String operation;
        private final Call call;

        Wait(final String operation, final Call call) {
            this.operation = operation;
            this.call = call;
        }

        void run(final Region region) throws Exception {
            call.on(region);
        }

        boolean isShared() {
            return operation.equals("share") || operation.equals("hold");
        }
    }

    @BeforeEach
    void mapRegion() {
        region = space.map(PAGE);
    }

    static Stream<Arguments> waitsForItself() {
        return Stream.of(Held.values()).flatMap(held -> Stream.of(Wait.values())
            // A shared lock is granted beside a pin and another shared one, and an asynchronous unmap does not wait.
            .filter(wait -> held.isExclusive() || !wait.isShared() && wait != Wait.UNMAP_ASYNC)
            .map(wait -> Arguments.of(held, wait)));
    }

    @ParameterizedTest
    @MethodSource("waitsForItself")
    void threadMustNotWaitForItself(final Held held, final Wait wait) throws Exception {
        try (AutoCloseable _ = held.take(region)) {
            assertThatThrownBy(() -> wait.run(region)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining(wait.operation + " by").hasMessageContaining("wait")
                .hasMessageContainingAll(wait.operation.equals("close") ? new String[] {"space=test", "close"}
                    : new String[] {"incarnation=", "attached=true", "holds=0"});
            assertThat(region.isMapped()).isTrue();
            assertThat(space.isOpen()).isTrue();
        }
        region.exclusive().close();
        region.unmap();
    }

    static Stream<Arguments> waitsForAnother() {
        return Stream.of(Held.PIN, Held.SHARED).flatMap(held -> Stream.of(Wait.values()).filter(Wait::isShared)
            .map(wait -> Arguments.of(held, wait)));
    }

    @ParameterizedTest
    @MethodSource("waitsForAnother")
    void threadMustNotWaitForAWriterThatMayWaitForIt(final Held held, final Wait wait) throws Exception {
        final Threads.Work<Boolean> writer;
        try (Guard keepsWriterOut = held == Held.PIN ? null : region.share();
            Threads.Holder reader = Threads.hold(region::share); AutoCloseable _ = held.take(region)) {
            writer = Threads.start(() -> {
                region.exclusive().close();
                return true;
            });
            idle.awaitWaiter();
            assertThatThrownBy(() -> wait.run(region)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContainingAll(wait.operation + " by", "wait", "excluding=true");
            assertThat(keepsWriterOut == null || keepsWriterOut.isHeld()).isTrue();
            assertThat(reader.thread().isAlive()).isTrue();
        }
        assertThat(writer.get()).isTrue();
    }

    @Test
    void sharedLockMustBeGrantedBesideAPinAndAnother() {
        try (Pin pin = space.pin(); Guard guard = region.share(); Guard second = region.share()) {
            assertThat(pin.find(region.address())).isEqualTo(region);
            assertThat(guard.isHeld() && second.isHeld()).isTrue();
        }
    }

    @Test
    void pinnedThreadMayUnmapAsynchronously() throws Exception {
        final CompletableFuture<Void> done;
        try (Pin pin = space.pin()) {
            done = pin.find(region.address()).unmapAsync().toCompletableFuture();
            assertThat(region.isMapped()).isFalse();
            assertThat(pin.find(region.address())).isNull();
            assertThat(done.isDone()).isFalse();
        }
        done.get(60, TimeUnit.SECONDS);
    }

    @Test
    void readerMayUnmapAsynchronouslyWhatItReads() throws Exception {
        final CompletableFuture<Void> done;
        try (Guard guard = region.share()) {
            done = region.unmapAsync().toCompletableFuture();
            assertThat(guard.isHeld()).isTrue();
            assertThat(done.isDone()).isFalse();
        }
        done.get(60, TimeUnit.SECONDS);
    }

    @Test
    void pinnedThreadMustNotWaitAtTheBacklogBound() {
        assertBacklogRefuses(Held.PIN);
    }

    @Test
    void readerMustNotWaitAtTheBacklogBoundForWhatItReads() {
        assertBacklogRefuses(Held.SHARED);
    }

    private static void assertBacklogRefuses(final Held held) {
        try (AddressSpace bounded = AddressSpace.builder().name("bounded").capacity(64L << 20).backlogBytes(PAGE)
            .startReclaimer(false).open()) {
            final Region first = bounded.map(2 * PAGE);
            final Region second = bounded.map(PAGE);
            try (AutoCloseable _ = held.take(first)) {
                first.unmapAsync();
                assertThatThrownBy(second::unmapAsync).isInstanceOf(IllegalMonitorStateException.class)
                    .hasMessageContainingAll("unmapAsync by a thread that holds a pin or a guard", "would wait for itself",
                        "backlogBytes=" + 2 * PAGE, "limit=" + PAGE, "region=0x", "attached=true");
                assertThat(second.isMapped()).isTrue();
            } catch (final Exception e) {
                throw new AssertionError(e);
            }
            second.unmapAsync();
        }
    }

    @Test
    void growAndForceMustUseWhatTheThreadHolds() throws Exception {
        final Region log = space.map(FileBacking.readWrite(file("log", 100)).growableTo(1 << 20));
        for (final Held held : Held.values()) {
            try (AutoCloseable _ = held.take(log)) {
                log.grow(log.size() + 5000);
                log.force();
            }
        }
        final Threads.Work<Boolean> writer;
        try (Guard guard = log.share()) {
            writer = Threads.start(() -> {
                log.exclusive().close();
                return true;
            });
            idle.awaitWaiter();
            log.grow(log.size() + 5000);
            log.force();
            assertThat(guard.isHeld()).isTrue();
        }
        writer.get();
        assertThat(log.size()).isEqualTo(100 + 6 * 5000);
    }

    /** It runs in a thread of its own, for which the reclaimer's thread can be waited for. */
    @Test
    void aCallbackOfAnUnmapMayCloseTheSpace() throws Exception {
        final AddressSpace own = AddressSpace.builder().name("own").capacity(64L << 20).open();
        final CompletableFuture<Void> closed;
        final Region first = own.map(PAGE);
        try (Guard guard = first.share()) {
            closed = first.unmapAsync().thenRun(own::close).toCompletableFuture();
            assertThat(guard.isHeld()).isTrue();
        }
        closed.get(60, TimeUnit.SECONDS);
        assertThat(own.isOpen()).isFalse();
    }
}
