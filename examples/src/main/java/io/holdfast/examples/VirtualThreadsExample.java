// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A request that is answered by many virtual threads, one for each segment of a store, while segments go. Each thread
 * takes a guard for as long as it reads; a segment that has gone before is refused, and the answer is that of the others.
 *
 * <p>With {@code StructuredTaskScope}, which is a preview in Java 25, the executor becomes a scope and nothing else
 * changes.
 */
public final class VirtualThreadsExample {
    private static final long SEGMENT_BYTES = 1 << 16;

    private VirtualThreadsExample() {
    }

    /** What came of a request. */
    record Answer(long sum, int refused) {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws Exception if a task fails
     */
    public static void main(final String[] args) throws Exception {
        System.out.println(ask(1_000));
    }

    static Answer ask(final int segments) throws InterruptedException, ExecutionException {
        try (AddressSpace space = AddressSpace.open()) {
            final List<Region> regions = new ArrayList<>();
            for (int i = 0; i < segments; i++) {
                final Region region = space.map(SEGMENT_BYTES);
                try (Guard guard = region.exclusive()) {
                    guard.segment().set(JAVA_LONG, 0, 1);
                }
                regions.add(region);
            }
            long sum = 0;
            int refused = 0;
            try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
                final List<Future<Long>> parts = new ArrayList<>();
                for (final Region region : regions) {
                    parts.add(threads.submit(() -> read(region)));
                }
                for (int i = 0; i < segments; i += 2) {
                    regions.get(i).unmap(); // beside the readers; waits for those inside
                }
                for (final Future<Long> part : parts) {
                    final long value = part.get();
                    sum += Math.max(value, 0);
                    refused += value < 0 ? 1 : 0;
                }
            }
            for (int i = 1; i < segments; i += 2) {
                regions.get(i).unmap();
            }
            return new Answer(sum, refused);
        }
    }

    /** The value of a segment, -1 if it has gone. */
    private static long read(final Region region) {
        try (Guard guard = region.tryShare()) {
            return guard.isHeld() ? guard.segment().get(JAVA_LONG, 0) : -1;
        }
    }
}
