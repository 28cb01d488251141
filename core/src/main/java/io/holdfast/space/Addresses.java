// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.lock.RangeLock;
import java.util.List;

/** Where in the space a mapping may take its addresses. */
interface Addresses {
    /** The parts of a range where it may, in order. */
    List<long[]> windows(long from, long to);

    /** Whether there are free addresses elsewhere, perhaps, which somebody else has the right to. */
    boolean isPartial();

    /** Whether it has no right to a part of the space alone, so that it is all the same where it takes them. */
    boolean areAnywhere();

    /** It has taken these. */
    void took(long start, long end);

    /** Whether it may take all of these. */
    boolean hasAll(long start, long end);

    /** Where a passage lets it. */
    static Addresses of(final RangeLock.Passage passage) {
        return new Addresses() {
            @Override
            public List<long[]> windows(final long from, final long to) {
                return passage.windows(from, to);
            }

            @Override
            public boolean isPartial() {
                return passage.isPartial();
            }

            @Override
            public boolean areAnywhere() {
                return true;
            }

            @Override
            public void took(final long start, final long end) {
                passage.narrow(start, end);
            }

            @Override
            public boolean hasAll(final long from, final long to) {
                return passage.hasAll(from, to);
            }
        };
    }

    /** Within the range of a section. */
    static Addresses within(final long start, final long end) {
        return new Addresses() {
            @Override
            public List<long[]> windows(final long from, final long to) {
                final long low = Math.max(from, start);
                final long high = Math.min(to, end);
                return low < high ? List.of(new long[] {low, high}) : List.of();
            }

            @Override
            public boolean isPartial() {
                return false;
            }

            @Override
            public boolean areAnywhere() {
                return false;
            }

            @Override
            public void took(final long taken, final long until) {
                // the section has the whole range already
            }

            @Override
            public boolean hasAll(final long from, final long to) {
                return from >= start && to <= end;
            }
        };
    }
}
