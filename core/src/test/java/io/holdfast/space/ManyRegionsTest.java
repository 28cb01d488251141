// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Much of everything: regions one after another, at a time, far apart, in the largest space there is (G9). */
class ManyRegionsTest extends SpaceFixture {
    private static final int CYCLES = 100_000;
    private static final long GIB = 1L << 30;

    @Test
    void mappingsOfTheKernelMustReturnToTheirNumberAfterManyCycles() {
        final FileBacking backing = FileBacking.readWrite(file("data", 5000));
        for (int i = 0; i < 5; i++) {
            cycle(i, backing);
        }
        final Resources before = Resources.of(space, directory);
        for (int i = 0; i < CYCLES; i++) {
            cycle(i, backing);
        }
        before.assertUnchanged(space, directory);
        assertThat(space.statistics().unmaps()).isEqualTo(CYCLES + 5);
    }

    private void cycle(final int number, final FileBacking backing) {
        final Region region = switch (number % 5) {
            case 0 -> space.map(1 + number % 70_000L);
            case 1 -> space.map(backing);
            case 2 -> space.map(MapRequest.anonymous(1).growableTo(64 * PAGE));
            case 3 -> space.map(MapRequest.file(backing).at(GIB));
            default -> space.map(MapRequest.anonymous(PAGE).alignedTo(1 << 20));
        };
        if (number % 5 == 2) {
            region.grow(3 * PAGE);
        }
        region.unmap();
    }

    @Test
    void anEightGiBFileMustBeMappedAsAWholeAndInPartsAndOutliveItsName() throws IOException {
        final Path path = sparse("large", 8 * GIB);
        try (AddressSpace large = AddressSpace.builder().capacity(32 * GIB).idleStrategy(idle).open()) {
            final Region whole = large.map(FileBacking.readWrite(path));
            final List<Region> parts = new ArrayList<>();
            for (final long offset : new long[] {2 * GIB - 3, 4 * GIB + 1, 8 * GIB - 4096 - 8}) {
                put(whole, offset, offset);
                parts.add(large.map(FileBacking.readWrite(path).range(offset, 8 * GIB - offset)));
            }
            Files.delete(path);
            for (final Region part : parts) {
                final long offset = 8 * GIB - part.size();
                assertThat(get(part, 0)).isEqualTo(offset);
                put(part, 0, offset + 1);
                assertThat(get(whole, offset)).isEqualTo(offset + 1);
                part.unmap();
            }
            assertThat(whole.size()).isEqualTo(8 * GIB);
            assertThat(get(whole, 8 * GIB - 8)).isZero();
            whole.unmap();
        }
    }

    /** In a virtual machine of its own, without debug mode, which would note where each was mapped. */
    @Test
    void aMillionRegionsMustNeedFewMappingsOfTheKernelAndLittleHeapAlsoToClose() throws Exception {
        final Children.Outcome outcome = Children.run(MillionRegionsProgram.class, List.of("-da", "-Xmx24m"));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output()).contains("1000000 regions", "closed with 0 regions");
    }

    @ParameterizedTest
    @ValueSource(strings = {"-XX:+UseG1GC", "-XX:+UseZGC"})
    void theLargestSpaceMustBeGrantedUnderEveryCollector(final String collector) throws Exception {
        final Children.Outcome outcome = Children.run(LargestSpaceProgram.class, List.of(collector));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        assertThat(outcome.output()).contains("mapped in " + LargestSpaceProgram.CAPACITY);
    }
}
