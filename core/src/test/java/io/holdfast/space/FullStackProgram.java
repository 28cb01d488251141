// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.space.OperationTable.Operation;
import io.holdfast.space.ScarceOperation.Action;
import io.holdfast.space.ScarceOperation.Outcome;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Does operations in threads that have dug to the end of their stack and come some levels up again, from none up to where
 * they succeed: {@code attempts kind}, with attempts for each public method, shared by its rows, and threads that are
 * {@code platform} or {@code virtual}. Prints what is wrong, and how often the stack overflowed; ends with 1 if anything
 * is.
 */
final class FullStackProgram {
    private static final int STACK_BYTES = 512 << 10;
    private static final int ENOUGH = 2500; // levels, of which most of the stack has room for twice as many
    private static final int LEAST = 3; // attempts for one operation
    private static final int SHOWN = 3;

    private final boolean virtual;
    private final ScarceOperation operation;
    private int attempts;
    private int overflows;
    private int wrong;
    private @Nullable Throwable thrown; // in the depth

    private FullStackProgram(final Operation operation, final boolean virtual) throws Exception {
        this.operation = new ScarceOperation(operation);
        this.virtual = virtual;
    }

    public static void main(final String[] args) throws Exception {
        final int most = Integer.parseInt(args[0]);
        final List<Operation> all = ScarceOperation.rows();
        final Map<String, Long> rows =
            all.stream().collect(Collectors.groupingBy(Operation::method, Collectors.counting()));
        int attempts = 0;
        int overflows = 0;
        int wrong = 0;
        for (final Operation operation : all) {
            final FullStackProgram program = new FullStackProgram(operation, args[1].equals("virtual"));
            new Narrowing(1).from(ENOUGH, Math.max(LEAST, most / rows.get(operation.method()).intValue()),
                program::attempt);
            program.show(program.operation.end());
            attempts += program.attempts;
            overflows += program.overflows;
            wrong += program.wrong;
        }
        System.out.println("attempts=" + attempts + ", overflows=" + overflows + ", wrong=" + wrong);
        Runtime.getRuntime().halt(wrong == 0 && overflows > all.size() / 2 ? 0 : 1); // what was left would hold up the end
    }

    private void show(final @Nullable String trouble) {
        if (trouble != null && wrong++ < SHOWN) {
            System.out.println(operation + ": " + trouble);
        }
    }

    /** Where the operation came to its end: the method in which the stack overflowed. */
    private long attempt(final long levels) throws Exception {
        attempts++;
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
            if (last != null && wrong <= SHOWN) {
                for (int i = 0; i < Math.min(40, last.getStackTrace().length); i++) {
                    System.out.println("    at " + last.getStackTrace()[i]);
                }
            }
        }
        if (last == null) {
            return Narrowing.SUCCESS;
        }
        overflows++;
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
