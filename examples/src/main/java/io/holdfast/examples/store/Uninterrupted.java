// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;

/**
 * File access of a thread that may be interrupted. An interrupt closes the channel that the thread is using, also when it
 * came long before, so whoever stores something would be told of a broken disk because somebody wants him to end. Here
 * the access is made, and the thread is interrupted still when it returns.
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
