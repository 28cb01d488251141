// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.RegionInfo;
import io.holdfast.memory.HugePages;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The cases of merging and splitting that every manager of mappings has; drawn with one letter per page. */
class KernelCasesTest extends SpaceFixture {
    private static final long AT = 64;

    private Path path;

    @BeforeEach
    void writeFile() {
        path = file("data", (int) (16 * PAGE));
    }

    /** A region on so many pages from an offset on; each page's first word says which it is. */
    private Region anonymous(final long page, final long pages) {
        final Region region = space.map(MapRequest.anonymous(pages * PAGE).at((AT + page) * PAGE));
        for (long i = 0; i < pages; i++) {
            put(region, i * PAGE, page + i + 1);
        }
        return region;
    }

    private Region shared(final long page, final long filePage, final long pages) {
        return space.map(MapRequest.file(FileBacking.readWrite(path).range(filePage * PAGE, pages * PAGE))
            .at((AT + page) * PAGE));
    }

    /** What is mapped: a letter per region and page, a dot for none. */
    private String picture(final int pages) {
        final StringBuilder picture = new StringBuilder(".".repeat(pages));
        char letter = 'A';
        for (final RegionInfo info : space.maps()) {
            for (long page = info.address() / PAGE - AT; page < (info.address() + info.size()) / PAGE - AT; page++) {
                picture.setCharAt((int) page, letter);
            }
            letter++;
        }
        return picture.toString();
    }

    private static void assertPages(final Region region, final long first) {
        for (long i = 0; i < region.size() / PAGE; i++) {
            assertThat(get(region, i * PAGE)).as("page " + i).isEqualTo(first + i + 1);
        }
    }

    @Test
    void aRegionBetweenTwoMustMergeWithBoth() {
        final Region before = anonymous(0, 2);
        final Region after = anonymous(4, 3);
        assertThat(picture(8)).isEqualTo("AA..BBB.");
        assertThatThrownBy(() -> before.merge(after)).isInstanceOf(RegionException.class)
            .hasMessageContaining("not adjacent");
        final Region between = anonymous(2, 2);
        assertThat(picture(8)).isEqualTo("AABBCCC.");
        final Region merged = after.merge(before.merge(between));
        assertThat(picture(8)).isEqualTo("AAAAAAA.");
        assertPages(merged, 0);
        assertThat(space.statistics().regions()).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({"0,2,AABBBBBB", "2,3,AABBBCCC", "5,3,AAAAABBB", "0,8,AAAAAAAA", "7,1,AAAAAAAB"})
    void aRangeOfOtherProtectionMustPartTheRegionAndMergeBack(final int from, final int length, final String parted) {
        final Region region = anonymous(0, 8);
        List<Region> parts = region.protect(from * PAGE, length * PAGE, Protection.READ_ONLY);
        assertThat(picture(8)).isEqualTo(parted);
        for (int i = 0; i + 1 < parts.size(); i++) {
            final Region one = parts.get(i);
            final Region next = parts.get(i + 1);
            assertThatThrownBy(() -> one.merge(next)).isInstanceOf(RegionException.class);
        }
        parts = new ArrayList<>(parts.stream().map(part -> part.protect(Protection.READ_WRITE)).toList());
        while (parts.size() > 1) {
            parts.set(0, parts.get(0).merge(parts.remove(1)));
        }
        assertThat(picture(8)).isEqualTo("AAAAAAAA");
        assertPages(parts.getFirst(), 0);
    }

    @ParameterizedTest
    @CsvSource({"0,2,..AAAAAA", "2,3,AA...BBB", "5,3,AAAAA...", "1,6,A......B", "0,8,........"})
    void aRangeThatIsUnmappedMustLeaveTheRest(final int from, final int length, final String left) {
        final Region region = anonymous(0, 8);
        final List<Region> parts = region.unmap(from * PAGE, length * PAGE);
        assertThat(picture(8)).isEqualTo(left);
        for (final Region part : parts) {
            assertPages(part, part.address() / PAGE - AT);
        }
        anonymous(from, length);
        assertThat(picture(8)).doesNotContain(".");
    }

    @Test
    void regionsOfAFileMustMergeOnlyWhereTheFileGoesOn() {
        final Region first = shared(0, 0, 2);
        final Region second = shared(2, 2, 2);
        final Region elsewhere = shared(4, 8, 2);
        final Region anonymous = anonymous(6, 1);
        assertThatThrownBy(() -> second.merge(elsewhere)).isInstanceOf(RegionException.class)
            .hasMessageContaining("ranges of the file");
        assertThatThrownBy(() -> elsewhere.merge(anonymous)).isInstanceOf(RegionException.class);
        final Region merged = first.merge(second);
        assertThat(picture(7)).isEqualTo("AAAABBC");
        try (Guard guard = merged.share()) {
            assertBytesOf(guard.segment(), 0);
        }
        final Region copy = space.map(MapRequest.file(FileBacking.copyOnWrite(path).range(10 * PAGE, PAGE))
            .at((AT + 7) * PAGE));
        assertThatThrownBy(() -> anonymous.merge(copy)).isInstanceOf(RegionException.class);
    }

    @Test
    void regionsOfDifferentKindsMustNotMerge() {
        final Region plain = anonymous(0, 2);
        final Region locked = space.map(MapRequest.anonymous(2 * PAGE).locked().at((AT + 2) * PAGE));
        final Region short1 = space.map(MapRequest.anonymous(PAGE - 1).at((AT + 4) * PAGE));
        final Region growable = space.map(MapRequest.anonymous(PAGE).growableTo(2 * PAGE).at((AT + 5) * PAGE));
        final Region last = anonymous(7, 1);
        for (final Region[] pair : new Region[][] {{plain, locked}, {locked, short1}, {short1, growable},
            {growable, last}}) {
            assertThatThrownBy(() -> pair[0].merge(pair[1])).isInstanceOf(RegionException.class)
                .hasMessageContaining("cannot be one");
            assertThatThrownBy(() -> pair[1].merge(pair[0])).isInstanceOf(RegionException.class);
        }
        assertThatIllegalArgumentException().isThrownBy(() -> plain.merge(plain));
        locked.unlockFromMemory();
        assertThat(plain.merge(locked).size()).isEqualTo(4 * PAGE);
    }

    @Test
    void aSplitOfEveryPageMustMergeToTheSameAgain() {
        Region region = anonymous(0, 8);
        final List<Region> pages = new ArrayList<>();
        for (int i = 0; i < 7; i++) {
            final List<Region> parts = region.split(PAGE);
            pages.add(parts.getFirst());
            region = parts.getLast();
        }
        pages.add(region);
        assertThat(picture(8)).isEqualTo("ABCDEFGH");
        while (pages.size() > 1) {
            for (int i = 0; i + 1 < pages.size(); i++) {
                pages.set(i, pages.get(i).merge(pages.remove(i + 1)));
            }
        }
        assertThat(picture(8)).isEqualTo("AAAAAAAA");
        assertPages(pages.getFirst(), 0);
    }

    /** What the kernel allows on each page: w, r, or a dot behind its watermark. */
    private String access(final int pages) {
        final StringBuilder access = new StringBuilder();
        for (long page = 0; page < pages; page++) {
            final String allowed = Resources.access(space, (AT + page) * PAGE);
            access.append(allowed.startsWith("rw") ? 'w' : allowed.startsWith("r-") ? 'r' : '.');
        }
        return access.toString();
    }

    private static void assertMoved(final Region... old) {
        for (final Region region : old) {
            assertThat(region.isMapped()).isFalse();
            assertThat(region.tryShare().refusal()).isEqualTo(Refusal.MOVED);
        }
    }

    /** merge_new: the neighbour before, the one behind, both in either order, and none. */
    @ParameterizedTest
    @CsvSource({"0, AA.BB.CCC", "1, AAAA..BBB", "2, AA..BBBBB", "3, AAAAAAAAA", "4, AAAAAAAAA"})
    void aNewRegionMustMergeWithWhateverItTouches(final int which, final String merged) {
        final Region before = anonymous(0, 2);
        final Region after = anonymous(6, 3);
        final long from = which == 0 ? 3 : which == 2 ? 4 : 2;
        final Region fresh = anonymous(from, which < 3 ? 2 : 4);
        final boolean touchesBefore = from == 2;
        final boolean touchesAfter = which >= 2;
        Region whole = fresh;
        if (which == 4) {
            whole = after.merge(whole);
        }
        if (touchesBefore) {
            whole = before.merge(whole);
            assertMoved(before, fresh);
        } else {
            assertThatThrownBy(() -> before.merge(fresh)).isInstanceOf(RegionException.class)
                .hasMessageContaining("not adjacent");
        }
        if (touchesAfter && which != 4) {
            whole = whole.merge(after);
            assertMoved(after, fresh);
        } else if (which != 4) {
            final Region other = whole;
            assertThatThrownBy(() -> after.merge(other)).isInstanceOf(RegionException.class)
                .hasMessageContaining("not adjacent");
        }
        assertThat(picture(9)).isEqualTo(merged);
        assertPages(whole, whole.address() / PAGE - AT);
        assertThat(space.statistics().regions()).isEqualTo(merged.chars().distinct().filter(c -> c != '.').count());
    }

    /** merge_new, again and again, until one region is left: it takes as many records as at the beginning. */
    @Test
    void regionsThatAreMadeOneByOneMustAllBecomeOne() {
        Region whole = anonymous(3, 1);
        final Resources before = Resources.of(space, directory);
        for (final int page : new int[] {4, 2, 5, 1, 6, 0, 7}) {
            final Region fresh = anonymous(page, 1);
            final Region old = whole;
            whole = page % 2 == 0 ? fresh.merge(whole) : whole.merge(fresh);
            assertMoved(old, fresh);
        }
        assertThat(picture(8)).isEqualTo("AAAAAAAA");
        assertPages(whole, 0);
        final Resources after = Resources.of(space, directory);
        assertThat(after.records()).isEqualTo(before.records());
        assertThat(after.mappings()).isEqualTo(before.mappings());
    }

    /**
     * merge_existing: of a region between two of the other protection, a part gets theirs. At an edge, in part or
     * altogether, it merges with the neighbour; at both with both; the six parts that touch neither with none.
     */
    @ParameterizedTest
    @CsvSource({"0,2,AAAABBBCC, rrrrwwwrr", "0,5,AAAAAAABB, rrrrrrrrr", "3,5,AABBBCCCC, rrwwwrrrr",
        "1,2,AABCDDDEE, rrwrwwwrr", "1,3,AABCCDDEE, rrwrrwwrr", "1,4,AABCCCDEE, rrwrrrwrr", "2,3,AABBCDDEE, rrwwrwwrr",
        "2,4,AABBCCDEE, rrwwrrwrr", "3,4,AABBBCDEE, rrwwwrwrr"})
    void aPartThatBecomesLikeItsNeighbourMustMergeOnlyWhereItTouchesIt(final int from, final int to, final String merged,
                                                                       final String allowed) {
        final Region before = anonymous(0, 2).protect(Protection.READ_ONLY);
        final Region middle = anonymous(2, 5);
        final Region after = anonymous(7, 2).protect(Protection.READ_ONLY);
        final List<Region> parts = middle.protect(from * PAGE, (to - from) * PAGE, Protection.READ_ONLY);
        final Region part = parts.get(from == 0 ? 0 : 1);
        assertThat(part.isWritable()).isFalse();
        Region whole = part;
        if (from == 0) {
            whole = before.merge(part);
        } else {
            assertThatThrownBy(() -> before.merge(part)).isInstanceOf(RegionException.class)
                .hasMessageContaining("not adjacent");
            assertThatThrownBy(() -> before.merge(parts.getFirst())).isInstanceOf(RegionException.class)
                .hasMessageContaining("protection");
        }
        if (to == 5 && from != 0) {
            whole = part.merge(after);
        } else if (from != 0) {
            assertThatThrownBy(() -> part.merge(after)).isInstanceOf(RegionException.class)
                .hasMessageContaining("not adjacent");
            assertThatThrownBy(() -> parts.getLast().merge(after)).isInstanceOf(RegionException.class)
                .hasMessageContaining("protection");
        }
        assertThat(picture(9)).isEqualTo(from == 0 && to == 5 ? "AAAAAAABB" : merged);
        assertThat(access(9)).isEqualTo(allowed);
        if (from == 0 && to == 5) { // both sides
            whole = whole.merge(after);
            assertThat(picture(9)).isEqualTo("AAAAAAAAA");
        }
        assertPages(whole, whole.address() / PAGE - AT);
    }

    /** simple_shrink, simple_expand. */
    @Test
    void whatWasCutOffMustBeThereAgainAsARegionOfItsOwnAndMerge() {
        Region region = anonymous(0, 8).trimTail(3 * PAGE).trimHead(PAGE);
        assertThat(picture(8)).isEqualTo(".AAAA...");
        final Region tail = anonymous(5, 3);
        final Region head = anonymous(0, 1);
        region = head.merge(region).merge(tail);
        assertThat(picture(8)).isEqualTo("AAAAAAAA");
        assertPages(region, 0);
    }

    /** vma_merge_special_flags: what the kernel keeps with pages must be the same, the way to the file as well. */
    @Test
    void accessToTheFileMustBeTheSame() {
        final Region writing = shared(0, 0, 2);
        final Region privately = space.map(MapRequest.file(FileBacking.copyOnWrite(path).range(2 * PAGE, 2 * PAGE))
            .at((AT + 2) * PAGE));
        final Region reading = space.map(MapRequest.file(FileBacking.readOnly(path).range(4 * PAGE, PAGE))
            .at((AT + 4) * PAGE));
        final Region other = space.map(MapRequest.file(FileBacking.readOnly(file("other", (int) (16 * PAGE)))
            .range(5 * PAGE, PAGE)).at((AT + 5) * PAGE));
        for (final Region[] pair : new Region[][] {{writing, privately}, {privately, reading}, {reading, other}}) {
            assertThatThrownBy(() -> pair[0].merge(pair[1])).isInstanceOf(RegionException.class)
                .hasMessageContaining("cannot be one");
        }
        final Region noLongerWriting = writing.protect(Protection.READ_ONLY);
        assertThatThrownBy(() -> noLongerWriting.merge(privately.protect(Protection.READ_ONLY)))
            .isInstanceOf(RegionException.class).hasMessageContaining("accessed in different ways");
        assertThat(picture(6)).isEqualTo("AABBCD");
    }

    @Test
    void transparentHugePagesMustNotMergeWithOthers() {
        final long huge = Math.max(HugePages.transparentSize(), PAGE);
        final Region plain = space.map(MapRequest.anonymous(PAGE).at(huge - PAGE));
        final Region large = space.map(MapRequest.anonymous(huge).transparentHugePages().at(huge));
        assertThatThrownBy(() -> plain.merge(large)).isInstanceOf(RegionException.class)
            .hasMessageContaining("their pages");
    }

    /** merge_new_with_close: the descriptor that a growable file keeps goes on with the merged region. */
    @Test
    void aFileThatCanGrowMustKeepItsDescriptorWhenItMergesAndLoseItWithTheRegion() throws IOException {
        final Region first = shared(0, 0, 14);
        final Region last = space.map(MapRequest.file(FileBacking.readWrite(path).range(14 * PAGE, 2 * PAGE)
            .growableTo(8 * PAGE)).at((AT + 14) * PAGE));
        assertThat(Resources.descriptors(directory)).isEqualTo(1);
        final Region beside = shared(22, 0, 1);
        assertThatThrownBy(() -> last.merge(beside)).isInstanceOf(RegionException.class)
            .hasMessageContaining("whole page in use");
        beside.unmap();
        final Region whole = last.merge(first);
        Resources.settle(space);
        assertThat(Resources.descriptors(directory)).isEqualTo(1);
        whole.grow(18 * PAGE);
        put(whole, 18 * PAGE - 8, 7);
        assertThat(Files.size(path)).isEqualTo(18 * PAGE);
        try (Guard guard = whole.share()) {
            assertBytesOf(guard.segment().asSlice(0, 16 * PAGE), 0);
        }
        whole.unmap();
        assertThat(Resources.descriptors(directory)).isZero();
    }

    /** The file that was mapped counts, and not its name. */
    @Test
    void regionsOfADeletedFileMustMerge() throws IOException {
        final Region first = shared(0, 0, 2);
        final Region second = shared(2, 2, 2);
        Files.delete(path);
        try (Guard guard = first.merge(second).share()) {
            assertBytesOf(guard.segment(), 0);
        }
        assertThat(picture(5)).isEqualTo("AAAA.");
    }

    /** copy_vma: a region that moves beside another one merges with it, and elsewhere does not. */
    @Test
    void aRegionThatMovesBesideAnotherMustMergeWithIt() {
        final Region low = space.map(MapRequest.anonymous(2 * PAGE).at(0));
        final Region moving = space.map(MapRequest.anonymous(2 * PAGE).at(5 * PAGE));
        final Region wall = space.map(MapRequest.anonymous(PAGE).at(7 * PAGE));
        put(low, PAGE, 1);
        put(moving, PAGE, 2);
        assertThatThrownBy(() -> low.merge(moving)).isInstanceOf(RegionException.class)
            .hasMessageContaining("not adjacent");
        final Region moved = moving.remap(3 * PAGE); // the lowest gap that is large enough
        assertThat(moved.address()).isEqualTo(2 * PAGE);
        assertMoved(moving);
        assertThatThrownBy(() -> moved.merge(wall)).isInstanceOf(RegionException.class)
            .hasMessageContaining("not adjacent");
        final Region merged = low.merge(moved);
        assertThat(merged.size()).isEqualTo(5 * PAGE);
        assertThat(get(merged, PAGE)).isEqualTo(1);
        assertThat(get(merged, 3 * PAGE)).isEqualTo(2);
        assertThat(get(merged, 4 * PAGE)).isZero();
    }
}
