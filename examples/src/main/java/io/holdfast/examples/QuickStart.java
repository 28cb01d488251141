// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.FileBacking;
import io.holdfast.Guard;
import io.holdfast.Region;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** The first program: map a file, write and read it, grow it, unmap it under whoever still wants to read. */
public final class QuickStart {
    private QuickStart() {
    }

    /**
     * Runs the program.
     *
     * @param args none
     * @throws IOException if there is no place for a temporary file
     */
    public static void main(final String[] args) throws IOException {
        final Path path = Files.createTempFile("quick-start-", ".log");
        try (AddressSpace space = AddressSpace.open()) {
            final Region log = space.map(FileBacking.readWrite(path).range(0, 4096).growableTo(1 << 20));
            try (Guard guard = log.shareWritable()) { // the region stays mapped while the guard is held
                guard.segment().set(ValueLayout.JAVA_LONG, 128, 42);
            }
            final long stamp = log.tryOptimisticRead(); // stores nothing, waits for nobody, cannot fault
            final long value = log.optimisticSegment().get(ValueLayout.JAVA_LONG, 128);
            System.out.println(log.validate(stamp) ? "read " + value : "somebody was faster");
            log.grow(64 << 10); // in place, under readers
            log.unmap(); // turns readers away, waits for those inside, no handshake with any other thread
            try (Guard late = log.tryShare()) {
                System.out.println("a late reader is told: " + late.refusal());
            }
        } finally {
            Files.delete(path);
        }
    }
}
