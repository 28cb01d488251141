// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.holdfast.FileBacking;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.RegionException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What becomes of a region, and what is refused; without memory. */
class ReshapeTest {
    private static final long PAGE = 4096;
    private static final long START = 32 * PAGE;
    private static final long LEAD = 100;
    private static final long SIZE = 8 * PAGE;

    private static long anonymous() {
        return PageFlags.anonymous(MapRequest.anonymous(SIZE));
    }

    private static Extent extent(final long start, final long limit, final long lead, final long size, final long kind) {
        return new Extent(start, limit, lead, size, kind, null, "name");
    }

    private static Extent whole() {
        return extent(START, START + SIZE, 0, SIZE, anonymous());
    }

    /** Begins within a page and ends within one; there is room to grow behind it. */
    private static Extent ragged() {
        final long kind = PageFlags.file(FileBacking.readWrite(Path.of("data")).range(LEAD, SIZE).growableTo(2 * SIZE));
        return extent(START, START + 2 * SIZE + PAGE, LEAD, SIZE, kind);
    }

    private static Reshape of(final String operation, final Extent extent) {
        return new Reshape(operation, extent, PAGE, false, () -> "the region");
    }

    private static void requireAll(final Extent extent, final Reshape.Parts parts) {
        long at = extent.start();
        final List<Extent> all = new ArrayList<>(parts.keep());
        all.addAll(parts.drop());
        all.sort(Comparator.comparingLong(Extent::start));
        for (final Extent part : all) {
            assertThat(part.start()).isEqualTo(at);
            assertThat(part.start() % PAGE).isZero();
            at = part.limit();
        }
        assertThat(at).as("%s of %s", parts, extent).isEqualTo(extent.limit());
    }

    private static void illegal(final ThrowingCallable change, final String message) {
        assertThatIllegalArgumentException().isThrownBy(change).withMessage(message);
    }

    private static void refused(final ThrowingCallable change, final String message) {
        assertThatExceptionOfType(RegionException.class).isThrownBy(change).withMessage(message);
    }

    // ------------------------------------------------------------------------------------------------------ cuts

    @Test
    void aSplitMustKeepAllBytes() {
        final Reshape.Parts parts = of("split", ragged()).split(PAGE - LEAD);
        requireAll(ragged(), parts);
        assertThat(parts.drop()).isEmpty();
        assertThat(parts.keep()).extracting(Extent::lead).containsExactly(LEAD, 0L);
        assertThat(parts.keep()).extracting(Extent::size).containsExactly(PAGE - LEAD, SIZE - PAGE + LEAD);
        assertThat(parts.keep()).extracting(part -> PageFlags.isGrowable(part.kind())).containsExactly(false, true);
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, SIZE, SIZE + 1})
    void aSplitMustLeaveBytesOnBothSides(final long at) {
        illegal(() -> of("split", whole()).split(at), "split out of range: offset=" + at + ", length=0, size=" + SIZE +
            ", the region");
    }

    @Test
    void cutsMustLieBetweenTwoPages() {
        final String message = " between two pages only: offset=5, address=0x20005, page=4096, the region";
        illegal(() -> of("split", whole()).split(5), "split" + message);
        illegal(() -> of("trimHead", whole()).trimHead(5), "trimHead" + message);
        illegal(() -> of("unmap", whole()).unmap(5, PAGE), "unmap" + message);
        illegal(() -> of("unmap", whole()).unmap(0, 5), "unmap" + message);
        illegal(() -> of("unmap", whole()).unmapBetween(START + 5, START + SIZE), "unmap" + message);
        illegal(() -> of("unmap", whole()).unmapBetween(0, START + 5), "unmap" + message);
        illegal(() -> of("protect", whole()).protect(5, PAGE, Protection.READ_ONLY), "protect" + message);
        illegal(() -> of("protect", whole()).protect(0, 5, Protection.READ_ONLY), "protect" + message);
    }

    @Test
    void cutsMustLieBetweenTwoPagesOfTheRegionsOwnSize() {
        final Reshape huge = new Reshape("split", whole(), 4 * PAGE, false, () -> "the region");
        assertThat(huge.split(4 * PAGE).keep()).hasSize(2);
        illegal(() -> huge.split(PAGE),
            "split between two pages only: offset=4096, address=0x21000, page=16384, the region");
    }

    @Test
    void whatIsTrimmedMustBeGivenBack() {
        final Reshape.Parts head = of("trimHead", ragged()).trimHead(2 * PAGE - LEAD);
        requireAll(ragged(), head);
        assertThat(head.keep()).extracting(Extent::size).containsExactly(SIZE - 2 * PAGE + LEAD);
        final Reshape.Parts tail = of("trimTail", ragged()).trimTail(PAGE);
        requireAll(ragged(), tail);
        assertThat(tail.keep()).extracting(Extent::size).containsExactly(SIZE - PAGE);
        assertThat(tail.keep()).noneMatch(part -> PageFlags.isGrowable(part.kind()));
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, 0, SIZE, SIZE + 1})
    void aTrimMustLeaveBytesAndTakeSome(final long bytes) {
        final String message = " out of range: offset=0, length=" + bytes + ", size=" + SIZE + ", the region";
        illegal(() -> of("trimHead", whole()).trimHead(bytes), "trimHead" + message);
        illegal(() -> of("trimTail", whole()).trimTail(bytes), "trimTail" + message);
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 7", "4096, 1, 7", "4097, 2, 6", "28673, 8, 0", "32767, 8, 0"})
    void aSmallerRegionMustKeepThePagesThatItNeeds(final long newSize, final long kept, final long given) {
        final Reshape.Parts parts = of("resize", whole()).shrink(newSize);
        requireAll(whole(), parts);
        assertThat(parts.keep()).extracting(Extent::size).containsExactly(newSize);
        assertThat(parts.keep().getFirst().length()).isEqualTo(kept * PAGE);
        assertThat(parts.drop()).extracting(Extent::length).isEqualTo(given == 0 ? List.of() : List.of(given * PAGE));
    }

    @Test
    void anUnmapOfARangeMustKeepWhatIsAroundIt() {
        final Reshape.Parts middle = of("unmap", whole()).unmap(PAGE, 2 * PAGE);
        requireAll(whole(), middle);
        assertThat(middle.keep()).extracting(Extent::size).containsExactly(PAGE, SIZE - 3 * PAGE);
        assertThat(of("unmap", whole()).unmap(0, SIZE).keep()).isEmpty();
        assertThat(of("unmap", whole()).unmap()).isEqualTo(new Reshape.Parts(List.of(), List.of(whole())));
        assertThat(of("unmap", ragged()).unmap(0, SIZE).drop()).extracting(Extent::limit)
            .containsExactly(ragged().limit());
        assertThat(of("unmap", whole()).unmapBetween(START + PAGE, START + 3 * PAGE)).isEqualTo(middle);
    }

    /** No region has no bytes: what was kept to grow into goes with the last of them. */
    @Test
    void anUnmapOfARangeMustNotKeepARestWithoutBytes() {
        final long end = START + SIZE + PAGE;
        final Reshape.Parts parts = of("unmap", ragged()).unmapBetween(START + PAGE, end);
        requireAll(ragged(), parts);
        assertThat(parts.keep()).extracting(Extent::size).containsExactly(PAGE - LEAD);
    }

    @ParameterizedTest
    @CsvSource({"-1, 4096", "0, 0", "0, -1", "0, 32769", "4096, 32768", "32768, 1"})
    void rangesMustLieInTheRegion(final long offset, final long length) {
        final String message = " out of range: offset=" + offset + ", length=" + length + ", size=" + SIZE + ", the region";
        illegal(() -> of("unmap", whole()).unmap(offset, length), "unmap" + message);
        illegal(() -> of("protect", whole()).protect(offset, length, Protection.READ_ONLY), "protect" + message);
    }

    @Test
    void aRegionBehindWhichAddressesWereLostMustBeRefused() {
        refused(() -> new Reshape("split", whole(), PAGE, true, () -> "the region"),
            "split of a region behind which addresses were lost: the region; unmap it, and map the file anew");
    }

    // --------------------------------------------------------------------------------------------------- protect

    @Test
    void protectMustChangeTheMiddleAndKeepTheRest() {
        final Reshape.Pages pages =
            Objects.requireNonNull(of("protect", whole()).protect(PAGE, 2 * PAGE, Protection.READ_ONLY));
        requireAll(whole(), pages.parts());
        assertThat(pages.start()).isEqualTo(START + PAGE);
        assertThat(pages.length()).isEqualTo(2 * PAGE);
        assertThat(pages.parts().keep()).extracting(part -> PageFlags.isWritable(part.kind()))
            .containsExactly(true, false, true);
        assertThat(pages.parts().keep()).extracting(part -> PageFlags.isAltered(part.kind()))
            .containsExactly(false, true, false);
    }

    @Test
    void protectMustReachToTheLastPageInUseAndNoFurther() {
        final Reshape.Pages pages = Objects.requireNonNull(of("protect", ragged()).protect(Protection.READ_ONLY));
        assertThat(pages.length()).isEqualTo(SIZE + PAGE);
        requireAll(ragged(), pages.parts());
    }

    @Test
    void protectMustDoNothingWhereThePagesHaveTheProtection() {
        assertThat(of("protect", whole()).protect(Protection.READ_WRITE)).isNull();
        assertThat(of("protect", whole()).protect(0, PAGE, Protection.READ_WRITE)).isNull();
    }

    // ----------------------------------------------------------------------------------------------------- merge

    @Test
    void neighboursMustBecomeOne() {
        final Extent next = extent(START + SIZE, START + 2 * SIZE, 0, SIZE - 5, anonymous());
        final Reshape.Parts parts = of("merge", whole()).merge(of("merge", next));
        assertThat(parts.keep()).containsExactly(extent(START, START + 2 * SIZE, 0, 2 * SIZE - 5, anonymous()));
        assertThat(parts.drop()).isEmpty();
    }

    @Test
    void whatCannotBeOneMustBeRefused() {
        final String message = "merge of regions that cannot be one: %s: the region; the region";
        final Consumer<Extent> merge = next -> of("merge", whole()).merge(of("merge", next));
        refused(() -> merge.accept(extent(START + 2 * SIZE, START + 3 * SIZE, 0, SIZE, anonymous())),
            message.formatted("they are not adjacent"));
        refused(() -> merge.accept(extent(START + SIZE, START + 2 * SIZE, 5, SIZE - 5, anonymous())),
            message.formatted("the first does not end, or the second does not begin, with a whole page in use"));
        refused(() -> merge.accept(extent(START + SIZE, START + 2 * SIZE, 0, SIZE, PageFlags.writable(anonymous(), false))),
            message.formatted("their protection, their pages or their locking in memory differ"));
    }

    // ------------------------------------------------------------------------------------------------------ size

    @Test
    void truncateMustBeRefusedWithoutAFileThatIsWrittenTo() {
        refused(() -> of("truncate", whole()).truncate(PAGE),
            "truncate of a region that does not write to a file: the region");
    }

    @Test
    void aRegionMustGrowInPlaceOnlyWithinItsAddresses() {
        final Extent growable = extent(START, START + SIZE, 0, PAGE,
            PageFlags.anonymous(MapRequest.anonymous(PAGE).growableTo(SIZE)));
        assertThat(of("remap", growable).growsInPlace(SIZE)).isTrue();
        assertThat(of("remap", growable).growsInPlace(SIZE + 1)).isFalse();
        assertThat(of("remap", growable).growsInPlace(PAGE)).isFalse();
        assertThat(of("remap", whole()).growsInPlace(2 * SIZE)).isFalse();
    }
}
