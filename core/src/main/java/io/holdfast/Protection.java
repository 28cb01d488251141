// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/**
 * What may be done with the bytes of a region. There is nothing else: a page without access would make a stale reader
 * fault, and regions are not for code.
 */
public enum Protection {
    /** Guards are read-only, and the pages cannot be written by native code either. */
    READ_ONLY,
    /** Guards may write. */
    READ_WRITE
}
