// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.MapRequest;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Leaves a space behind without closing it, and regions of others without unmapping them. */
final class ForgetfulProgram {
    private static final long PATIENCE_NS = 30_000_000_000L;
    private ForgetfulProgram() {
    }

    public static void main(final String[] args) {
        final ByteArrayOutputStream reports = new ByteArrayOutputStream();
        System.setErr(new PrintStream(reports, true, StandardCharsets.UTF_8));
        try (AddressSpace tidy = AddressSpace.builder().capacity(1 << 24).name("tidy").open()) {
            mapAndForget(tidy);
        }
        try (AddressSpace crowded = AddressSpace.builder().capacity(1 << 24).name("crowded").open()) {
            for (int i = 0; i < 1000; i++) {
                mapAndForget(crowded);
            }
        }
        openAndForget();
        final long end = System.nanoTime() + PATIENCE_NS;
        while (!reports.toString(StandardCharsets.UTF_8).contains("left without being closed") &&
            System.nanoTime() < end) {
            System.gc();
        }
        System.out.println(reports.toString(StandardCharsets.UTF_8));
    }

    private static void mapAndForget(final AddressSpace space) {
        space.map(MapRequest.anonymous(1).named("forgotten"));
    }

    private static void openAndForget() {
        final AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("left").open();
        mapAndForget(space);
    }
}
