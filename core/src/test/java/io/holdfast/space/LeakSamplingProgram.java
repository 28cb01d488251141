// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import io.holdfast.epoch.Ledger;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/** Leaves behind what its argument names, in a process of its own where the places of some things are sampled. */
final class LeakSamplingProgram {
    private static final long PATIENCE_NS = 30_000_000_000L;
    private static final int MANY = 20_000;
    private static final int REPORTS = 3;
    private static final ByteArrayOutputStream LOG = new ByteArrayOutputStream();

    private LeakSamplingProgram() {
    }

    public static void main(final String[] args) throws Exception {
        System.setErr(new PrintStream(LOG, true, StandardCharsets.UTF_8));
        final Path file = Files.createTempFile("leaks", ".jfr");
        try (Recording recording = new Recording()) {
            recording.enable("io.holdfast.Leak");
            recording.start();
            switch (args[0]) {
                case "garbage" -> leaveGarbage();
                case "wait" -> letTwoWait();
                case "space" -> leaveASpace();
                default -> countHolds();
            }
            recording.dump(file);
        }
        System.out.println(LOG.toString(StandardCharsets.UTF_8));
        for (final RecordedEvent event : RecordingFile.readAllEvents(file)) {
            if (event.getEventType().getName().equals("io.holdfast.Leak")) {
                System.out.println("told: " + event.getString("space") + ": " + event.getString("what") + " " +
                    event.getString("place").replace("\n", " <- "));
            }
        }
        Files.delete(file);
    }

    /** What was closed is garbage no later than what was not. */
    private static void leaveGarbage() {
        final AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("leaking").open();
        final Region region = space.map(1);
        closeGuard(region);
        closeHold(region);
        closeGuardThatBecameAHold(region);
        System.out.println("open when all is closed: " + Ledger.open().size());
        System.gc();
        leaveGuard(region);
        leaveHold(region);
        collectUntil("what=guard");
        collectUntil("what=hold");
        System.out.println("still mapped: " + region.isMapped() + space.name());
    }

    private static void closeGuard(final Region region) {
        region.share().close();
        region.exclusive().close();
    }

    private static void closeHold(final Region region) {
        region.hold().close();
    }

    private static void closeGuardThatBecameAHold(final Region region) {
        try (Guard guard = region.share(); Hold _ = guard.toHold()) {
            guard.region();
        }
    }

    @SuppressWarnings("MustBeClosedChecker")
    private static void leaveGuard(final Region region) {
        region.share();
    }

    @SuppressWarnings("MustBeClosedChecker")
    private static void leaveHold(final Region region) {
        region.hold();
    }

    /** Lets a writer, and then an unmap, wait for the same hold, each for several reports. */
    private static void letTwoWait() throws InterruptedException {
        final Semaphore reports = new Semaphore(0);
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("waiting")
            .reportWaits(Duration.ofMillis(1), report -> {
                report.holders().forEach(holder -> System.err.println("waited for " + holder.place()));
                reports.release();
            }).open()) {
            final Region region = space.map(1);
            final Hold hold = keepHold(region);
            final Thread writer = new Thread(() -> giveUpExclusive(region));
            writer.start();
            reports.acquire(REPORTS);
            writer.interrupt();
            writer.join();
            reports.drainPermits();
            region.unmapAsync();
            reports.acquire(REPORTS);
            hold.close();
        }
    }

    private static void giveUpExclusive(final Region region) {
        try (Guard guard = region.exclusive(1, TimeUnit.HOURS)) {
            System.err.println("not interrupted: " + guard);
        } catch (final InterruptedException | TimeoutException e) {
            System.err.println("given up: " + e);
        }
    }

    private static Hold keepHold(final Region region) {
        return region.hold();
    }

    private static void leaveASpace() {
        openAndForget();
        collectUntil("region was never unmapped");
    }

    private static void openAndForget() {
        AddressSpace.builder().capacity(1 << 24).name("left").open().map(MapRequest.anonymous(1).named("forgotten"));
    }

    private static void countHolds() {
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).name("counting").open()) {
            final Region region = space.map(1);
            final List<Hold> holds = new ArrayList<>();
            for (int i = 0; i < MANY; i++) {
                holds.add(keepHold(region));
            }
            System.out.println("remembered=" + Ledger.open().size() + " of " + MANY);
            holds.forEach(Hold::close);
            System.out.println("open when all is closed: " + Ledger.open().size());
            region.unmap();
        }
    }

    private static void collectUntil(final String text) {
        final long end = System.nanoTime() + PATIENCE_NS;
        while (!said(text) && System.nanoTime() < end) {
            System.gc();
        }
    }

    private static boolean said(final String text) {
        return LOG.toString(StandardCharsets.UTF_8).contains(text);
    }
}
