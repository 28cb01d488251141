// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;
import java.util.OptionalInt;

/**
 * The system refused memory or an operation on it, or a limit of the space is reached. The message names the call or
 * the limit, the address, the size, the error, and the remedy. The space is as it was before.
 */
public class MappingException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /** The error number, 0 if no system call failed. */
    private final int errno;

    /**
     * An exception about a limit of the space.
     *
     * @param message names the limit, the values and the remedy
     */
    public MappingException(final String message) {
        super(message);
        this.errno = 0;
    }

    /**
     * An exception about a refusal of the system.
     *
     * @param message names the call, the error and the remedy
     * @param errno   the error number of the system call that failed, 0 if none did
     * @param cause   what the system reported
     */
    public MappingException(final String message, final int errno, final Throwable cause) {
        super(message, cause);
        this.errno = errno;
    }

    /**
     * The error number of the system call that failed, as the C library has it: 12 for {@code ENOMEM}. The message names
     * it.
     *
     * @return the number, or empty if it was not a system call that refused, but a limit of the space
     */
    public OptionalInt errno() {
        return errno == 0 ? OptionalInt.empty() : OptionalInt.of(errno);
    }
}
