// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.ReadSection;
import io.holdfast.WriteSection;
import io.holdfast.lock.RangeLock;
import org.jspecify.annotations.Nullable;

/** The right to a range that stays as it is. */
public final class ReadSectionHandle extends SectionHandle implements ReadSection {
    private final Runnable atDeath = this::inherit;

    ReadSectionHandle(final SpaceHandle space) {
        super(space);
    }

    /** Has the right to this range from now on. */
    ReadSectionHandle begin(final RangeLock.Entry entry) {
        exchange(entry);
        entry.atDeath(atDeath);
        return this;
    }

    @Override
    public @Nullable WriteSection tryUpgrade() {
        final RangeLock.Entry current = entry("tryUpgrade");
        reserveStack();
        final WriteSectionHandle section = new WriteSectionHandle(space(), current.start(), current.end());
        final RangeLock.Entry write =
            space().gate().backPressure().hasRoom() ? ranges().tryUpgrade(current) : null;
        if (write == null) {
            return null;
        }
        exchange(null);
        return section.begin(write);
    }

    @Override
    void inherit() {
        exchange(null);
    }

    @Override
    public void close() {
        checkThread("close");
        release();
    }
}
