// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/** How the pages of a region are going to be used. Advice changes speed and residency, never bytes. */
public enum Advice {
    /** No particular pattern; takes back {@link #RANDOM} and {@link #SEQUENTIAL}. */
    NORMAL,

    /** In no order: reading ahead is of no use. */
    RANDOM,

    /** From the beginning to the end: read far ahead, and let go of what was read. */
    SEQUENTIAL,

    /** Soon: begin to read it in. */
    WILL_NEED,

    /** Not for a while: reclaim these pages before others. Needs Linux 5.4. */
    COLD,

    /** Not for long: write these pages out and reclaim them now. Needs Linux 5.4. */
    PAGE_OUT
}
