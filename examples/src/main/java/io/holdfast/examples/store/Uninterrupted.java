// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;

/**
 * File access of a thread that may be interrupted. An interrupt closes the channel that the thread is using, even if it
 * came long before, and the access fails as if the disk were broken. Here the access is made all the same, and the thread
 * is still interrupted when it returns.
 */
final class Uninterrupted {
    private Uninterrupted() {
    }

    /** One access, which opens its own channel and can be repeated from its beginning. */
    @FunctionalInterface
    interface Access<T> {
        T run() throws IOException;
    }

    /** Makes the access, as often as interrupts break it. */
    static <T> T run(final Access<T> access) throws IOException {
        boolean interrupted = Thread.interrupted();
        try {
            while (true) {
                try {
                    return access.run();
                } catch (final ClosedByInterruptException e) {
                    interrupted = true;
                    Thread.interrupted();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
