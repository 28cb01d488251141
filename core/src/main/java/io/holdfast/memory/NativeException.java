// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

/**
 * A system call failed. The message names the call, the addresses, the error and what to do about it; the same facts
 * are available one by one.
 */
public final class NativeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The failed call. */
    private final NativeCall call;
    /** The address that the call was given. */
    private final long address;
    /** The length in bytes that the call was given. */
    private final long length;
    /** The error number. */
    private final int errno;

    /**
     * Creates the exception for one failed call.
     *
     * @param call the failed call
     * @param address the address it was given, 0 where it has none
     * @param length the length in bytes it was given, 0 where it has none
     * @param errno the error number, positive
     * @param remedy what the reader of the message can do
     */
    public NativeException(
        final NativeCall call, final long address, final long length, final int errno, final String remedy) {
        super(call.symbol() + " failed: address=0x" + Long.toHexString(address) + ", length=" + length +
            ", errno=" + errno + " (" + Errno.name(errno) + "): " + remedy);
        this.call = call;
        this.address = address;
        this.length = length;
        this.errno = errno;
    }

    /** {@return the failed call} */
    public NativeCall call() {
        return call;
    }

    /** {@return the address that the call was given, 0 where it has none} */
    public long address() {
        return address;
    }

    /** {@return the length in bytes that the call was given, 0 where it has none} */
    public long length() {
        return length;
    }

    /** {@return the error number, see {@link Errno}} */
    public int errno() {
        return errno;
    }

    /** The error number of the system call that is the reason of a failure, 0 if none is. */
    public static int errnoOf(final Throwable failure) {
        for (Throwable each = failure; each != null; each = each.getCause()) {
            if (each instanceof NativeException failed) {
                return failed.errno();
            }
        }
        return 0;
    }
}
