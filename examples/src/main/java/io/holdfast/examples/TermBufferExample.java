// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import io.holdfast.agrona.RegionBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Term buffers that roll, as in Aeron: several threads append messages without waiting for each other, one polls them.
 * When a term is full the next one is mapped, and the reader unmaps the one that it has read to its end, while late
 * appenders may still look at it: a guard keeps a term for as long as one append takes.
 */
public final class TermBufferExample {
    private static final int TERM_BYTES = 1 << 14;
    private static final int TAIL = 0;
    private static final int FIRST_RECORD = 64; // behind the tail, on a line of memory of its own
    private static final int HEADER = 8;
    private static final int PADDING = -1;
    private static final int MAX_WORDS = 3;

    private enum Outcome {
        APPENDED,
        /** The term has no room, and it is this thread that has to map the next one. */
        FIRST_TOO_MUCH,
        TOO_MUCH
    }

    private final AddressSpace space;
    private final AtomicReferenceArray<Region> terms; // each is set once
    private int reading;
    private int position = FIRST_RECORD;

    private TermBufferExample(final AddressSpace space, final int maxTerms) {
        this.space = space;
        this.terms = new AtomicReferenceArray<>(maxTerms);
        terms.set(0, space.map(TERM_BYTES));
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws InterruptedException if the thread is interrupted
     */
    public static void main(final String[] args) throws InterruptedException {
        System.out.println("terms that 200,000 messages took: " + exchange(2, 100_000));
    }

    /** Appends from so many threads and polls; how many terms that took. Fails on a message that is lost or late. */
    static int exchange(final int producers, final int messages) throws InterruptedException {
        try (AddressSpace space = AddressSpace.open()) {
            final long bytes = (long) producers * messages * (HEADER + MAX_WORDS * Long.BYTES);
            final TermBufferExample log = new TermBufferExample(space, (int) (bytes / (TERM_BYTES / 2)) + 2);
            final List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < producers; i++) {
                final int producer = i;
                threads.add(Thread.ofPlatform().start(() -> {
                    for (int number = 0; number < messages; number++) {
                        log.append(producer, number);
                    }
                }));
            }
            final int[] next = new int[producers];
            for (int received = 0; received < producers * messages;) {
                received += log.poll(next);
            }
            for (final Thread thread : threads) {
                thread.join();
            }
            log.terms.get(log.reading).unmap();
            return log.reading + 1;
        }
    }

    private void append(final int producer, final int number) {
        int term = reading(); // a hint: no term before that one has room
        Outcome outcome = tryAppend(term, producer, number);
        while (outcome != Outcome.APPENDED) {
            term++;
            if (outcome == Outcome.FIRST_TOO_MUCH) {
                terms.set(term, space.map(TERM_BYTES));
            }
            while (terms.get(term) == null) {
                Thread.onSpinWait(); // another thread is mapping it
            }
            outcome = tryAppend(term, producer, number);
        }
    }

    private synchronized int reading() {
        return reading;
    }

    private Outcome tryAppend(final int term, final int producer, final int number) {
        try (Guard guard = terms.get(term).tryShareWritable()) {
            if (!guard.isHeld()) {
                return Outcome.TOO_MUCH; // it was full, and is gone
            }
            final RegionBuffer buffer = RegionBuffer.of(guard);
            final int length = HEADER + Long.BYTES * (1 + number % MAX_WORDS);
            final long at = FIRST_RECORD + buffer.getAndAddLong(TAIL, length);
            if (at + length <= buffer.capacity()) {
                for (int i = HEADER; i < length; i += Long.BYTES) {
                    buffer.putInt((int) at + i, producer);
                    buffer.putInt((int) at + i + Integer.BYTES, number);
                }
                buffer.putIntOrdered((int) at, length); // last: the reader looks at it first
                return Outcome.APPENDED;
            }
            if (at < buffer.capacity()) {
                buffer.putIntOrdered((int) at, PADDING);
            }
            return at <= buffer.capacity() ? Outcome.FIRST_TOO_MUCH : Outcome.TOO_MUCH;
        }
    }

    /** Takes what has been appended to the term; unmaps it at its end. How many messages there were. */
    private int poll(final int[] next) {
        final Region term = terms.get(reading);
        int received = 0;
        boolean ended = false;
        try (Guard guard = term.share()) {
            final RegionBuffer buffer = RegionBuffer.of(guard);
            while (!ended) {
                ended = position >= buffer.capacity();
                final int length = ended ? PADDING : buffer.getIntVolatile(position);
                ended = length == PADDING;
                if (length == 0) {
                    break;
                }
                if (!ended) {
                    for (int i = HEADER; i < length; i += Long.BYTES) {
                        check(buffer.getInt(position + i), buffer.getInt(position + i + Integer.BYTES), next);
                    }
                    next[buffer.getInt(position + HEADER)]++;
                    received++;
                    position += length;
                }
            }
        }
        if (ended && terms.get(reading + 1) != null) {
            advance();
            term.unmapAsync(); // waits for appenders that are still inside, and not for us
        }
        return received;
    }

    private synchronized void advance() {
        reading++;
        position = FIRST_RECORD;
    }

    private static void check(final int producer, final int number, final int[] next) {
        if (number != next[producer]) {
            throw new IllegalStateException("message lost: producer=" + producer + ", number=" + number);
        }
    }
}
