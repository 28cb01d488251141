// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.Advice;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.MappingException;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.memory.HugePages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Explicit huge pages on a machine that has some, which this test sets aside for itself where it may. */
class HugePagesTest extends SpaceFixture {
    private static final Path NUMBER = Path.of("/proc/sys/vm/nr_hugepages");
    private static final Path INFO = Path.of("/proc/meminfo");
    private static final int NEEDED = 4;

    private String before;

    @BeforeEach
    void setSomeAside() throws IOException {
        assumeTrue(Files.isWritable(NUMBER), "huge pages cannot be set aside by this user");
        final String number = Files.readString(NUMBER).strip();
        try {
            Files.writeString(NUMBER, Integer.toString(Integer.parseInt(number) + NEEDED));
        } catch (final IOException readOnly) {
            assumeTrue(false, "huge pages cannot be set aside in this container");
        }
        before = number;
        assumeTrue(free() >= NEEDED, "the system has no memory for huge pages");
    }

    @AfterEach
    void giveThemBack() throws IOException {
        if (before != null) {
            space.close();
            Files.writeString(NUMBER, before);
        }
    }

    private static long free() throws IOException {
        return Files.readAllLines(INFO).stream().filter(line -> line.startsWith("HugePages_Free:"))
            .mapToLong(line -> Long.parseLong(line.substring("HugePages_Free:".length()).strip())).sum();
    }

    @Test
    void explicitHugePagesMustBeMappedSplitAndGivenBack() throws IOException {
        final long page = HugePages.defaultSize();
        final long free = free();
        for (int round = 0; round < 3; round++) {
            final Region region = space.map(MapRequest.anonymous(2 * page).hugePages());
            assertThat(region.address() % page).isZero();
            assertThat(AnonymousRegionTest.isFilled(region, (byte) 0)).isTrue();
            AnonymousRegionTest.fill(region, (byte) 5);
            assertThat(free()).isEqualTo(free - 2);
            assertThatThrownBy(() -> region.split(page / 2)).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("page=" + page);
            final List<Region> halves = region.split(page);
            halves.getFirst().unmap();
            assertThat(free()).isEqualTo(free - 1);
            assertThat(AnonymousRegionTest.isFilled(halves.getLast(), (byte) 5)).isTrue();
            halves.getLast().unmap();
            assertThat(free()).isEqualTo(free);
        }
    }

    @Test
    void partsOfHugePagesMustBeDroppedAdvisedAndProtectedByWholeOnesOrByHand() {
        final long page = HugePages.defaultSize();
        final long size = page + 100;
        final Region region = space.map(MapRequest.anonymous(size).hugePages());
        AnonymousRegionTest.fill(region, (byte) 5);
        region.discard(50, page - 50);
        region.discard(page, 10);
        try (Guard guard = region.share()) {
            for (final long at : new long[] {50, PAGE, page - 1, page, page + 9}) {
                assertThat(guard.segment().get(JAVA_BYTE, at)).as("byte " + at).isZero();
            }
            for (final long at : new long[] {0, 49, page + 10, size - 1}) {
                assertThat(guard.segment().get(JAVA_BYTE, at)).as("byte " + at).isEqualTo((byte) 5);
            }
        }
        region.discard(0, size);
        assertThat(AnonymousRegionTest.isFilled(region, (byte) 0)).isTrue();
        region.advise(page / 2, page / 2 + 50, Advice.RANDOM);
        region.populate();
        final Region constant = region.protect(Protection.READ_ONLY);
        assertThat(constant.isWritable()).isFalse();
        assertThat(constant.residentBytes()).isPositive();
        final Region writable = constant.protect(Protection.READ_WRITE);
        put(writable, page + 8, 7);
        assertThat(get(writable, page + 8)).isEqualTo(7);
        writable.unmap();
    }

    @Test
    void morePagesThanThereAreMustBeRefusedWithTheRemedy() throws IOException {
        final long size = (free() + 1) * HugePages.defaultSize();
        assertThatThrownBy(() -> space.map(MapRequest.anonymous(size).hugePages()))
            .isInstanceOf(MappingException.class).hasMessageContaining("vm.nr_hugepages");
        assertThat(free()).isGreaterThanOrEqualTo(NEEDED);
    }
}
