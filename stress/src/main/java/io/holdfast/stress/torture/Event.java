// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

/** What a run must have met, each at least once; what was not met was not tested. */
enum Event {
    /** Read under a guard. */
    GUARD_READ,
    /** A guard was refused. */
    GUARD_REFUSED,
    /** A handle had moved: its region was split, merged, cut, protected or moved. */
    MOVED_MET,
    /** Two guards at once. */
    NESTED_GUARDS,
    /** Written under a shared guard. */
    SHARED_WRITE,
    /** Read under a stamp. */
    STAMP_READ,
    /** A stamp was refused. */
    STAMP_REFUSED,
    /** A stamp was refused when it was used twice, and where it was of another region. */
    WRONG_STAMP_REFUSED,
    /** A thread ended with a lock. */
    OWNER_DIED,
    /** Read through a lease. */
    LEASE_READ,
    /** A lease was refused, or no lease was given. */
    LEASE_REFUSED,
    /** A lease read the right bytes after the unmap of its region was announced. */
    LEASE_OUTLIVED_UNMAP,
    /** Copied out through a lease. */
    LEASE_COPY,
    /** A hold was taken by one thread, and used and released by another. */
    HOLD_HANDED_ON,
    /** The same with a hold that had been a guard. */
    GUARD_HANDED_ON,
    /** A region was found under a pin, and read. */
    PIN_READ,
    /** A lookup found nothing, as it may. */
    PIN_MISSED,
    /** A pin ended after the unmap of what it had found was announced. */
    PIN_OUTLIVED_UNMAP,
    /** An optimistic read was valid. */
    OPTIMISTIC_READ,
    /** An optimistic read was not valid. */
    OPTIMISTIC_FAILED,
    /** An optimistic read met other bytes than the region's, and was not valid. */
    STALE_BYTES,
    /** Read through the helper that falls back to a guard. */
    HELPED_READ,
    /** Copied out. */
    CHECKED_COPY,
    /** All regions were listed, from a snapshot. */
    LISTED,
    /** Read by a virtual thread. */
    VIRTUAL_READ,
    /** Anonymous memory was mapped. */
    MAPPED,
    /** A file was mapped. */
    FILE_MAPPED,
    /** A region grew in place. */
    GROWN,
    /** A region was split. */
    SPLIT,
    /** Two regions were merged. */
    MERGED,
    /** The protection of a part was changed. */
    PROTECTED,
    /** A region lost its head or its tail. */
    TRIMMED,
    /** A region lost its middle. */
    CUT,
    /** A region moved to other addresses. */
    REMAPPED,
    /** A region was written under an exclusive lock. */
    REWRITTEN,
    /** An exclusive lock was given at once. */
    TRIED_EXCLUSIVE,
    /** An exclusive lock was not given at once. */
    EXCLUSIVE_REFUSED,
    /** A writer that had announced itself gave up. */
    EXCLUSIVE_GAVE_UP,
    /** A guard became exclusive. */
    UPGRADED,
    /** A guard could not become exclusive. */
    UPGRADE_REFUSED,
    /** An exclusive guard became a shared one. */
    DOWNGRADED,
    /** An unmap waited, and was done. */
    UNMAPPED,
    /** An unmap was left to the background, and was done. */
    UNMAPPED_LATER,
    /** What depended on an unmap in the background waited for another one. */
    CALLBACK_WAITED,
    /** A timed unmap went on in the background. */
    UNMAP_GAVE_UP,
    /** An unmap came second. */
    UNMAP_REFUSED,
    /** A section was published. */
    SECTION_PUBLISHED,
    /** A published section was opened again. */
    SECTION_UPGRADED,
    /** A section was left without being published. */
    SECTION_ROLLED_BACK,
    /** A region was replaced by another one in one step. */
    SECTION_REPLACED,
    /** A section wrote what it excluded. */
    SECTION_EXCLUDED,
    /** A section let readers in and kept writers out. */
    SECTION_DOWNGRADED,
    /** A section excluded all regions, and ended it with one store. */
    SECTION_ENDED_ALL,
    /** A section did not wait for a region's readers. */
    SECTION_GAVE_UP,
    /** The structure stood still within a read section. */
    READ_SECTION,
    /** Pages were written to their file, advised, and counted. */
    PAGES_TOUCHED,
    /** Idle memory, of regions and of tables, went back to the system. */
    SPACE_TRIMMED,
    /** A space was closed under its readers and writers, and another one opened. */
    REOPENED,
    /** An operation met a space that is closed. */
    CLOSE_MET,
    /** Everybody stopped for a moment and went on at once. */
    STUTTERED
}
