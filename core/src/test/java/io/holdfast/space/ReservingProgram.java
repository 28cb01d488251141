// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.epoch.ReservedStack;

/**
 * Digs to the end of the stack and reserves stack at each depth on the way up; where that was granted, uses as much:
 * {@code bytes}. Ends with 1 if what was granted was not there, or if nothing was granted, or all. All of it but the
 * reserving has to be interpreted, so that what is used does not depend on a compiler.
 */
final class ReservingProgram {
    private static final int CALLS_UNTIL_COMPILED = 20_000;
    private static final int LEVELS = 400;
    private static final int STACK_BYTES = 1 << 20;

    private static int bytes;
    private static int frames;
    private static int depth;
    private static int granted;
    private static int refused;
    private static int broken;

    private ReservingProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        bytes = Integer.parseInt(args[0]);
        final int framesOfOne = framesOf(STACK_BYTES); // first: a stack may be given the memory of a dead larger one
        final int frameBytes = Math.ceilDiv(STACK_BYTES, framesOf(2 * STACK_BYTES) - framesOfOne);
        frames = bytes / frameBytes;
        for (int i = 0; i < CALLS_UNTIL_COMPILED; i++) {
            reserve();
        }
        run(STACK_BYTES, () -> dig(0));
        System.out.println("reserved: bytes=" + bytes + ", frameBytes=" + frameBytes + ", granted=" + granted +
            ", refused=" + refused + ", broken=" + broken);
        System.exit(granted > 0 && refused > 0 && broken == 0 ? 0 : 1);
    }

    private static void run(final int stackBytes, final Runnable body) throws InterruptedException {
        final Thread thread = new Thread(null, body, "digger", stackBytes);
        thread.start();
        thread.join();
    }

    private static int framesOf(final int stackBytes) throws InterruptedException {
        run(stackBytes, () -> {
            depth = 0;
            try {
                use(Integer.MAX_VALUE);
            } catch (final StackOverflowError e) {
                return;
            }
        });
        return depth;
    }

    /** Uses a frame of the interpreter for each that is left, and one. */
    private static void use(final int left) {
        depth++;
        if (left > 0) {
            use(left - 1);
        }
    }

    private static int dig(final int level) {
        int above = 0;
        try {
            if (level < Integer.MAX_VALUE) {
                above = dig(level + 1) + 1;
            }
        } catch (final StackOverflowError e) {
            above = 0;
        }
        if (above < LEVELS) {
            reserveAndUse();
        }
        return above;
    }

    private static void reserveAndUse() {
        try {
            reserve();
        } catch (final StackOverflowError e) {
            refused++;
            return;
        }
        granted++;
        try {
            use(frames - 1);
        } catch (final StackOverflowError e) {
            broken++;
        }
    }

    private static void reserve() {
        switch (bytes) {
            case 16_384 -> ReservedStack.forNested(1);
            case 8192 -> ReservedStack.forBeginning(1);
            case 4096 -> ReservedStack.forEnd(1);
            default -> throw new IllegalArgumentException("bytes=" + bytes);
        }
    }
}
