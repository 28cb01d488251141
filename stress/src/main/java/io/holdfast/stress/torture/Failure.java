// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.torture;

import java.io.Serial;

/** A guarantee does not hold. */
final class Failure extends AssertionError {
    @Serial
    private static final long serialVersionUID = 1;

    Failure(final String message) {
        super(message);
    }
}
