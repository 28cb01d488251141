// SPDX-License-Identifier: Apache-2.0
package io.holdfast.epoch;

/** Runs an operation where the stack ends, and then with ever more of it, until it comes through. */
public final class StackDigger {
    private static final long STACK = 256L << 10;
    private static final int DEEP = 1_000_000;

    private final Runnable operation;
    private int ended;
    private boolean cameThrough;

    private StackDigger(final Runnable operation) {
        this.operation = operation;
    }

    /**
     * Does that in a thread of its own.
     *
     * @param lower frames above all others, so that the stack ends elsewhere in them
     * @return how often the stack ended
     */
    public static int dig(final Runnable operation, final int lower) throws InterruptedException {
        final StackDigger digger = new StackDigger(operation);
        final Thread thread = new Thread(null, () -> digger.cameThrough = digger.digLower(lower), "digger", STACK);
        thread.start();
        thread.join();
        if (!digger.cameThrough) {
            throw new IllegalStateException("the stack has room nowhere");
        }
        return digger.ended;
    }

    private boolean digLower(final int lower) {
        return lower == 0 ? dig(0) : digLower(lower - 1);
    }

    private boolean dig(final int depth) {
        try {
            if (depth < DEEP && dig(depth + 1)) {
                return true;
            }
        } catch (final StackOverflowError e) {
            ended++;
        }
        try {
            operation.run();
            return true;
        } catch (final StackOverflowError e) {
            ended++;
            return false;
        }
    }
}
