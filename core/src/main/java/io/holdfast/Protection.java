// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

/**
 * What may be done with the bytes of a region. Nothing else can be said: a page without access would fault a stale
 * reader, and code has no place in a region.
 */
public enum Protection {
    /** Guards are read-only, and the pages cannot be written by native code either. */
    READ_ONLY,
    /** Guards may write. */
    READ_WRITE
}
