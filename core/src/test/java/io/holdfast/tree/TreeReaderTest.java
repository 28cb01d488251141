// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.holdfast.layout.NodeLayout;
import io.holdfast.tree.TreeFixture.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.attribute.CodeAttribute;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Searches in nodes of the size that is shipped. */
class TreeReaderTest {
    /** HotSpot inlines no method that is longer than this (FreqInlineSize), however often it is called. */
    private static final int LONGEST_INLINED = 325;

    @Test
    void findMustBeTooLongToBeInlined() throws IOException {
        try (InputStream in = TreeReader.class.getResourceAsStream("TreeReader.class")) {
            assertThat(in).isNotNull();
            final int length = ClassFile.of().parse(in.readAllBytes()).methods().stream()
                .filter(method -> method.methodName().equalsString("find"))
                .mapToInt(method -> ((CodeAttribute) method.code().orElseThrow()).codeLength())
                .sum();
            assertThat(length).isGreaterThan(LONGEST_INLINED);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 6, 7, 8, 9, 15, 16, 17, 46, 47, 48, 49, 62, 63, 64, 65, 1_000, 40_000})
    void everySearchMustAgreeWithTheModelAtEveryEdge(final int intervals) {
        final TreeFixture fixture = TreeFixture.with(TreeTuning.DEFAULT, NodeLayout.ADDRESS_LIMIT);
        final TreeMap<Long, Entry> model = new TreeMap<>();
        final long seed = intervals;
        final Random random = new Random(seed);
        while (model.size() < intervals) {
            final long start = random.nextLong(NodeLayout.ADDRESS_LIMIT - 10) & -16L;
            final Entry entry = new Entry(start, start + 1 + random.nextInt(10), model.size() + 1);
            if (model.putIfAbsent(start, entry) == null) {
                assertThat(fixture.tree.insert(start, entry.end(), entry.value())).isTrue();
            }
        }
        fixture.check();
        fixture.pinned(() -> {
            for (final Entry entry : model.values()) {
                agree(fixture.tree, model, entry.start() - 1);
                agree(fixture.tree, model, entry.start());
                agree(fixture.tree, model, entry.end() - 1);
                agree(fixture.tree, model, entry.end());
            }
            agree(fixture.tree, model, 0);
            agree(fixture.tree, model, NodeLayout.ADDRESS_LIMIT - 1);
        });
    }

    private static void agree(final IntervalTree tree, final TreeMap<Long, Entry> model, final long address) {
        final Map.Entry<Long, Entry> floor = model.floorEntry(address);
        final boolean contained = floor != null && address < floor.getValue().end();
        assertThat(tree.find(address)).as("find %d", address).isEqualTo(contained ? floor.getValue().value() : 0);
        final Interval interval = new Interval();
        assertThat(TreeReader.floor(tree.zoning().base().rootAcquire(), address, interval) ? Entry.of(interval) : null)
            .as("floor %d", address)
            .isEqualTo(floor == null ? null : floor.getValue());
        final Map.Entry<Long, Entry> higher = model.higherEntry(address);
        assertThat(TreeReader.higher(tree.zoning().base().rootAcquire(), address, interval) ? Entry.of(interval) : null)
            .as("next %d", address)
            .isEqualTo(higher == null ? null : higher.getValue());
    }
}
