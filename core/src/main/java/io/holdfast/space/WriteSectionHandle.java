// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.MapRequest;
import io.holdfast.Protection;
import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WriteSection;
import io.holdfast.event.SectionEvent;
import io.holdfast.lock.RangeLock;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The right to a range, and the private version of it while there is one. */
public final class WriteSectionHandle extends SectionHandle implements WriteSection {
    private enum State { OPEN, PUBLISHED, DOWNGRADED, CLOSED }

    private SectionDraft draft;
    private State state = State.OPEN;
    private final Runnable atDeath = this::inherit;
    private final @Nullable SectionEvent event = SectionEvent.begun();
    private final long begunNs = event == null ? 0 : System.nanoTime();

    WriteSectionHandle(final SpaceHandle space, final long start, final long end) {
        super(space);
        this.draft = new SectionDraft(space, start, end, List.of());
    }

    /** Has the right to this range from now on. */
    WriteSectionHandle begin(final RangeLock.Entry entry) {
        exchange(entry);
        entry.atDeath(atDeath);
        if (event != null) {
            event.entered(entry.start(), entry.end(), System.nanoTime() - begunNs);
        }
        return this;
    }

    private SectionDraft open(final String operation) {
        entry(operation);
        if (state != State.OPEN) {
            throw new IllegalStateException(operation + " in a section that is " + state + ": space=" + space().name() +
                "; upgrade it, or begin another");
        }
        return draft;
    }

    @Override
    public WriteSection patience(final long timeout, final TimeUnit unit) {
        open("patience").exclusion().patience(timeout, unit);
        return this;
    }

    // ------------------------------------------------------------------------------------------------- exclusion

    @Override
    public MemorySegment exclude(final Region region) {
        return open("exclude").exclude((RegionHandle) region);
    }

    @Override
    public int exclude(final long start, final long end) {
        final SectionExclusion exclusion = open("exclude").exclusion();
        exclusion.checkRange("exclude", start, end);
        return exclusion.excludeRange("exclude", start, end);
    }

    @Override
    public void end(final Region region) {
        open("end").end((RegionHandle) region);
    }

    @Override
    public void endAll() {
        unchanged("endAll").endAll();
    }

    private SectionDraft unchanged(final String operation) {
        final SectionDraft current = open(operation);
        if (current.hasChanges()) {
            throw new RegionException(operation + " of a section with changes: " + this + "; publish it, or close it to " +
                "restore everything", null);
        }
        return current;
    }

    @Override
    public MemorySegment segment(final Region region) {
        return open("segment").segment((RegionHandle) region);
    }

    // --------------------------------------------------------------------------------------------------- changes

    @Override
    public RegionHandle map(final long sizeBytes) {
        return map(MapRequest.anonymous(sizeBytes));
    }

    @Override
    public RegionHandle map(final MapRequest request) {
        return open("map").map(request);
    }

    @Override
    public void unmap(final Region region) {
        open("unmap").unmap((RegionHandle) region);
    }

    @Override
    public List<Region> unmap(final long start, final long end) {
        return List.copyOf(open("unmap").unmap(start, end));
    }

    @Override
    public List<Region> split(final Region region, final long at) {
        return List.copyOf(open("split").split((RegionHandle) region, at));
    }

    @Override
    public RegionHandle merge(final Region one, final Region other) {
        return open("merge").merge((RegionHandle) one, (RegionHandle) other);
    }

    @Override
    public RegionHandle protect(final Region region, final Protection protection) {
        return open("protect").protect((RegionHandle) region, Objects.requireNonNull(protection, "protection"));
    }

    @Override
    public RegionHandle move(final Region region) {
        return open("move").move((RegionHandle) region);
    }

    @Override
    public RegionHandle resize(final Region region, final long newSizeBytes) {
        return open("resize").resize((RegionHandle) region, newSizeBytes);
    }

    // --------------------------------------------------------------------------------------------------- the end

    @Override
    public void publish() {
        final SectionDraft current = open("publish");
        reserveStack();
        boolean published = false;
        try {
            if (event != null) {
                event.publishes(current.exclusion().size(), current.drops());
            }
            current.publish();
            published = true;
        } finally {
            if (!published) {
                rollBack();
            }
        }
        ranges().downgrade(entry("publish"));
        state = State.PUBLISHED;
    }

    @Override
    public void downgrade() {
        unchanged("downgrade").endAll();
        ranges().downgrade(entry("downgrade"));
        state = State.DOWNGRADED;
    }

    @Override
    public boolean tryUpgrade() {
        final RangeLock.Entry current = entry("tryUpgrade");
        if (state == State.OPEN) {
            return true;
        }
        reserveStack();
        final SectionDraft next = new SectionDraft(space(), current.start(), current.end(), draft.given());
        next.exclusion().patienceOf(draft.exclusion());
        final RangeLock.Entry write = ranges().tryUpgrade(current);
        if (write == null) {
            return false;
        }
        exchange(write);
        draft = next;
        state = State.OPEN;
        return true;
    }

    @Override
    public void close() {
        checkThread("close");
        reserveStack();
        if (state == State.OPEN) {
            rollBack();
            return;
        }
        final State reached = state;
        state = State.CLOSED;
        try {
            release();
        } finally {
            giveBack();
            tell(reached);
        }
    }

    private void rollBack() {
        state = State.CLOSED;
        try {
            draft.rollBack();
        } finally {
            try {
                release();
            } finally {
                giveBack(); // what was published before an upgrade
                tell(State.OPEN);
            }
        }
    }

    @Override
    void inherit() {
        if (state == State.OPEN) {
            draft.restore();
        }
        state = State.CLOSED;
        exchange(null);
        space().unmapper().completeAllLater(draft.given());
    }

    private void tell(final State reached) {
        if (event != null && reached != State.CLOSED) {
            event.end(space().name(), reached.name());
        }
    }

    private void giveBack() {
        try {
            space().unmapper().completeAll(draft.given());
        } finally {
            draft.given().clear();
        }
    }
}
