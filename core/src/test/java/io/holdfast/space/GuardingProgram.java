// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import com.sun.management.ThreadMXBean;
import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntConsumer;

/**
 * Reads under guards, or what it finds under pins, that do not leave their method, in new threads each round, until a row
 * of rounds has allocated nothing for them, so that the compiler has had its last word: {@code threads kind what}, where
 * the kind is {@code platform} or {@code virtual}, and what is {@code guards} or {@code lookups}.
 */
final class GuardingProgram {
    private static final int READS = 1_000_000;
    private static final int BATCH = 1_000;
    private static final int ROW = 6;
    private static final int MOST_ROUNDS = 60;
    private static final int LEAST_OBJECT = 16;

    private GuardingProgram() {
    }

    public static void main(final String[] args) throws InterruptedException {
        final int threads = Integer.parseInt(args[0]);
        final Thread.Builder builder = args[1].equals("virtual") ? Thread.ofVirtual() : Thread.ofPlatform();
        final boolean lookups = args[2].equals("lookups");
        int row = 0;
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).open()) {
            final Region region = space.map(Long.BYTES);
            for (int round = 0; row < ROW && round < MOST_ROUNDS; round++) {
                final double each = round(builder, threads, lookups ? times -> find(space, region.address(), times)
                    : times -> read(region, times));
                System.out.println("bytes for each read: " + each);
                row = each < LEAST_OBJECT / 2.0 ? row + 1 : 0;
            }
        }
        System.exit(row == ROW ? 0 : 1);
    }

    private static double round(final Thread.Builder builder, final int threads, final IntConsumer reader)
        throws InterruptedException {
        final ThreadMXBean allocations = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        final CyclicBarrier ready = new CyclicBarrier(threads);
        final LongAdder reads = new LongAdder();
        final long before = allocations.getTotalThreadAllocatedBytes();
        final List<Thread> all = new ArrayList<>();
        for (int i = 0; i < threads; i++) {
            all.add(builder.start(() -> {
                try {
                    ready.await();
                } catch (final Exception e) {
                    throw new IllegalStateException(e);
                }
                for (int done = 0; done < READS / threads; done += BATCH) {
                    reader.accept(BATCH);
                    reads.add(BATCH);
                }
            }));
        }
        for (final Thread thread : all) {
            thread.join();
        }
        if (reads.sum() < READS) {
            throw new AssertionError("a thread has failed: reads=" + reads.sum() + ", wanted=" + READS);
        }
        return (double) (allocations.getTotalThreadAllocatedBytes() - before) / reads.sum();
    }

    private static void read(final Region region, final int times) {
        long sum = 0;
        for (int i = 0; i < times; i++) {
            sum += read(region) + tryRead(region);
        }
        checkZero(sum);
    }

    private static void find(final AddressSpace space, final long address, final int times) {
        long sum = 0;
        for (int i = 0; i < times; i++) {
            sum += find(space, address);
        }
        checkZero(sum);
    }

    private static long find(final AddressSpace space, final long address) {
        try (Pin pin = space.pin()) {
            return Objects.requireNonNull(pin.find(address)).optimisticSegment().get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private static void checkZero(final long sum) {
        if (sum != 0) {
            throw new AssertionError("bytes of a new region that are not zero: sum=" + sum);
        }
    }

    private static long read(final Region region) {
        try (Guard guard = region.share()) {
            return guard.segment().get(ValueLayout.JAVA_LONG, 0);
        }
    }

    private static long tryRead(final Region region) {
        try (Guard guard = region.tryShareWritable()) {
            return guard.segment().get(ValueLayout.JAVA_LONG, 0);
        }
    }
}
