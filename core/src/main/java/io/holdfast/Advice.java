// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import io.holdfast.memory.NativeMemory;

/** How the pages of a region are going to be used. Advice changes speed and residency, never bytes. */
public enum Advice {
    /** No particular pattern; takes back {@link #RANDOM} and {@link #SEQUENTIAL}. */
    NORMAL(NativeMemory.MADV_NORMAL, true),

    /** In no order: reading ahead is of no use. */
    RANDOM(NativeMemory.MADV_RANDOM, true),

    /** From the beginning to the end: read far ahead, and let go of what was read. */
    SEQUENTIAL(NativeMemory.MADV_SEQUENTIAL, true),

    /** Soon: begin to read it in. */
    WILL_NEED(NativeMemory.MADV_WILLNEED, false),

    /** Not for a while: reclaim these pages before others. Needs Linux 5.4. */
    COLD(NativeMemory.MADV_COLD, false),

    /** Not for long: write these pages out and reclaim them now. Needs Linux 5.4. */
    PAGE_OUT(NativeMemory.MADV_PAGEOUT, false);

    private final int number;
    private final boolean lasting;

    Advice(final int number, final boolean lasting) {
        this.number = number;
        this.lasting = lasting;
    }

    int number() {
        return number;
    }

    /** Whether the kernel remembers it with the addresses, so that they become a mapping of their own. */
    boolean isLasting() {
        return lasting;
    }
}
