// SPDX-License-Identifier: Apache-2.0
package io.holdfast.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.layout.NodeLayout;
import io.holdfast.tree.TreeFixture.Entry;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Bad input: an exception that says what was wrong, and a tree that is as it was (G9, G10). */
class TreeMisuseTest {
    private static final long PAGE = 4096;
    private static final int MANY = 100;
    private static final List<Consumer<Edit>> OPERATIONS = List.of(edit -> edit.replace(0, PAGE),
        edit -> edit.replace(PAGE, 2 * PAGE, PAGE, 2 * PAGE, 1), Edit::publish);
    private static final List<Entry> CONTENTS = List.of(new Entry(0, PAGE, 1), new Entry(2 * PAGE, 3 * PAGE, 2));

    private final TreeFixture fixture = TreeFixture.with(TreeFixture.TINY.withGranule(PAGE));
    private final IntervalTree tree = fixture.tree;

    @BeforeEach
    void fill() {
        CONTENTS.forEach(entry -> tree.insert(entry.start(), entry.end(), entry.value()));
    }

    @AfterEach
    void treeMustBeUnchanged() {
        assertThat(fixture.entries()).isEqualTo(CONTENTS);
        fixture.checkNoNodeIsLost();
    }

    private static void assertRefused(final String message, final ThrowingCallable call) {
        assertThatIllegalArgumentException().isThrownBy(call).withMessageContaining(message);
    }

    @Test
    void emptyInvertedAndOverflowingIntervalsMustBeRefused() {
        assertRefused("start=4096, end=4096", () -> tree.insert(PAGE, PAGE, 1));
        assertRefused("start=8192, end=4096", () -> tree.insert(2 * PAGE, PAGE, 1));
        assertRefused("start=-4096", () -> tree.insert(-PAGE, PAGE, 1));
        assertRefused("end=" + (TreeFixture.SPACE + PAGE), () -> tree.insert(PAGE, TreeFixture.SPACE + PAGE, 1));
        assertRefused("not an interval", () -> tree.insert(PAGE, Long.MAX_VALUE, 1));
        assertRefused("not an interval", () -> tree.insert(Long.MAX_VALUE, Long.MIN_VALUE, 1));
        assertRefused("not an interval", () -> tree.replace(0, PAGE, 0, 0, 1));
        assertRefused("not an address", () -> tree.remove(-1));
        assertRefused("not an address", () -> tree.remove(NodeLayout.ADDRESS_LIMIT));
    }

    @Test
    void addressesThatAreNoneMustBeRefusedByEveryRemovalWhateverTheHeight() {
        for (int more = 0; more <= MANY; more += MANY) {
            for (int i = 0; i < more; i++) {
                tree.insert((4 + 2L * i) * PAGE, (5 + 2L * i) * PAGE, 7);
            }
            for (final long address : new long[] {Long.MIN_VALUE, -2, -1, NodeLayout.ADDRESS_LIMIT, Long.MAX_VALUE}) {
                assertRefused("not an address", () -> tree.remove(address));
                assertRefused("not an address", () -> tree.remove(address, 7));
            }
            for (int i = 0; i < more; i++) {
                assertThat(tree.remove((4 + 2L * i) * PAGE)).isEqualTo(7);
            }
        }
    }

    @Test
    void nothingMustComeBeforeTheFirstAddress() {
        final Interval into = new Interval();
        fixture.pinned(() -> {
            for (final long address : new long[] {Long.MIN_VALUE, -1, 0}) {
                assertThat(TreeReader.lastStartingBefore(tree.zoning().base().rootAcquire(), address, into))
                    .as("before " + address).isFalse();
            }
            assertThat(TreeReader.lastStartingBefore(tree.zoning().base().rootAcquire(), 1, into)).isTrue();
        });
    }

    @Test
    void misalignedIntervalsMustBeRefused() {
        assertRefused("misaligned: start=4097", () -> tree.insert(PAGE + 1, 2 * PAGE, 1));
        assertRefused("granule=4096", () -> tree.insert(PAGE, 2 * PAGE - 1, 1));
        assertRefused("misaligned", () -> tree.replace(0, 2 * PAGE, 0, PAGE + 8, 1));
        assertRefused("multiple of the granule", () -> tree.insertIntoGap(100, PAGE, 0, PAGE, true, 1));
        assertRefused("not below the granule", () -> tree.insertIntoGap(PAGE, 16, 0, PAGE, true, 1));
    }

    @Test
    void valueZeroMustBeRefused() {
        assertRefused("value must not be 0", () -> tree.insert(PAGE, 2 * PAGE, 0));
        assertRefused("value must not be 0", () -> tree.insertIntoGap(PAGE, PAGE, 0, PAGE, true, 0));
        assertRefused("value must not be 0", () -> tree.replace(0, PAGE, 0, PAGE, 0));
        assertRefused("value must not be 0", () -> tree.remove(0, 0));
    }

    @Test
    void impossibleGapsMustBeRefused() {
        assertRefused("size=0", () -> tree.insertIntoGap(0, PAGE, 0, PAGE, true, 1));
        assertRefused("size=-4096", () -> tree.insertIntoGap(-PAGE, PAGE, 0, PAGE, true, 1));
        assertRefused("alignment=12288", () -> tree.insertIntoGap(PAGE, 3 * PAGE, 0, PAGE, true, 1));
        assertRefused("bounds inverted", () -> tree.insertIntoGap(PAGE, PAGE, PAGE, 0, true, 1));
        assertThat(tree.insertIntoGap(TreeFixture.SPACE, PAGE, 0, Long.MAX_VALUE, true, 1)).isEqualTo(-1);
        assertThat(tree.insertIntoGap(PAGE, PAGE, 0, PAGE, true, 1)).isEqualTo(-1);
        assertThat(tree.insertIntoGap(PAGE, PAGE, Long.MAX_VALUE, Long.MAX_VALUE, false, 1)).isEqualTo(-1);
    }

    @Test
    void contradictoryReplacementsMustBeRefused() {
        assertRefused("start, end and value each", () -> tree.replace(0, PAGE, 0, PAGE));
        assertRefused("out of order", () -> tree.replace(0, 4 * PAGE, PAGE, 2 * PAGE, 1, 0, PAGE, 2));
        assertRefused("out of order", () -> tree.replace(0, 4 * PAGE, 0, 2 * PAGE, 1, PAGE, 3 * PAGE, 2));
        assertRefused("out of order or range", () -> tree.replace(0, PAGE, 0, 2 * PAGE, 1));
        assertRefused("not an interval", () -> tree.replace(PAGE, PAGE));
        try (Snapshot snapshot = tree.snapshot()) {
            assertRefused("range empty", () -> snapshot.forEach(1, 1, (start, end, value) -> true));
            assertRefused("range empty", () -> snapshot.forEach(5, 4, (start, end, value) -> true));
            assertRefused("range empty", () -> snapshot.forEach(-1, PAGE, (start, end, value) -> true));
        }
    }

    @Test
    void badBoundsAndTuningMustBeRefused() {
        assertRefused("bounds out of range", () -> TreeFixture.with(TreeFixture.TINY, 0));
        assertRefused("bounds out of range", () -> TreeFixture.with(TreeFixture.TINY, NodeLayout.ADDRESS_LIMIT + 1));
        assertRefused("bounds misaligned", () -> TreeFixture.with(TreeFixture.TINY.withGranule(PAGE), PAGE + 1));
        assertRefused("leaf capacity", () -> new TreeTuning(2, 3, 1, 1));
        assertRefused("inner capacity", () -> new TreeTuning(3, NodeLayout.INNER_CAPACITY + 1, 1, 1));
        assertRefused("power of two", () -> TreeFixture.TINY.withGranule(3));
        assertRefused("batch", () -> new TreeTuning(3, 3, 1, 0));
    }

    @Test
    void endedEditMustRefuseEverything() {
        final Edit dropped = tree.edit();
        assertThat(dropped.replace(0, PAGE)).isTrue();
        dropped.close();
        dropped.close();
        assertThatIllegalStateException().isThrownBy(dropped::publish)
            .withMessageContaining("operation=publish, state=DROPPED");
        assertThatIllegalStateException().isThrownBy(() -> dropped.replace(PAGE, 2 * PAGE))
            .withMessageContaining("operation=replace");
        final Edit published = tree.edit();
        assertThat(published.publish()).isTrue();
        assertThatIllegalStateException().isThrownBy(published::publish).withMessageContaining("state=PUBLISHED");
        published.close();
        for (final Edit ended : List.of(dropped, published)) {
            for (final Consumer<Edit> operation : OPERATIONS) {
                assertThatIllegalStateException().isThrownBy(() -> operation.accept(ended))
                    .withMessageContaining("edit has ended").withMessageContaining("begin another");
            }
        }
    }

    @Test
    void refusedEditMustRefuseEverything() {
        try (Edit edit = tree.edit()) {
            assertThat(edit.replace(0, PAGE)).isTrue();
            assertThat(tree.replace(0, PAGE, 0, PAGE, 3)).isTrue();
            assertThat(edit.publish()).isFalse();
            for (final Consumer<Edit> operation : OPERATIONS) {
                assertThatIllegalStateException().isThrownBy(() -> operation.accept(edit))
                    .withMessageContaining("state=REFUSED");
            }
        }
        assertThat(tree.replace(0, PAGE, 0, PAGE, 1)).isTrue();
    }

    @Test
    void editMustRefuseBadInputAndStayUsable() {
        try (Edit edit = tree.edit()) {
            assertRefused("misaligned", () -> edit.replace(PAGE, 2 * PAGE + 1));
            assertRefused("misaligned", () -> edit.replace(PAGE, 2 * PAGE, PAGE, 2 * PAGE - 1, 1));
            assertRefused("value", () -> edit.replace(PAGE, 2 * PAGE, PAGE, 2 * PAGE, 0));
            assertRefused("not an interval", () -> edit.replace(PAGE, PAGE));
            assertRefused("start, end and value each", () -> edit.replace(0, PAGE, 0, PAGE));
            assertThat(edit.replace(PAGE, 2 * PAGE, PAGE, 2 * PAGE, 3)).isTrue();
            assertThat(edit.replace(PAGE, 2 * PAGE)).isTrue();
            assertThat(edit.publish()).isTrue();
        }
    }

    @Test
    void editAndSnapshotMustRefuseOtherThreads() throws InterruptedException {
        try (Edit edit = tree.edit(); Snapshot snapshot = tree.snapshot()) {
            final AtomicReference<Throwable> byEdit = new AtomicReference<>();
            final AtomicReference<Throwable> bySnapshot = new AtomicReference<>();
            final Thread other = new Thread(() -> {
                byEdit.set(thrownBy(edit::publish));
                bySnapshot.set(thrownBy(snapshot::close));
            });
            other.start();
            other.join();
            assertThat(byEdit.get()).isInstanceOf(WrongThreadException.class).hasMessageContaining("operation=publish");
            assertThat(bySnapshot.get()).isInstanceOf(WrongThreadException.class).hasMessageContaining("owner=");
        }
        assertThat(fixture.domain.isStructurePinned()).isFalse();
    }

    private static Throwable thrownBy(final Runnable action) {
        try {
            action.run();
            return new AssertionError("nothing was thrown");
        } catch (final RuntimeException e) {
            return e;
        }
    }

    @Test
    void closedSnapshotMustRefuseEverything() {
        final Snapshot snapshot = tree.snapshot();
        assertRefused("range empty", () -> snapshot.forEach(PAGE, 0, (start, end, value) -> true));
        snapshot.close();
        snapshot.close();
        for (final Consumer<Snapshot> question : List.<Consumer<Snapshot>>of(closed -> closed.find(0),
            Snapshot::isCurrent, closed -> closed.forEach(0, PAGE, (start, end, value) -> true))) {
            assertThatIllegalStateException().isThrownBy(() -> question.accept(snapshot)).withMessageContaining("closed");
        }
    }

    @Test
    void readWithoutAPinMustFailAnAssertion() {
        assertThatThrownBy(() -> tree.find(0)).isInstanceOf(AssertionError.class).hasMessageContaining("without a pin");
        assertThatThrownBy(() -> tree.cursor().next()).isInstanceOf(AssertionError.class);
    }
}
