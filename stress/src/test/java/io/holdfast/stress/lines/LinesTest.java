// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What passes a line from one processor to another, and what does not. */
class LinesTest {
    private static final int LONGS_IN_A_LINE = 8;

    private final Object object = new Object();

    @BeforeEach
    void begin() {
        Lines.forgetCounts();
    }

    @AfterEach
    void end() {
        Lines.turn(null, 0);
    }

    /** Another processor, for the same thread. */
    private static void on(final int processor) {
        Lines.turn(Thread.currentThread(), processor);
    }

    private static int passed() {
        return Lines.passed().values().stream().mapToInt(Integer::intValue).sum();
    }

    @Test
    void firstAccessesMustPassNothing() {
        on(0);
        Lines.read(object);
        on(1);
        Lines.write(new Object());
        assertThat(passed()).isZero();
    }

    @Test
    void whatOneAloneReadsAndWritesMustNotPass() {
        on(0);
        for (int i = 0; i < 3; i++) {
            Lines.read(object);
            Lines.write(object);
        }
        assertThat(passed()).isZero();
    }

    @Test
    void whatAllReadMustNotPass() {
        for (int round = 0; round < 3; round++) {
            for (int processor = 0; processor < 3; processor++) {
                on(processor);
                Lines.read(object);
            }
        }
        assertThat(passed()).isZero();
    }

    @Test
    void aReadOfWhatAnotherHasWrittenMustPassOnce() {
        on(0);
        Lines.write(object);
        on(1);
        Lines.read(object);
        Lines.read(object);
        assertThat(passed()).isOne();
        on(0);
        Lines.read(object);
        assertThat(passed()).as("its own, which it still has").isOne();
    }

    @Test
    void aWriteOfWhatAnotherHasReadMustPassOnce() {
        on(0);
        Lines.write(object);
        on(1);
        Lines.read(object);
        on(0);
        Lines.write(object);
        Lines.write(object);
        assertThat(passed()).isEqualTo(2);
    }

    @Test
    void neighboursInOneLineMustPass() {
        final long[] array = new long[4 * LONGS_IN_A_LINE];
        on(0);
        Lines.writeElement(array, 0);
        Lines.writeNative(1 << 12);
        on(1);
        Lines.writeElement(array, 1);
        Lines.writeNative((1 << 12) + Long.BYTES);
        assertThat(passed()).isEqualTo(2);
        Lines.writeElement(array, LONGS_IN_A_LINE);
        Lines.writeNative((1 << 12) + LONGS_IN_A_LINE * Long.BYTES);
        assertThat(passed()).as("lines of their own").isEqualTo(2);
    }

    @Test
    void copiesMustPassEachLineOfBothSides() {
        final long from = 1 << 20;
        final long to = 1 << 21;
        on(0);
        Lines.fillNative(from, 256);
        Lines.fillNative(to, 256);
        on(1);
        Lines.copyNative(from, to, 256);
        assertThat(passed()).isEqualTo(2 * 256 / 64);
    }

    @Test
    void whatNobodyWatchesMustNotCount() {
        on(0);
        Lines.write(object);
        Lines.turn(null, 0);
        Lines.write(object);
        on(1);
        Lines.forgetCounts();
        assertThat(passed()).isZero();
        assertThat(Lines.calls()).isZero();
        Lines.call();
        assertThat(Lines.calls()).isOne();
    }
}
