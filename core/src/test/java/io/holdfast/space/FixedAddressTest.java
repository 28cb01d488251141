// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Region;
import io.holdfast.WriteSection;
import io.holdfast.memory.Errno;
import io.holdfast.memory.FaultInjectingMemory.Damage;
import io.holdfast.memory.FaultInjectingMemory;
import io.holdfast.memory.NativeCall;
import io.holdfast.memory.NativeMemory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A fixed address where something is: refused, whatever is there and whatever comes, and nothing is replaced. */
class FixedAddressTest extends SpaceFixture {
    private static final long AT = 64 * PAGE;
    private static final long PAGES = 8;
    private static final int LENGTH = (int) (PAGES * PAGE);

    private final FaultInjectingMemory memory = new FaultInjectingMemory(NativeMemory.system());

    @Override
    AddressSpace.Builder configure(final AddressSpace.Builder builder) {
        return inside(builder).memory(memory).startReclaimer(false);
    }

    /** What has the addresses. */
    enum Owner { MEMORY, LOCKED_MEMORY, FILE, PRIVATE_FILE, TAIL_OF_MEMORY, TAIL_OF_FILE, QUARANTINE }

    static Stream<Arguments> cases() {
        final List<Function<Path, MapRequest>> requests = List.of(path -> MapRequest.anonymous(PAGE),
            path -> MapRequest.anonymous(2 * PAGE).locked().populated(),
            path -> MapRequest.anonymous(PAGE).growableTo(2 * PAGE),
            path -> MapRequest.file(FileBacking.readOnly(path).range(0, PAGE)),
            path -> MapRequest.file(FileBacking.readWrite(path).range(PAGE, 2 * PAGE)).populated(),
            path -> MapRequest.file(FileBacking.readWrite(path).range(0, PAGE).growableTo(4 * PAGE)),
            path -> MapRequest.file(FileBacking.copyOnWrite(path).range(PAGE, PAGE)));
        return Arrays.stream(Owner.values())
            .flatMap(owner -> requests.stream().map(request -> Arguments.of(owner, request.apply(Path.of("x")), request)));
    }

    private Region occupy(final Owner owner) {
        final Path path = file("owner", LENGTH);
        final MapRequest request = switch (owner) {
            case MEMORY -> MapRequest.anonymous(LENGTH);
            case LOCKED_MEMORY -> MapRequest.anonymous(LENGTH).locked();
            case FILE -> MapRequest.file(FileBacking.readWrite(path));
            case PRIVATE_FILE, QUARANTINE -> MapRequest.file(FileBacking.copyOnWrite(path));
            case TAIL_OF_MEMORY -> MapRequest.anonymous(PAGE + 10).growableTo(LENGTH);
            case TAIL_OF_FILE -> MapRequest.file(FileBacking.readWrite(path).range(0, PAGE + 10).growableTo(LENGTH));
        };
        final Region region = space.map(request.at(AT));
        put(region, 8, 42);
        if (owner == Owner.QUARANTINE) {
            final long first = inside(space).base() + AT;
            memory.arm(call -> call.kind() == NativeCall.MMAP && call.address() == first, 1, 1, Errno.ENOMEM,
                Damage.NONE);
            region.unmap();
            memory.disarm();
            assertThat(space.statistics().quarantinedBytes()).isEqualTo(LENGTH);
        }
        return region;
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("cases")
    void takenAddressesMustBeRefusedAndKeepWhatTheyShow(final Owner owner, final MapRequest shown,
                                                        final Function<Path, MapRequest> request) {
        assertThat(shown).isNotNull();
        final Path path = file("comer", LENGTH);
        final Region region = occupy(owner);
        final SpacePicture before = SpacePicture.of(space, directory);
        // At its beginning, inside, across its end, and from before it.
        for (final long page : new long[] {0, 3, PAGES - 1}) {
            assertRefused(request.apply(path).at(AT + page * PAGE), before);
        }
        assertRefused(MapRequest.anonymous(4 * PAGE).at(AT - 2 * PAGE), before);
        assertRefused(MapRequest.file(FileBacking.readOnly(path).range(10, 4 * PAGE)).at(AT - 2 * PAGE + 10), before);
        if (owner == Owner.QUARANTINE) {
            inside(space).core().quarantine().retry();
            assertThat(space.statistics().quarantinedBytes()).isZero();
        } else {
            useAndUnmap(owner, region);
        }
        final Region next = space.map(request.apply(path).at(AT + 3 * PAGE));
        assertThat(next.address()).isEqualTo(AT + 3 * PAGE);
        next.unmap();
    }

    private void assertRefused(final MapRequest request, final SpacePicture before) {
        assertThatThrownBy(() -> space.map(request)).as("map of %s", request).isInstanceOf(MappingException.class)
            .hasMessageContainingAll("map failed: addresses are taken", "address=" + request.address(),
                "unmap what is there");
        assertThatThrownBy(() -> space.tryMap(request)).as("tryMap of %s", request).isInstanceOf(MappingException.class)
            .hasMessageContaining("addresses are taken");
        assertThatThrownBy(() -> {
            try (WriteSection section = space.write()) {
                section.map(request);
            }
        }).as("map of %s in a section", request).isInstanceOf(MappingException.class)
            .hasMessageContaining("addresses are taken");
        assertThat(SpacePicture.of(space, directory)).as("after %s", request).isEqualTo(before);
    }

    private static void useAndUnmap(final Owner owner, final Region region) {
        assertThat(get(region, 8)).isEqualTo(42);
        if (owner == Owner.TAIL_OF_MEMORY || owner == Owner.TAIL_OF_FILE) {
            region.grow(LENGTH);
            put(region, LENGTH - 8, 43);
            assertThat(get(region, LENGTH - 8)).isEqualTo(43);
        }
        region.unmap();
    }

    /** Of a region that has been unmapped, as long as somebody is inside. */
    @Test
    void addressesThatAreStillReadMustBeRefused() throws Exception {
        final Path path = file("comer", LENGTH);
        final Region region = occupy(Owner.FILE);
        final CompletableFuture<Void> given;
        try (Threads.Holder reader = Threads.hold(region::share)) {
            assertThat(reader.thread().isAlive()).isTrue();
            given = region.unmapAsync().toCompletableFuture();
            assertThat(space.reclaimer().doWork()).isZero();
            for (final MapRequest request : List.of(MapRequest.anonymous(PAGE),
                MapRequest.file(FileBacking.readWrite(path)))) {
                assertThatThrownBy(() -> space.map(request.at(AT))).isInstanceOf(MappingException.class)
                    .hasMessageContaining("addresses are taken");
            }
            assertThat(given.isDone()).isFalse();
            assertThat(region.optimisticSegment().get(JAVA_LONG, 8)).isEqualTo(42);
        }
        while (!given.isDone()) {
            space.reclaimer().doWork();
        }
        final Region next = space.map(MapRequest.anonymous(PAGE).at(AT));
        assertThat(get(next, 8)).isZero();
        next.unmap();
    }
}
