// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** A platform thread that reads memory of its own all the time, until it is closed, or none. */
final class BusyReader implements AutoCloseable {
    private static final int BYTES = 4096;

    private final @Nullable Thread thread;
    private volatile boolean stop;
    @SuppressWarnings("unused") // written so that the reads are not left out
    private volatile long sink;

    BusyReader(final boolean wanted) {
        this.thread = wanted ? Thread.ofPlatform().daemon().name("busy-reader").unstarted(this::read) : null;
        if (thread != null) {
            thread.start();
        }
    }

    private void read() {
        final MemorySegment other = Arena.global().allocate(BYTES, Long.BYTES);
        long sum = 0;
        while (!stop) {
            sum += other.get(JAVA_LONG, sum & 64);
        }
        sink = sum;
    }

    @Override
    public void close() {
        stop = true;
        if (thread != null) {
            try {
                thread.join();
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
