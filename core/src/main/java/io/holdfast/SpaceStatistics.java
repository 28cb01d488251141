// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * Counts of an address space at one moment. Each is exact; together they are not a snapshot.
 *
 * @param regions            regions that are mapped, or whose memory is not given back yet
 * @param mappedBytes        address range of those, in bytes
 * @param unmaps             unmaps finished since the space was opened
 * @param drainedUnmaps      unmaps among all begun that had to wait for a reader
 * @param backlogUnmaps      unmaps that are announced but not finished
 * @param backlogBytes       address range of those, in bytes
 * @param retiredBytes       memory of replaced tree nodes and records that wait for pins and snapshots
 * @param quarantinedBytes   address range that the system refused to take back and that is tried again
 * @param lostBytes          address range that can never be used again
 * @param strandedBytes      address range outside the space that the system refused to take back and that is tried again
 * @param repairs            holes in the range of addresses that failed system calls had left and that have been closed
 * @param idleBytes          memory of unmapped regions that is kept to be handed out again; an upper bound
 * @param recycledBytes      memory of unmapped anonymous regions that was zeroed to be handed out again without a system
 *                           call, since the space was opened; the part that has not been used again is idle, or was
 *                           given back by a trim
 * @param restingBytes       address range of unmapped regions that is not to be used again yet ({@link
 *                           AddressSpace.Builder#restAddresses})
 * @param orphanedSlots      guards and pins whose thread died holding them, and that were released afterwards
 * @param readerSlots        slots that a writer looks at in the worst case
 * @param recordsInUse       records of regions, including those that wait for a grace period
 * @param tableBytes         native memory that the records and the tree have taken, and not given back
 * @param eras               eras that have ended, since the space was opened ({@link Lease})
 * @param unclosedEras       eras that have ended and whose arena is not closed yet
 * @param eraBytes           address range of unmaps that wait for no reader, only for an era, in bytes
 * @param unmapTimes         how long finished unmaps took, from the announcement until the memory was given back
 * @param drainTimes         how long those that had to wait for readers took, from the announcement until the last
 *                           reader had left
 * @param parkedRanges       ranges of closed spaces of this process that wait for the next space
 * @param named              totals of the regions that have the same name, in the order of the names; regions without a
 *                           name are left out
 */
public record SpaceStatistics(long regions, long mappedBytes, long unmaps, long drainedUnmaps, long backlogUnmaps,
                              long backlogBytes, long retiredBytes, long quarantinedBytes, long lostBytes,
                              long strandedBytes, long repairs, long idleBytes, long recycledBytes, long restingBytes,
                              long orphanedSlots, int readerSlots, long recordsInUse, long tableBytes, long eras,
                              int unclosedEras, long eraBytes, Times unmapTimes, Times drainTimes, int parkedRanges,
                              List<Named> named) {
    /**
     * How long something took, in nanoseconds. Times are counted in classes, so each is the upper bound of one: up to an
     * eighth more than the exact time, and never less than 256 ns.
     *
     * @param count    how many there were
     * @param medianNs half of them took no longer
     * @param p90Ns    90 % of them took no longer
     * @param p99Ns    99 % of them took no longer
     * @param p999Ns   99.9 % of them took no longer
     * @param maxNs    none took longer
     */
    public record Times(long count, long medianNs, long p90Ns, long p99Ns, long p999Ns, long maxNs) {
        /** {@return the percentiles, or that there are none} */
        @Override
        public String toString() {
            return count == 0 ? "none" : count + ": median " + time(medianNs) + ", 90 % " + time(p90Ns) + ", 99 % " +
                time(p99Ns) + ", 99.9 % " + time(p999Ns) + ", max " + time(maxNs);
        }
    }

    /**
     * Regions with the same name.
     *
     * @param name    the name that they were mapped with
     * @param regions how many there are
     * @param bytes   of all of them
     */
    public record Named(String name, long regions, long bytes) {
    }

    /** Copies the list. */
    public SpaceStatistics {
        named = List.copyOf(named);
    }

    /** {@return all counts, one line for each subject} */
    @Override
    public String toString() {
        final StringBuilder text = new StringBuilder(512)
            .append("mapped       ").append(regions).append(" regions, ").append(size(mappedBytes)).append('\n')
            .append("unmaps       ").append(unmaps).append(", of all begun ").append(drainedUnmaps)
            .append(" waited for readers\n")
            .append("unmap times  ").append(unmapTimes).append('\n')
            .append("drain times  ").append(drainTimes).append('\n')
            .append("backlog      ").append(backlogUnmaps).append(" unmaps, ").append(size(backlogBytes)).append('\n')
            .append("eras         ").append(eras).append(" ended, ").append(unclosedEras).append(" not closed, ")
            .append(size(eraBytes)).append(" wait\n")
            .append("kept         ").append(size(idleBytes)).append(" idle, ").append(size(retiredBytes))
            .append(" wait for pins, ").append(size(recycledBytes)).append(" recycled so far, ")
            .append(size(restingBytes)).append(" of addresses rest\n")
            .append("refused      ").append(size(quarantinedBytes)).append(" quarantined, ").append(size(strandedBytes))
            .append(" stranded, ").append(size(lostBytes)).append(" lost, ").append(repairs).append(" repairs\n")
            .append("tables       ").append(recordsInUse).append(" records, ").append(readerSlots)
            .append(" reader slots, ").append(size(tableBytes)).append('\n')
            .append("dead threads ").append(orphanedSlots).append(" slots taken back\n")
            .append("parked       ").append(parkedRanges).append(" ranges of closed spaces");
        for (final Named each : named) {
            text.append("\nname         ").append(each.name).append(": ").append(each.regions).append(" regions, ")
                .append(size(each.bytes));
        }
        return text.toString();
    }

    private static String time(final long ns) {
        if (ns < TimeUnit.MICROSECONDS.toNanos(10)) {
            return ns + " ns";
        }
        if (ns < TimeUnit.MILLISECONDS.toNanos(10)) {
            return TimeUnit.NANOSECONDS.toMicros(ns) + " us";
        }
        return ns < TimeUnit.SECONDS.toNanos(10) ? TimeUnit.NANOSECONDS.toMillis(ns) + " ms"
            : TimeUnit.NANOSECONDS.toSeconds(ns) + " s";
    }

    private static String size(final long bytes) {
        final String[] units = {"B", "KiB", "MiB", "GiB", "TiB"};
        double amount = bytes;
        int unit = 0;
        while (amount >= 1024 && unit < units.length - 1) {
            amount /= 1024;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", amount, units[unit]);
    }
}
