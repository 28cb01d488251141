// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The lines of memory that processors hold, as a cache with the states modified, shared and invalid would have them, and
 * how often one passes from one to another. What was woven calls it before each access.
 *
 * <p>A thread is a processor of its own, with a cache in which everything has room. A line passes when a thread reads one
 * that another has written since, or writes one that another has read or written since. The first access to a line passes
 * nothing. An object is a line, or several if it is an array; what a constructor writes does not count, because nobody else
 * has it. What is not seen: accesses of the JDK's own code, but for its atomics and locks, and the collector's cards.
 *
 * <p>Counts while a thread has the turn; accesses of all other threads are those of one more processor. Each thread-safe.
 */
public final class Lines {
    /** More threads than that cannot take turns. */
    static final int MOST_PROCESSORS = Long.SIZE - 1;

    private static final int OTHERS = MOST_PROCESSORS;
    private static final int LINE_SHIFT = 6;
    private static final int ARRAY_HEADER_BYTES = 16;
    private static final int NOBODY = -1;
    private static final int ACCESSES_EACH_YIELD = 64;

    private static final Map<Object, Holders> HOLDERS = new HashMap<>();
    private static final Map<String, Integer> PASSED = new TreeMap<>();
    private static final StackWalker STACK = StackWalker.getInstance(StackWalker.Option.RETAIN_CLASS_REFERENCE);

    private static volatile @Nullable Thread running;
    private static volatile boolean together;
    private static int processor;
    private static int calls;

    private Lines() {
    }

    /** Who has a line: its last writer, if nobody has read it since, and all who could read it without passing it. */
    private static final class Holders {
        private int writer = NOBODY;
        private long readers;
    }

    /** A line of an object. */
    private record Part(Object object, int line) {
        @Override
        public boolean equals(final @Nullable Object other) {
            return other instanceof Part(final Object its, final int at) && its == object && at == line;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(object) * 31 + line;
        }
    }

    /**
     * A thread has the turn, on a processor of its own, or nobody has.
     *
     * @param thread that has it from now on, or null: nothing is counted
     * @param number of its processor, less than {@link #MOST_PROCESSORS}
     */
    static void turn(final @Nullable Thread thread, final int number) {
        running = null;
        synchronized (HOLDERS) {
            processor = number;
        }
        running = thread;
    }

    /** All threads run at the same time from here on, and meet each other within their operations; or no more. */
    static void together(final boolean now) {
        together = now;
    }

    /** Forgets what has been counted, and not who has which line. */
    static void forgetCounts() {
        synchronized (HOLDERS) {
            PASSED.clear();
            calls = 0;
        }
    }

    /** {@return how often a line passed, by the place in the code that asked for it} */
    static Map<String, Integer> passed() {
        synchronized (HOLDERS) {
            return new TreeMap<>(PASSED);
        }
    }

    /** {@return how often the kernel was called} */
    static int calls() {
        synchronized (HOLDERS) {
            return calls;
        }
    }

    // ------------------------------------------------------------------------------------------- what is woven in

    /** An object is read. */
    public static void read(final @Nullable Object object) {
        if (isWatched() && object != null) {
            access(new Part(object, 0), false);
        }
    }

    /** An object is written, or locked. */
    public static void write(final @Nullable Object object) {
        if (isWatched() && object != null) {
            access(new Part(object, 0), true);
        }
    }

    /** An element of an array, or of an array of atomics, is read. */
    public static void readElement(final @Nullable Object array, final int index) {
        if (isWatched() && array != null) {
            access(new Part(array, lineOf(array, index)), false);
        }
    }

    /** An element of an array, or of an array of atomics, is written. */
    public static void writeElement(final @Nullable Object array, final int index) {
        if (isWatched() && array != null) {
            access(new Part(array, lineOf(array, index)), true);
        }
    }

    /** Native memory is read. */
    public static void readNative(final long address) {
        if (isWatched()) {
            access(address >>> LINE_SHIFT, false);
        }
    }

    /** Native memory is written. */
    public static void writeNative(final long address) {
        if (isWatched()) {
            access(address >>> LINE_SHIFT, true);
        }
    }

    /** Native memory is copied. */
    public static void copyNative(final long from, final long to, final long length) {
        if (isWatched()) {
            for (long line = from >>> LINE_SHIFT; line << LINE_SHIFT < from + length; line++) {
                access(line, false);
            }
            fillNative(to, length);
        }
    }

    /** Native memory is filled. */
    public static void fillNative(final long address, final long length) {
        if (isWatched()) {
            for (long line = address >>> LINE_SHIFT; line << LINE_SHIFT < address + length; line++) {
                access(line, true);
            }
        }
    }

    /** The kernel is called. */
    public static void call() {
        if (isWatched()) {
            synchronized (HOLDERS) {
                calls++;
            }
        }
    }

    @SuppressWarnings("ThreadPriorityCheck") // to be in each other's way, and nothing depends on it
    private static boolean isWatched() {
        if (together && ThreadLocalRandom.current().nextInt(ACCESSES_EACH_YIELD) == 0) {
            Thread.yield();
        }
        return running != null;
    }

    private static int lineOf(final Object array, final int index) {
        final int bytes = switch (array) {
            case final byte[] _ -> Byte.BYTES;
            case final boolean[] _ -> Byte.BYTES;
            case final short[] _ -> Short.BYTES;
            case final char[] _ -> Character.BYTES;
            case final long[] _ -> Long.BYTES;
            case final double[] _ -> Double.BYTES;
            case final AtomicLongArray _ -> Long.BYTES;
            default -> Integer.BYTES; // references are compressed
        };
        return ARRAY_HEADER_BYTES + index * bytes >>> LINE_SHIFT;
    }

    private static void access(final Object line, final boolean writes) {
        final Thread turn = running;
        synchronized (HOLDERS) {
            final int who = Thread.currentThread() == turn ? processor : OTHERS;
            final long mine = 1L << who;
            final Holders holders = HOLDERS.computeIfAbsent(line, _ -> new Holders());
            final boolean passes = writes ? (holders.readers & ~mine) != 0
                : holders.writer != NOBODY && (holders.readers & mine) == 0;
            if (passes) {
                PASSED.merge(place(writes), 1, Integer::sum);
            }
            if (writes) {
                holders.writer = who;
                holders.readers = mine;
            } else {
                holders.readers |= mine;
            }
        }
    }

    private static String place(final boolean writes) {
        return STACK.walk(frames -> frames
            .filter(frame -> frame.getDeclaringClass() != Lines.class &&
                !"io.holdfast.layout.Words".equals(frame.getClassName()))
            .limit(3)
            .map(frame -> frame.getDeclaringClass().getSimpleName() + "." + frame.getMethodName() + ":" +
                frame.getLineNumber())
            .reduce(writes ? "written by" : "read by", (all, next) -> all + " " + next));
    }
}
