// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/** How a space orders readers that announce themselves against writers that look for them. */
public enum Barrier {
    /** {@link #MEMBARRIER} where the system offers it, {@link #FENCE} otherwise. */
    AUTO,

    /** Readers pay nothing; a writer runs one {@code membarrier} system call. Needs Linux 4.14. */
    MEMBARRIER,

    /** Readers and writers run a full fence. */
    FENCE
}
