// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;

/**
 * The system refused memory or an operation on it, or a limit of the space is reached. The message names the call or
 * the limit, the address, the size, the error, and the remedy. The space is as it was before.
 */
public class MappingException extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1;

    /**
     * An exception about a limit of the space.
     *
     * @param message names the limit, the values and the remedy
     */
    public MappingException(final String message) {
        super(message);
    }

    /**
     * An exception about a refusal of the system.
     *
     * @param message names the call, the error and the remedy
     * @param cause   what the system reported
     */
    public MappingException(final String message, final Throwable cause) {
        super(message, cause);
    }
}
