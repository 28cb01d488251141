// SPDX-License-Identifier: Apache-2.0
package io.holdfast.event;

import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.Period;
import jdk.jfr.StackTrace;

/** Counts of a space, from time to time. */
@Name("io.holdfast.Statistics")
@Label("Statistics")
@Description("Counts of an address space at this moment")
@Period("10 s")
@StackTrace(false)
public final class StatisticsEvent extends SpaceEvent {
    @Label("Regions")
    long regions;

    @Label("Mapped")
    @DataAmount
    long mapped;

    @Label("Unmaps")
    @Description("Since the space was opened")
    long unmaps;

    @Label("Drained Unmaps")
    @Description("Those of them that had to wait for a reader")
    long drainedUnmaps;

    @Label("Backlog Unmaps")
    @Description("Unmaps that are announced and not finished")
    long backlogUnmaps;

    @Label("Backlog")
    @DataAmount
    long backlog;

    @Label("Retired")
    @DataAmount
    @Description("Tree nodes and records that wait for pins and snapshots")
    long retired;

    @Label("Quarantined")
    @DataAmount
    long quarantined;

    @Label("Idle")
    @DataAmount
    @Description("Memory of unmapped regions that is kept to be handed out again")
    long idle;

    /** What is mapped. */
    public void mapped(final long count, final long bytes) {
        regions = count;
        mapped = bytes;
    }

    /** What was unmapped, and what is about to be. */
    public void unmapped(final long count, final long drained, final long pending, final long pendingBytes) {
        unmaps = count;
        drainedUnmaps = drained;
        backlogUnmaps = pending;
        backlog = pendingBytes;
    }

    /** What is kept. */
    public void kept(final long retiredBytes, final long quarantinedBytes, final long idleBytes) {
        retired = retiredBytes;
        quarantined = quarantinedBytes;
        idle = idleBytes;
    }

    /** Tells it. */
    public void end(final String in) {
        tell(in);
    }
}
