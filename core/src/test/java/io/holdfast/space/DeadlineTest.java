// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Deadline;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.Region;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** G11: every operation that waits has a timed and interruptible form, and leaves no trace when it gives up. */
class DeadlineTest extends SpaceFixture {
    private static final int LENGTH = 8 * 4096;

    /** What waits for the readers of a region. */
    static Stream<Arguments> structural() {
        return Stream.of(
            operation("split", (region, other) -> region.split(4 * PAGE)),
            operation("merge", Region::merge),
            operation("trimHead", (region, other) -> region.trimHead(PAGE)),
            operation("trimTail", (region, other) -> region.trimTail(PAGE)),
            operation("unmap of a range", (region, other) -> region.unmap(PAGE, PAGE)),
            operation("protect", (region, other) -> region.protect(Protection.READ_ONLY)),
            operation("protect of a range", (region, other) -> region.protect(PAGE, PAGE, Protection.READ_ONLY)),
            operation("truncate", (region, other) -> region.truncate(PAGE)),
            operation("remap to less", (region, other) -> region.remap(PAGE)),
            operation("remap to more", (region, other) -> region.remap(2 * LENGTH)),
            operation("punchHole", (region, other) -> {
                region.punchHole(0, PAGE);
                return region;
            }),
            operation("exclusive", (region, other) -> {
                region.exclusive().close();
                return region;
            }));
    }

    private static Arguments operation(final String name, final BiFunction<Region, Region, Object> operation) {
        return Arguments.of(name, operation);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("structural")
    void whatWaitsForReadersMustGiveUpInTimeAndLeaveNoTrace(
        final String name, final BiFunction<Region, Region, Object> operation) throws Exception {
        final FileBacking data = FileBacking.readWrite(file("data", 2 * LENGTH));
        final Region other = space.map(data.range(LENGTH, LENGTH));
        final Region region = space.map(MapRequest.file(data.range(0, LENGTH)).at(other.address() - LENGTH));
        final Resources before = Resources.of(space, directory);
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(reader.thread().isAlive()).isTrue();
            for (final long timeoutNs : new long[] {0, 1_000_000}) {
                assertThatThrownBy(() -> Deadline.within(timeoutNs, TimeUnit.NANOSECONDS,
                    () -> operation.apply(region, other))).as(name).isInstanceOf(TimeoutException.class)
                    .hasMessageStartingWith(name.split(" ")[0] + " timed out")
                    .hasMessageContainingAll("nothing has changed", "region=0x", "timeoutNs=" + timeoutNs);
            }
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> Deadline.within(1, TimeUnit.DAYS, () -> operation.apply(region, other)))
                .as(name).isInstanceOf(InterruptedException.class);
            final Threads.Work<Object> waiter =
                Threads.start(() -> Deadline.within(1, TimeUnit.DAYS, () -> operation.apply(region, other)));
            idle.awaitWaiter();
            waiter.thread().interrupt();
            assertThatThrownBy(waiter::get).as(name).isInstanceOf(InterruptedException.class)
                .hasMessageStartingWith(name.split(" ")[0] + " interrupted").hasMessageContaining("region=0x");
            assertThat(Thread.interrupted()).isFalse();
            assertThat(region.isMapped()).isTrue();
            try (Guard guard = region.share()) {
                assertBytesOf(guard.segment(), 0);
            }
        }
        before.assertUnchanged(space, directory);
        if (!"truncate".equals(name)) { // the other region maps what the file would lose
            assertThat(Deadline.<Object>within(1, TimeUnit.DAYS, () -> operation.apply(region, other))).isNotNull();
        }
    }

    /** A pinned thread is waited for only after the point of no return: the operation has happened then. */
    @Test
    void whatHasHappenedMustNotBeReportedAsGivenUp() throws Exception {
        final Region region = space.map(LENGTH);
        final Region rest;
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            rest = Deadline.within(1, TimeUnit.MILLISECONDS, () -> region.trimTail(PAGE));
            assertThat(rest.size()).isEqualTo(LENGTH - PAGE);
            assertThat(region.isMapped()).isFalse();
            assertThat(space.statistics().backlogUnmaps()).isEqualTo(1);
            Deadline.within(0, TimeUnit.SECONDS, (Runnable) rest::unmap);
            assertThat(rest.isMapped()).isFalse();
        }
        space.close();
    }

    /** The region is cut at once, the file when the last reader of its end has left. */
    @Test
    void aTruncationThatStopsWaitingMustCutTheFileInTheBackground() throws Exception {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path));
        final Region rest;
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            rest = Deadline.within(1, TimeUnit.MILLISECONDS, () -> region.truncate(PAGE));
            assertThat(rest.size()).isEqualTo(PAGE);
            assertThat(Files.size(path)).isEqualTo(LENGTH);
        }
        space.close();
        assertThat(Files.size(path)).isEqualTo(PAGE);
    }

    @Test
    void anInterruptedTruncationMustCutTheFileInTheBackground() throws Exception {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path));
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            final Threads.Work<Boolean> truncating = Threads.start(() -> {
                assertThat(region.truncate(PAGE).size()).isEqualTo(PAGE);
                return Thread.interrupted();
            });
            idle.awaitWaiter();
            truncating.thread().interrupt();
            assertThat(truncating.get()).as("interrupt kept").isTrue();
            assertThat(Files.size(path)).isEqualTo(LENGTH);
        }
        space.close();
        assertThat(Files.size(path)).isEqualTo(PAGE);
    }

    /** From the announcement of the cut on: who mapped the end after it would lose it. */
    @Test
    void aFileThatIsGoingToBeCutMustEndThereForWhoeverMapsIt() throws Exception {
        final Path path = file("data", LENGTH);
        final Region region = space.map(FileBacking.readWrite(path));
        final Region again;
        try (Threads.Holder pinned = Threads.hold(space::pin)) {
            assertThat(pinned.thread().isAlive()).isTrue();
            Deadline.within(1, TimeUnit.MILLISECONDS, (Runnable) () -> region.truncate(PAGE));
            again = space.map(FileBacking.readOnly(path));
        }
        space.map(PAGE).unmapAsync().toCompletableFuture().get(); // a later round of the reclaimer
        while (space.statistics().backlogUnmaps() != 0 || Files.size(path) == LENGTH) { // it is cut after it is counted
            Thread.onSpinWait();
        }
        assertThat(again.size()).isEqualTo(PAGE);
        try (Guard guard = again.share()) {
            assertBytesOf(guard.segment(), 0);
        }
        assertThat(Files.size(path)).isEqualTo(PAGE);
    }

    @Test
    void theShorterPatienceMustCount() throws Exception {
        final Region region = space.map(LENGTH);
        final List<Consumer<Runnable>> nested = List.of(
            work -> unchecked(() -> Deadline.within(1, TimeUnit.DAYS, work)),
            work -> unchecked(() -> Deadline.within(1, TimeUnit.MILLISECONDS, work)));
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(reader.thread().isAlive()).isTrue();
            assertThatThrownBy(() -> Deadline.within(1, TimeUnit.MILLISECONDS, () -> nested.getFirst()
                .accept(() -> region.split(PAGE)))).isInstanceOf(TimeoutException.class);
            assertThatThrownBy(() -> Deadline.within(1, TimeUnit.DAYS, () -> nested.getLast()
                .accept(() -> region.split(PAGE)))).isInstanceOf(TimeoutException.class);
        }
        assertThat(Deadline.<Object>within(0, TimeUnit.SECONDS, () -> region.split(PAGE))).isNotNull();
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void unchecked(final Work work) {
        try {
            work.run();
        } catch (final RuntimeException e) {
            throw e;
        } catch (final Exception e) {
            throw new AssertionError("the outermost patience must speak", e);
        }
    }
}
