// SPDX-License-Identifier: Apache-2.0
package io.holdfast;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * An operation that the state of a region does not allow. The message names the operation, the region, the decoded
 * state of its lock, and what to do.
 */
public class RegionException extends IllegalStateException {
    @Serial
    private static final long serialVersionUID = 1;

    /** Why the lock was refused, or null if it is not about a lock. */
    private final @Nullable Refusal refusal;

    /**
     * An exception about a region.
     *
     * @param message names the operation, the region, the decoded state of its lock, and what to do
     * @param refusal why a lock was refused, null if the exception is not about a lock
     */
    public RegionException(final String message, final @Nullable Refusal refusal) {
        super(message);
        this.refusal = refusal;
    }

    /** {@return why the lock was refused, or null if the exception is not about a lock} */
    public @Nullable Refusal refusal() {
        return refusal;
    }
}
