// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/**
 * Counts of an address space at one moment. Each is exact; together they are not a snapshot.
 *
 * @param regions            regions that are mapped, or whose memory is not given back yet
 * @param mappedBytes        address range of those, in bytes
 * @param unmaps             unmaps finished since the space was opened
 * @param drainedUnmaps      unmaps among all begun that had to wait for a reader
 * @param backlogUnmaps      unmaps that are announced and not finished
 * @param backlogBytes       address range of those, in bytes
 * @param retiredBytes       memory of replaced tree nodes and records that wait for pins and snapshots
 * @param quarantinedBytes   address range that the system refused to take back and that is tried again
 * @param lostBytes          address range that can never be used again
 * @param strandedBytes      address range outside the space that the system refused to take back and that is tried again
 * @param repairs            holes in the range of addresses that failing system calls had left, and that were closed
 * @param idleBytes          memory of unmapped regions that is kept to be handed out again; not more than this
 * @param recycledBytes      memory of unmapped anonymous regions that was zeroed to be handed out again without a system
 *                           call, since the space was opened; what of it has not been used again is idle, or was given
 *                           back by a trim
 * @param orphanedSlots      guards and pins that their thread took into death, and that were released after it
 * @param readerSlots        slots that a writer looks at in the worst case
 * @param recordsInUse       records of regions, those that wait for a grace period included
 * @param tableBytes         native memory that the records and the tree have taken
 * @param eras               eras that have ended, since the space was opened ({@link Lease})
 * @param unclosedEras       eras that have ended and whose arena is not closed yet
 * @param eraBytes           address range of unmaps that no reader is in the way of, and that wait for an era, in bytes
 */
public record SpaceStatistics(long regions, long mappedBytes, long unmaps, long drainedUnmaps, long backlogUnmaps,
                              long backlogBytes, long retiredBytes, long quarantinedBytes, long lostBytes,
                              long strandedBytes, long repairs, long idleBytes, long recycledBytes,
                              long orphanedSlots, int readerSlots, long recordsInUse, long tableBytes, long eras,
                              int unclosedEras, long eraBytes) {
}
