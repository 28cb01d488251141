// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.Lifetimes;
import io.holdfast.lock.RegionLock;
import java.util.concurrent.atomic.AtomicLong;

/** What {@link LifetimeStress} acts on: a record that is not attached, and the same in plain words for the model. */
public abstract class LifetimeState extends RegionState {
    private static final long TO_BE_STAMPED = -1;

    private final Lifetimes lifetimes = new Lifetimes();
    private final AtomicLong clock = new AtomicLong(1);
    private final AtomicLong attached = new AtomicLong();
    private final AtomicLong begun = new AtomicLong(TO_BE_STAMPED);

    /**
     * A fresh state.
     *
     * @param isAttached whether the record is attached, so that it can be detached
     */
    protected LifetimeState(final EpochDomain domain, final boolean isAttached) {
        super(domain);
        RecordLayout.lockRelease(record, 0);
        RecordLayout.describe(record, 0, 0, 0, 0);
        if (isAttached) {
            lifetimes.attach(record);
        }
    }

    /** Attaches: 1. */
    protected final int attach() {
        lifetimes.attach(record);
        return 1;
    }

    /** Detaches: 1. */
    protected final int detach() {
        final long result = lock.tryDetach(record, RegionLock.incarnation(record));
        lifetimes.detached(record);
        return (int) result;
    }

    /** Takes a snapshot and looks twice: 0 or 1 for a record that is not, or is, in it; 2 if the answers differ. */
    protected final int lookTwice() {
        final long time = lifetimes.tick();
        final boolean first = lifetimes.isAlive(record, time);
        linger();
        final boolean second = lifetimes.isAlive(record, time);
        return first != second ? 2 : first ? 1 : 0;
    }

    /** Attaches, and stamps with the clock as it is then: 1. */
    protected final int attachModel() {
        attached.set(1);
        stamp(clock.get());
        return 1;
    }

    /** Stamps with the clock as it was before the step: 1. */
    protected final int attachStampedBefore() {
        final long before = clock.get();
        linger();
        attached.set(1);
        stamp(before);
        return 1;
    }

    /** The step stays in the store buffer while the clock is read: 1. */
    protected final int attachUnfenced() {
        attached.setRelease(1);
        stamp(clock.get());
        return 1;
    }

    private void stamp(final long time) {
        begun.compareAndSet(TO_BE_STAMPED, time);
    }

    /** Takes a snapshot of the model and looks twice, as {@link #lookTwice()}. */
    protected final int lookTwiceModel(final boolean helps) {
        final long time = clock.getAndIncrement();
        final boolean first = isAliveModel(time, helps);
        linger();
        final boolean second = isAliveModel(time, helps);
        return first != second ? 2 : first ? 1 : 0;
    }

    private boolean isAliveModel(final long time, final boolean helps) {
        if (attached.get() == 0) {
            return false;
        }
        if (helps) {
            stamp(clock.get());
        }
        final long stamped = begun.get();
        return stamped != TO_BE_STAMPED && stamped <= time;
    }
}
