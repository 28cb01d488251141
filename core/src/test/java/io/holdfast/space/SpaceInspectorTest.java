// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static io.holdfast.space.Inside.inside;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.FileBacking;
import io.holdfast.Hold;
import io.holdfast.Region;
import io.holdfast.layout.Behind;
import io.holdfast.layout.NodeLayout;
import io.holdfast.layout.RecordLayout;
import io.holdfast.layout.SlotLayout;
import io.holdfast.layout.Words;
import io.holdfast.lock.RangeLock;
import io.holdfast.memory.NativeMemory;
import io.holdfast.tree.NodeShortage;
import io.holdfast.tree.TreeInspector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Each invariant is one that {@link SpaceInspector} sees broken: a word of a healthy space is damaged, the inspector says
 * so, the word is put back, and it says nothing (G9: what an operation may leave, nothing else).
 */
class SpaceInspectorTest extends SpaceFixture {
    private static final int REGIONS = 200; // more than a leaf has
    private static final long LINK = (1L << 46) - 1;

    private final List<Region> regions = new ArrayList<>();
    private Region file;

    @BeforeEach
    void populate() {
        for (int i = 0; i < REGIONS; i++) {
            regions.add(space.map(PAGE * (1 + i % 3)));
        }
        file = space.map(FileBacking.readOnly(file("a", (int) (3 * PAGE))));
        for (int i = 0; i < REGIONS; i += 7) {
            regions.get(i).unmap();
        }
        SpaceInspector.check(space);
    }

    private long root() {
        return TreeInspector.root(core().tree());
    }

    private SpaceResources core() {
        return inside(space).core();
    }

    private long record() {
        return inside(regions.get(1)).record();
    }

    private long leaf() {
        return NodeLayout.child(NodeLayout.rootNode(root()), 0);
    }

    private long mySlot() {
        regions.get(1).share().close();
        return core().domain().slot();
    }

    /** The damaged word of native memory must be seen, and only while it is damaged. */
    private void assertSeen(final String what, final long address, final long damaged) {
        final long healthy = Words.get(address);
        assertSeen(what, () -> Words.put(address, damaged), () -> Words.put(address, healthy));
    }

    private void assertSeen(final String what, final Runnable damage, final Runnable repair) {
        damage.run();
        try {
            assertThatThrownBy(() -> SpaceInspector.inspectNow(space)).as(what).isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(what);
        } finally {
            repair.run();
        }
        assertThatCode(() -> SpaceInspector.inspectNow(space)).as("repaired: " + what).doesNotThrowAnyException();
    }

    @Test
    void everyTestThatOpensASpaceMustBeInspected() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/test/java"))) {
            for (final Path file : files.filter(path -> path.toString().endsWith("Test.java")).toList()) {
                final String source = Files.readString(file);
                assertThat(!source.contains("AddressSpace.builder()") || source.contains("extends SpaceFixture") ||
                    source.contains("@ExtendWith(InspectedSpaces.class)")).as("%s is inspected", file).isTrue();
            }
        }
    }

    @Test
    void damageOfTheTreeMustBeSeen() {
        final long inner = NodeLayout.rootNode(root());
        assertSeen("tree is damaged: gap is wrong", () -> NodeLayout.gap(inner, 1, NodeLayout.gap(inner, 1) + PAGE),
            () -> NodeLayout.gap(inner, 1, NodeLayout.gap(inner, 1) - PAGE));
        assertSeen("tree is damaged: end is wrong", () -> NodeLayout.last(inner, 1, NodeLayout.last(inner, 1) - PAGE),
            () -> NodeLayout.last(inner, 1, NodeLayout.last(inner, 1) + PAGE));
        assertSeen("tree is damaged: key is not exact", () -> NodeLayout.key(inner, 1, NodeLayout.key(inner, 1) - PAGE),
            () -> NodeLayout.key(inner, 1, NodeLayout.key(inner, 1) + PAGE));
        final long child = NodeLayout.child(inner, 1);
        assertSeen("tree is damaged: node reached twice", () -> {
            NodeLayout.child(inner, 1, NodeLayout.child(inner, 0));
            NodeLayout.key(inner, 1, NodeLayout.start(NodeLayout.child(inner, 0), 1));
            NodeLayout.last(inner, 1, NodeLayout.last(inner, 0));
            NodeLayout.gap(inner, 1, NodeLayout.gap(inner, 0));
        }, repairOf(inner));
        assertSeen("tree is damaged: wrong level", child, Words.get(child) | 1L << 48);
        assertSeen("tree is damaged: published node is owned", child, Words.get(child) | 1L << 46);
        assertSeen("tree is damaged", () -> NodeLayout.count(child, NodeLayout.count(child) - 1),
            () -> NodeLayout.count(child, NodeLayout.count(child) + 1));
    }

    private static Runnable repairOf(final long node) {
        final long[] words = new long[NodeLayout.BYTES / Words.BYTES];
        for (int i = 0; i < words.length; i++) {
            words[i] = Words.get(node + (long) i * Words.BYTES);
        }
        return () -> {
            for (int i = 0; i < words.length; i++) {
                Words.put(node + (long) i * Words.BYTES, words[i]);
            }
        };
    }

    @Test
    void entriesThatFallOrOverlapMustBeSeen() {
        final long leaf = leaf();
        final long start = NodeLayout.start(leaf, 2);
        final long end = NodeLayout.end(leaf, 2);
        final long value = NodeLayout.value(leaf, 2);
        final Runnable repair = () -> NodeLayout.entry(leaf, 2, start, end, value);
        assertSeen("entries overlap or fall", () -> NodeLayout.entry(leaf, 2, start - PAGE, end, value), repair);
        assertSeen("entry is no interval", () -> NodeLayout.entry(leaf, 2, start, start, value), repair);
        assertSeen("entry without a value", () -> NodeLayout.entry(leaf, 2, start, end, 0), repair);
        assertSeen("a record is in the tree twice",
            () -> NodeLayout.entry(leaf, 2, start, end, NodeLayout.value(leaf, 1)), repair);
        assertSeen("the tree shows what is no record",
            () -> NodeLayout.entry(leaf, 2, start, end, value + Words.BYTES), repair);
    }

    @Test
    void lostAndForgottenNodesMustBeSeen() {
        assertThatCode(() -> SpaceInspector.inspectNow(space)).doesNotThrowAnyException();
        final NodeShortage shortage = new NodeShortage(core().tree(), core().domain());
        shortage.keep(1);
        assertThatThrownBy(() -> SpaceInspector.inspectNow(space)).hasMessageContaining("tree nodes are lost");
        shortage.giveAllBack();
    }

    @Test
    void damageOfARecordMustBeSeen() {
        final long record = record();
        final long lock = RecordLayout.lockAcquire(record);
        assertSeen("the tree shows a record that is not attached", record, lock & ~RecordLayout.ATTACHED);
        assertSeen("an attached record is not open", record, lock | RecordLayout.EXCLUDING);
        assertSeen("an attached record is not open", record, lock + RecordLayout.COUNT_UNIT);
        assertSeen("an open record has an odd sequence", record + 8, RecordLayout.sequence(record) + 1);
        assertSeen("an incarnation is not of this life", record + 16, RecordLayout.incarnation(record) + 2 * PAGE);
        assertSeen("a record has other addresses than the tree", record + 40, Words.get(record + 40) + 1);
        assertSeen("a region's bytes are not within its addresses", record + 32, 100 * PAGE);
        assertSeen("a region's bytes are not within its addresses", record + 24, Words.get(record + 24) + PAGE);
        assertSeen("a region is marked as changing", record + 24, Words.get(record + 24) | PageFlags.IN_CHANGE << 56);
        assertSeen("a life begins after now", record + 48, Long.MAX_VALUE);
        assertSeen("the beginning of a life was never stamped", record + 48, Long.MIN_VALUE);
        assertSeen("an attached record has ended", record + 56, 1);
    }

    @Test
    void recordsThatAreLostOrFreeAndUsedMustBeSeen() {
        final long lost = core().records().allocate();
        assertThatThrownBy(() -> SpaceInspector.inspectNow(space)).hasMessageContaining("a record is lost");
        core().records().free(lost);
        assertSeen("a free record is locked", lost, RecordLayout.EXCLUDING);
        assertSeen("an attached record is not in the tree", lost, RecordLayout.ATTACHED);
        assertSeen("a free record's link leads nowhere", lost + 56, LINK & 0xFFF_FFFF);
        final long record = record();
        final long links = Words.get(record + 56);
        core().records().free(record);
        assertThatThrownBy(() -> SpaceInspector.inspectNow(space)).hasMessageContaining("a free record is in the tree");
        assertThatCode(() -> core().records().allocate()).doesNotThrowAnyException();
        Words.put(record + 56, links);
        SpaceInspector.inspectNow(space);
    }

    @Test
    void anythingThatIsLeftInASlotMustBeSeen() {
        final long slot = mySlot();
        for (int i = 0; i < SlotLayout.HAZARDS; i++) {
            final int hazard = i;
            assertSeen("hazard " + i + " is left", () -> SlotLayout.hazardOpaque(slot, hazard, record()),
                () -> SlotLayout.hazardRelease(slot, hazard));
        }
        assertSeen("a pin is left", () -> SlotLayout.pinOpaque(slot, 1), () -> SlotLayout.pinRelease(slot, 0));
        assertSeen("a structure pin is left", () -> SlotLayout.structureOpaque(slot, 1),
            () -> SlotLayout.structureRelease(slot));
        assertSeen("MORE is left", slot + 32, 2);
        assertSeen("an announced range is left", () -> SlotLayout.announceRange(slot, 0, PAGE),
            () -> SlotLayout.clearRange(slot));
        assertSeen("a nested pin is left", () -> SlotLayout.depth(slot, 1), () -> SlotLayout.depth(slot, 0));
        assertSeen("a nested structure pin is left", () -> SlotLayout.structureDepth(slot, 1),
            () -> SlotLayout.structureDepth(slot, 0));
        assertSeen("an exclusive lock is left", () -> SlotLayout.writesOpaque(slot, 1),
            () -> SlotLayout.writesOpaque(slot, 0));
    }

    @Test
    void miscountedLightThreadsMustBeSeen() {
        final AtomicInteger lights = (AtomicInteger) Behind.field(Behind.field(core().domain(), "slots"), "lights");
        assertSeen("light threads are miscounted", lights::incrementAndGet, lights::decrementAndGet);
    }

    @Test
    void sectionsThatAreLeftMustBeSeen() {
        final RangeLock ranges = inside(space).gate().ranges();
        final RangeLock.Entry entry = ranges.tryAcquire(0, PAGE, RangeLock.Mode.READ, inside(space).waiting(0, false));
        assertThatThrownBy(() -> SpaceInspector.inspectNow(space)).hasMessageContaining("a section is left");
        ranges.release(entry);
    }

    @Test
    void wrongCountsMustBeSeen() {
        final RegionRegistry registry = inside(space).registry();
        final StripedLimit bytes = (StripedLimit) Behind.field(registry, "bytes");
        assertSeen("regions are miscounted", () -> registry.accountRegions(0, 1, "test"),
            () -> registry.unaccountRegions(1));
        assertSeen("bytes are miscounted", () -> bytes.takeBeyond(1), () -> bytes.giveBack(1));
        final AtomicLong backlog = (AtomicLong) Behind.field(inside(space).unmapper().reclaimer(), "backlog");
        assertSeen("unmaps are miscounted", backlog::incrementAndGet, backlog::decrementAndGet);
    }

    @Test
    void pagesThatTheKernelShowsOtherwiseMustBeSeen() {
        final NativeMemory kernel = NativeMemory.system();
        final long base = core().reservation().base();
        final long memory = base + regions.get(1).address();
        assertSeen("pages are no memory", () -> kernel.mprotect(memory, PAGE, NativeMemory.PROT_READ),
            () -> kernel.mprotect(memory, PAGE, NativeMemory.PROT_READ | NativeMemory.PROT_WRITE));
        final long free = base + core().reservation().mappedLimit() - PAGE;
        assertSeen("pages are not their zone's background", () -> kernel.mprotect(free, PAGE, NativeMemory.PROT_READ),
            () -> kernel.mprotect(free, PAGE, NativeMemory.PROT_READ | NativeMemory.PROT_WRITE));
        final long pages = base + file.address();
        assertSeen("pages are not the file's", () -> kernel.mprotect(pages, PAGE, NativeMemory.PROT_NONE),
            () -> kernel.mprotect(pages, PAGE, NativeMemory.PROT_READ));
    }

    @Test
    void pagesOfAnotherPartOfTheFileMustBeSeen() {
        final RecordKey record = new RecordKey(inside(file).record());
        final RecordKey gone = new RecordKey(1);
        final FileShare is = inside(space).registry().files().get(record);
        final FileRegion shown = is.region();
        final FileShare other = new FileShare(new FileRegion(shown.file(), shown.path(), shown.access(),
            shown.fileOffset() + PAGE, shown.lead(), shown.maximum()), file.size());
        assertSeen("does not claim what it shows", () -> inside(space).registry().files().put(record, other),
            () -> inside(space).registry().files().put(record, is));
        assertSeen("pages are not the file's", () -> inside(space).registry().files().put(record, other),
            () -> inside(space).registry().files().put(record, is));
        assertSeen("a file is kept for a region that is gone", () -> inside(space).registry().files().put(gone, is),
            () -> inside(space).registry().files().remove(gone));
        assertSeen("a region of a file is one of memory", () -> inside(space).registry().files().remove(record),
            () -> inside(space).registry().files().put(record, is));
    }

    @Test
    void aRegionThatAParkedSpaceStillHasMustBeSeen() {
        assertThatThrownBy(() -> SpaceInspector.inspectNow(core())).hasMessageContaining("a parked space has regions");
    }

    @Test
    void unmapsInTheBackgroundMustNotBeTakenForDamage() {
        final Region region = space.map(PAGE);
        try (Hold hold = region.hold()) {
            region.unmapAsync();
            assertThatCode(() -> SpaceInspector.inspectNow(space)).doesNotThrowAnyException();
            assertThat(hold.region().address()).isEqualTo(region.address());
        }
    }
}
