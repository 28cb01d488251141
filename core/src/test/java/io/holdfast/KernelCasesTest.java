// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
}
