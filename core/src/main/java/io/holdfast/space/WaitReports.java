// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.WaitReport;
import io.holdfast.epoch.DrainListener;
import io.holdfast.epoch.Holder;
import io.holdfast.epoch.Ledger;
import io.holdfast.epoch.Waiting;
import io.holdfast.event.LeakEvent;
import io.holdfast.event.StalledWaitEvent;
import io.holdfast.layout.RecordLayout;
import io.holdfast.lock.Holders;
import io.holdfast.lock.RegionLock;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Says for whom a thread of a space waits, to the listener that the space was opened with. What the listener throws is
 * logged, and ends no wait.
 *
 * <p>Thread-safe.
 */
final class WaitReports implements DrainListener {
    private static final System.Logger LOGGER = System.getLogger(AddressSpace.class.getName());

    private final SpaceResources core;
    private final RegionRegistry registry;
    private final SpaceSettings settings;

    WaitReports(final SpaceResources core, final RegionRegistry registry, final SpaceSettings settings) {
        this.core = core;
        this.registry = registry;
        this.settings = settings;
    }

    @Override
    public void stillDraining(final long record, final long tag, final Waiting waiting) {
        report(of(record, tag, nameOfThread(), waiting.elapsedNs()), waiting);
    }

    /** A wait for something else than readers; where its holders took it is not known. */
    void report(final String what, final long elapsedNs, final List<WaitReport.Holder> holders) {
        report(of(what, elapsedNs, holders));
    }

    /** A wait for pins and snapshots. */
    void reportPinned(final String what, final Waiting waiting) {
        report(of(what, waiting.elapsedNs(), pinned()), waiting);
    }

    private WaitReport of(final String what, final long elapsedNs, final List<WaitReport.Holder> holders) {
        return new WaitReport(settings.name(), what, Duration.ofNanos(elapsedNs), nameOfThread(), holders);
    }

    /** An unmap in the background. */
    void report(final PendingUnmap pending) {
        report(of(pending), pending);
    }

    /** By what people know the current thread: virtual ones mostly have no name. */
    static String nameOfThread() {
        final Thread thread = Thread.currentThread();
        final String name = thread.getName();
        return name.isEmpty() ? "thread #" + thread.threadId() : name;
    }

    /** Tells of each place once in a wait, which its identity stands for, and of the wait each time. */
    private void report(final WaitReport report, final Object wait) {
        for (final WaitReport.Holder holder : report.holders()) {
            if (LeakEvent.isOn() && holder.place() instanceof final Ledger.Entry taken && taken.isNewsFor(wait)) {
                LeakEvent.tell(report.space(), "waited for, region=" + report.region(), taken);
            }
        }
        report(report);
    }

    private void report(final WaitReport report) {
        StalledWaitEvent.tell(report.space(), report.region(), report.waited().toNanos(), report.waiter(),
            report.holders());
        try {
            settings.reports().accept(report);
        } catch (final RuntimeException e) {
            LOGGER.log(Level.ERROR, "the listener for long waits failed: " + report, e);
        }
    }

    /** What an announced unmap waits for. */
    WaitReport of(final PendingUnmap pending) {
        return of(pending.record(), pending.tag(), pending.announcer(), pending.waitedNs());
    }

    private WaitReport of(final long record, final long tag, final String waiter, final long elapsedNs) {
        return new WaitReport(settings.name(), describe(record), Duration.ofNanos(elapsedNs), waiter,
            holders(record, tag));
    }

    @Override
    public String region(final long record) {
        return "region=" + place(record) + " of " + settings.name() + named(record);
    }

    /** The region of a record, its name and file, and the decoded state of its lock. */
    private String describe(final long record) {
        return place(record) + named(record) + ", " + RegionLock.describe(record);
    }

    private String place(final long record) {
        return "0x" + Long.toHexString(RecordLayout.base(record) - core.reservation().base());
    }

    private String named(final long record) {
        final FileRegion file = registry.file(record);
        final Path path = file == null ? null : file.path();
        final String name = registry.labels().name(record);
        return (name == null ? "" : ", name=" + name) + (path == null ? "" : ", path=" + path);
    }

    /**
     * Who is inside of a region, or keeps it.
     *
     * @param tag epoch whose pins are waited for, 0 if pins do not matter
     */
    List<WaitReport.Holder> holders(final long record, final long tag) {
        return Holders.of(core.domain(), record, tag).stream().map(WaitReports::holder).toList();
    }

    /** Who is pinned, or has a snapshot. */
    List<WaitReport.Holder> pinned() {
        return core.domain().holders(0, 0).stream().map(WaitReports::holder).toList();
    }

    private static WaitReport.Holder holder(final Holder holder) {
        final WaitReport.How how = switch (holder.how()) {
            case HAZARD -> WaitReport.How.SHARED;
            case PIN -> WaitReport.How.PIN;
            case STRUCTURE_PIN -> WaitReport.How.SNAPSHOT;
            case COUNT -> WaitReport.How.HOLD;
            case WRITER -> WaitReport.How.EXCLUSIVE;
        };
        final Ledger.Entry taken = holder.taken();
        return new WaitReport.Holder(holder.threadId(), holder.threadName(), how,
            taken == null ? null : Duration.ofNanos(taken.heldNs()), taken);
    }
}
