// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/**
 * A mapping at a fixed address failed and left a hole into which somebody else's memory came, or that could not be
 * filled again. The range is never touched again by its reservation; its owner must never hand it out.
 */
public final class RangeLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The range's offset in its reservation. */
    private final long offset;
    /** The range's length in bytes. */
    private final long length;

    RangeLostException(final long offset, final long length, final NativeException cause) {
        super("address range lost: offset=" + offset + ", length=" + length +
            "; it is not used again; the failed call was: " + cause.getMessage(), cause);
        this.offset = offset;
        this.length = length;
    }

    /** {@return the lost range's offset in its reservation, in bytes} */
    public long offset() {
        return offset;
    }

    /** {@return the lost range's length in bytes} */
    public long length() {
        return length;
    }
}
