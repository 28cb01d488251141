// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;
import io.holdfast.lock.RangeLock;
import org.jspecify.annotations.Nullable;

/** A range of a space whose structure does not change but by this section, until it is closed by its thread. */
abstract sealed class SectionHandle permits ReadSectionHandle, WriteSectionHandle {
    private final SpaceHandle space;
    private final Thread owner = Thread.currentThread();
    private RangeLock.@Nullable Entry entry;

    /** A section that has no range yet: whatever it needs is there before it gets one. */
    SectionHandle(final SpaceHandle space) {
        this.space = space;
    }

    /** Undoes, for a thread that died with the section, what is not done; by another thread, again if it throws. */
    abstract void inherit();

    /** {@return the space} */
    public SpaceHandle space() {
        return space;
    }

    /** {@return whether the section has its range still} */
    public boolean isOpen() {
        return entry != null;
    }

    RangeLock ranges() {
        return space.gate().ranges();
    }

    /** The right to the range, which must not have been given back; for the section's own thread. */
    RangeLock.Entry entry(final String operation) {
        checkThread(operation);
        final RangeLock.Entry current = entry;
        if (current == null) {
            throw new IllegalStateException(operation + " in a section that is closed: space=" + space.name() +
                "; begin another");
        }
        return current;
    }

    /** What changes hands is noted, or not even begun: an end that finds no stack can be repeated further up. */
    void reserveStack() {
        ReservedStack.forBeginning(space.base());
    }

    void exchange(final RangeLock.@Nullable Entry other) {
        entry = other;
    }

    void checkThread(final String operation) {
        if (Thread.currentThread() != owner) {
            throw new WrongThreadException(operation + " in a section of another thread: owner=" + owner.getName() +
                ", current=" + Thread.currentThread().getName() + ", space=" + space.name());
        }
    }

    /** Gives the range back, if that has not happened. */
    void release() {
        final RangeLock.Entry current = entry;
        entry = null;
        if (current != null) {
            ranges().release(current);
        }
    }

    @Override
    public String toString() {
        final RangeLock.Entry current = entry;
        return getClass().getSimpleName() + "[space=" + space.name() + (current == null ? ", closed" : ", start=0x" +
            Long.toHexString(current.start()) + ", end=0x" + Long.toHexString(current.end()) + ", mode=" +
            current.mode()) + ", owner=" + owner.getName() + "]";
    }
}
