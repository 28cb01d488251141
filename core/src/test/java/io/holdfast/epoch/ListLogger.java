// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

import java.util.List;
import java.util.ResourceBundle;
import java.util.concurrent.CopyOnWriteArrayList;

/** Remembers messages, or throws as a logger may whose stack is at its end. */
final class ListLogger implements System.Logger {
    private final List<String> messages = new CopyOnWriteArrayList<>();
    private volatile boolean broken;

    List<String> messages() {
        return messages;
    }

    void breakDown(final boolean now) {
        broken = now;
    }

    @Override
    public String getName() {
        return "list";
    }

    @Override
    public boolean isLoggable(final Level level) {
        return true;
    }

    @Override
    public void log(final Level level, final ResourceBundle bundle, final String message, final Throwable thrown) {
        log(level, bundle, message);
    }

    @Override
    public void log(final Level level, final ResourceBundle bundle, final String message, final Object... parameters) {
        if (broken) {
            throw new StackOverflowError("in a logger");
        }
        messages.add(message);
    }
}
