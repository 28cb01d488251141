// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.space.OperationTable.Operation;
import io.holdfast.space.ScarceOperation.Action;
import io.holdfast.space.ScarceOperation.Outcome;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Does operations in threads that have dug to the end of their stack and come some levels up again, from none up to where
 * they succeed: {@code attempts kind}, with attempts for each public method, shared by its rows, and threads that are
 * {@code platform} or {@code virtual}. Prints what is wrong, and how often the stack overflowed; ends with 1 if anything
 * is.
 */
final class FullStackProgram extends ScarceProgram {
    private static final int STACK_BYTES = 512 << 10;
    private static final int ENOUGH = 2500; // levels, of which most of the stack has room for twice as many

    private final boolean virtual;
    private @Nullable Throwable thrown; // in the depth

    private FullStackProgram(final Operation operation, final boolean virtual) throws Exception {
        super(operation);
        this.virtual = virtual;
    }

    public static void main(final String[] args) throws Exception {
        final boolean virtual = args[1].equals("virtual");
        tryAll(Integer.parseInt(args[0]), "overflows", operation -> new FullStackProgram(operation, virtual));
    }

    @Override
    void tryEach(final int most) throws Exception {
        new Narrowing(1).from(ENOUGH, most, this::attempt);
    }

    /** Where the operation came to its end: the method in which the stack overflowed. */
    private long attempt(final long levels) throws Exception {
        attempted();
        final Outcome[] outcome = new Outcome[1];
        final Throwable[] failure = new Throwable[1];
        final Runnable body = () -> {
            try {
                outcome[0] = operation.attempt(action -> {
                    thrown = null;
                    dig(0, levels, action);
                    return thrown;
                });
            } catch (final Throwable e) {
                failure[0] = e;
            }
        };
        final Thread thread = virtual ? Thread.ofVirtual().unstarted(body)
            : new Thread(null, body, "digger", STACK_BYTES);
        thread.start();
        thread.join();
        if (failure[0] != null) {
            throw new IllegalStateException(operation + " with " + levels + " levels", failure[0]);
        }
        final Outcome came = Objects.requireNonNull(outcome[0]);
        final Throwable last = came.failure();
        if (came.wrong() != null || last != null && !(last instanceof StackOverflowError)) {
            show("with room for " + levels + " levels, after " + last + ": " + came.wrong());
            if (last != null && isShown()) {
                for (int i = 0; i < Math.min(40, last.getStackTrace().length); i++) {
                    System.out.println("    at " + last.getStackTrace()[i]);
                }
            }
        }
        if (last == null) {
            return Narrowing.SUCCESS;
        }
        refused();
        return last.getStackTrace().length == 0 ? 0 : last.getStackTrace()[0].hashCode();
    }

    private long dig(final long depth, final long levels, final Action action) {
        long deepest = depth;
        try {
            if (depth < Integer.MAX_VALUE) {
                deepest = dig(depth + 1, levels, action);
            }
        } catch (final StackOverflowError e) {
            deepest = depth;
        }
        if (deepest - depth == levels) {
            try {
                action.run();
            } catch (final Throwable e) {
                thrown = e;
            }
        }
        return deepest;
    }
}
