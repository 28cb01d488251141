// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.event.HeadroomLowEvent;
import io.holdfast.event.LeakEvent;
import io.holdfast.event.MapEvent;
import io.holdfast.event.UnmapEvent;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;

/** What the flight recorder is told, and that nothing is told where nobody records. */
class EventTest extends SpaceFixture {
    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).startReclaimer(false).backlogBytes(4 * PAGE)
            .reportWaits(Duration.ofMillis(1), report -> { });
    }

    private interface Body {
        void run() throws Exception;
    }

    /** What is recorded of one kind, whatever the threshold, while a body runs. */
    private List<RecordedEvent> recorded(final String kind, final Body body) throws Exception {
        final Path file = directory.resolve("recording.jfr");
        try (Recording recording = new Recording()) {
            recording.enable("io.holdfast." + kind).withoutThreshold().with("period", "everyChunk");
            recording.start();
            body.run();
            recording.stop();
            recording.dump(file);
        }
        final List<RecordedEvent> events = RecordingFile.readAllEvents(file).stream()
            .filter(event -> event.getEventType().getName().equals("io.holdfast." + kind)).toList();
        Files.delete(file);
        assertThat(events).allMatch(event -> event.getString("space").equals("test"));
        return events;
    }

    /** Holds a region in another thread until somebody waits. */
    private Thread reader(final Region region) throws InterruptedException {
        final CountDownLatch held = new CountDownLatch(1);
        final Thread reader = Thread.ofPlatform().name("the reader").start(() -> {
            try (Guard _ = region.share()) {
                held.countDown();
                idle.awaitWaiter();
            }
        });
        held.await();
        return reader;
    }

    @Test
    void nothingMustBeToldWhereNobodyRecords() {
        assertThat(MapEvent.begun()).isNull();
        assertThat(UnmapEvent.begun()).isNull();
        assertThat(LeakEvent.isOn()).isFalse();
    }

    @Test
    void aMapMustBeToldWithItsFileAndName() throws Exception {
        final Path data = file("data", 5000);
        final List<RecordedEvent> events = recorded("Map", () -> {
            space.map(MapRequest.file(FileBacking.readOnly(data)).named("index"));
            space.tryMap(MapRequest.anonymous(PAGE));
        });
        assertThat(events).hasSize(2);
        assertThat(events.getFirst().getString("path")).isEqualTo(data.toString());
        assertThat(events.getFirst().getString("region")).isEqualTo("index");
        assertThat(events.getFirst().getLong("size")).isEqualTo(5000);
        assertThat(events.getLast().getString("path")).isNull();
    }

    @Test
    void anUnmapMustBeToldOnceItsMemoryIsGivenBack() throws Exception {
        final Region waiting = space.map(2 * PAGE);
        final Region other = space.map(PAGE);
        final long address = waiting.address();
        final List<RecordedEvent> events = recorded("Unmap", () -> {
            other.unmap();
            try (Guard guard = waiting.share()) {
                waiting.unmapAsync();
                space.reclaimer().doWork();
                assertThat(guard.isHeld()).isTrue();
            }
            space.reclaimer().doWork();
        });
        assertThat(events).hasSize(2);
        final RecordedEvent last = events.getLast();
        assertThat(last.getLong("address")).isEqualTo(address);
        assertThat(last.getLong("length")).isEqualTo(2 * PAGE);
        assertThat(last.getBoolean("background")).isTrue();
        assertThat(events.getFirst().getBoolean("background")).isFalse();
        assertThat(last.getString("outcome")).isEqualTo("RESTORED");
        assertThat(last.getString("announcer")).isEqualTo(Thread.currentThread().getName());
        assertThat(last.getDuration("drain").plus(last.getDuration("giveBack"))).isPositive();
    }

    @Test
    void aWaitForReadersMustNameThem() throws Exception {
        final Region region = space.map(PAGE);
        final List<RecordedEvent> events = recorded("DrainWait", () -> {
            final Guard guard = region.share();
            region.unmapAsync();
            space.reclaimer().doWork();
            guard.close();
            space.reclaimer().doWork();
            space.map(PAGE).unmap(); // waits for nobody
        });
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getString("holders")).contains("SHARED").contains(Thread.currentThread().getName());
    }

    @Test
    void aSynchronousUnmapMustTellForWhomItWaited() throws Exception {
        final Region region = space.map(PAGE);
        final List<RecordedEvent> events = recorded("DrainWait", () -> {
            final Thread reader = reader(region);
            region.unmap();
            reader.join();
        });
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getString("holders")).contains("the reader");
    }

    @Test
    void growthMovesAndPartsMustBeTold() throws Exception {
        final Region region = space.map(MapRequest.anonymous(PAGE).growableTo(4 * PAGE));
        final List<RecordedEvent> grown = recorded("Grow", () -> region.grow(2 * PAGE));
        assertThat(grown).hasSize(1);
        assertThat(grown.getFirst().getLong("oldSize")).isEqualTo(PAGE);
        assertThat(grown.getFirst().getLong("newSize")).isEqualTo(2 * PAGE);

        final Region plain = space.map(2 * PAGE);
        final List<RecordedEvent> changes = recorded("Change", () -> plain.split(PAGE).getFirst().remap(64 * PAGE));
        assertThat(changes).extracting(event -> event.getString("operation")).containsExactly("split", "remap");
        assertThat(changes.getFirst().getInt("regions")).isEqualTo(2);
        assertThat(changes.getLast().getLong("newAddress")).isNotEqualTo(changes.getLast().getLong("address"));
        assertThat(changes.getLast().getInt("unmaps")).isEqualTo(1);
    }

    @Test
    void aSectionMustTellHowItEnded() throws Exception {
        final Region region = space.map(PAGE);
        final List<RecordedEvent> events = recorded("Section", () -> {
            try (WriteSection section = space.write()) {
                section.unmap(region);
                section.publish();
            }
            try (WriteSection section = space.write(0, PAGE)) {
                assertThat(section.isOpen()).isTrue();
            }
        });
        assertThat(events).extracting(event -> event.getString("outcome")).containsExactly("PUBLISHED", "OPEN");
        assertThat(events.getFirst().getInt("unmaps")).isEqualTo(1);
        assertThat(events.getFirst().getInt("excluded")).isEqualTo(1);
        assertThat(events.getLast().getLong("end")).isEqualTo(PAGE);
    }

    @Test
    void onlyAnExclusiveLockThatWaitedMustBeTold() throws Exception {
        final Region region = space.map(PAGE);
        final List<RecordedEvent> events = recorded("ExclusiveWait", () -> {
            region.exclusive().close();
            final Thread reader = reader(region);
            region.exclusive().close();
            reader.join();
        });
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getBoolean("granted")).isTrue();
        assertThat(events.getFirst().getLong("address")).isEqualTo(region.address());
    }

    @Test
    void aLongWaitMustBeToldWhileItLasts() throws Exception {
        final Region region = space.map(PAGE);
        final List<RecordedEvent> events = recorded("StalledWait", () -> {
            try (Guard guard = region.share()) {
                region.unmapAsync();
                while (space.pendingUnmaps().getFirst().waited().compareTo(Duration.ofMillis(2)) < 0) {
                    Thread.onSpinWait();
                }
                space.reclaimer().doWork();
                assertThat(guard.isHeld()).isTrue();
            }
            space.reclaimer().doWork();
        });
        assertThat(events).isNotEmpty();
        assertThat(events.getFirst().getString("holders")).contains("SHARED");
    }

    @Test
    void aFullBacklogMustBeTold() throws Exception {
        final Region large = space.map(8 * PAGE);
        final Region next = space.map(PAGE);
        final List<RecordedEvent> events = recorded("BacklogFull", () -> {
            large.unmapAsync();
            next.unmapAsync();
        });
        assertThat(events).hasSize(1);
        assertThat(events.getFirst().getLong("limit")).isEqualTo(4 * PAGE);
        assertThat(events.getFirst().getLong("backlog")).isGreaterThan(4 * PAGE);
        space.reclaimer().doWork();
    }

    @Test
    void whatTheKernelRefusesMustBeTold() throws Exception {
        final Path data = file("data", 5000);
        final Region mapped = space.map(FileBacking.readOnly(data));
        final List<RecordedEvent> refused = recorded("KernelRefusal", () -> {
            memory.arm(call -> call.kind() == NativeCall.MMAP, 1, 1, Errno.ENOMEM, Damage.NONE);
            assertThatThrownBy(() -> space.map(FileBacking.readOnly(data))).isInstanceOf(MappingException.class);
            memory.disarm();
        });
        assertThat(refused).hasSize(1);
        assertThat(refused.getFirst().getInt("errno")).isEqualTo(Errno.ENOMEM);

        final List<RecordedEvent> quarantined = recorded("Quarantine", () -> {
            memory.arm(call -> call.kind() == NativeCall.MMAP, 1, Integer.MAX_VALUE, Errno.ENOMEM, Damage.NONE);
            mapped.unmap();
            memory.disarm();
        });
        assertThat(quarantined).hasSize(1);
        assertThat(quarantined.getFirst().getBoolean("lost")).isFalse();
    }

    @Test
    void lowHeadroomAndLeaksMustBeTold() throws Exception {
        assertThat(recorded("HeadroomLow", () -> HeadroomLowEvent.tell("test", 65_000, 65_530, 1024, false)))
            .hasSize(1).allMatch(event -> event.getLong("limit") == 65_530);
        assertThat(recorded("Leak", EventTest::forget)).hasSize(1)
            .allMatch(event -> event.getString("what").equals("region, name=forgotten") &&
                event.getString("place").contains("EventTest.forget"));
    }

    private static void forget() {
        try (AddressSpace left = AddressSpace.builder().name("test").capacity(1 << 24).open()) {
            assertThat(left.map(MapRequest.anonymous(PAGE).named("forgotten")).isMapped()).isTrue();
        }
    }

    @Test
    void statisticsMustBeToldFromTimeToTime() throws Exception {
        space.map(PAGE);
        final List<RecordedEvent> events = new ArrayList<>();
        while (events.isEmpty()) { // until the space is known to the recorder, which is a thread's affair
            events.addAll(recorded("Statistics", () -> { }));
        }
        assertThat(events).allMatch(event -> event.getLong("regions") == 1 && event.getLong("mapped") == PAGE);
    }

    @Test
    void tellingMustFailNothing() throws Exception {
        final Object without = new Object() {
            @Override
            public String toString() {
                throw new OutOfMemoryError("no heap for it");
            }
        };
        assertThat(recorded("Map", () -> {
            final MapEvent event = MapEvent.begun();
            assertThatCode(() -> event.end("test", 0, 1, null, without)).doesNotThrowAnyException();
        })).isEmpty();
    }
}
