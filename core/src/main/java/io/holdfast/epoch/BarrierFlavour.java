// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/** How the cost of ordering an announcement against an exclusion is shared between readers and writers. */
public enum BarrierFlavour {
    /** Readers order for the compiler only; a writer runs {@code membarrier(PRIVATE_EXPEDITED)}. */
    MEMBARRIER,

    /** Readers and writers both run a full fence; works everywhere. */
    FENCE
}
