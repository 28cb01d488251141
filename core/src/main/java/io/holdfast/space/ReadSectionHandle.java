// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.ReadSection;
import io.holdfast.WriteSection;
import io.holdfast.lock.RangeLock;
import org.jspecify.annotations.Nullable;

/** The right to a range that stays as it is. */
public final class ReadSectionHandle extends SectionHandle implements ReadSection {
    ReadSectionHandle(final SpaceHandle space, final RangeLock.Entry entry) {
        super(space, entry);
        entry.atDeath(this::inherit);
    }

    @Override
    public @Nullable WriteSection tryUpgrade() {
        final RangeLock.Entry current = entry("tryUpgrade");
        final RangeLock.Entry write =
            space().gate().backPressure().hasRoom() ? ranges().tryUpgrade(current) : null;
        if (write == null) {
            return null;
        }
        exchange(null);
        return new WriteSectionHandle(space(), write);
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
