// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples;

import io.holdfast.AddressSpace;
import io.holdfast.Hold;
import io.holdfast.MapRequest;
import io.holdfast.Region;
import io.holdfast.SpaceStatistics;
import io.holdfast.WaitReport;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.ToDoubleFunction;
import jdk.jfr.consumer.RecordingStream;

/**
 * A service that watches its own space: meters for Micrometer, events of the flight recorder as they come, and a listener
 * that is told of whom a long wait is for. All three see an unmap that waits for a hold.
 */
public final class WatchedServiceExample {
    private WatchedServiceExample() {
    }

    /** What was seen of an unmap that had to wait. */
    record Seen(double backlog, WaitReport report, String holders) {
    }

    /** The numbers of a space as meters; a registry asks for them when it publishes. */
    record SpaceMeters(AddressSpace space) implements MeterBinder {
        @Override
        public void bindTo(final MeterRegistry registry) {
            gauge(registry, "holdfast.regions", SpaceStatistics::regions);
            gauge(registry, "holdfast.mapped.bytes", SpaceStatistics::mappedBytes);
            gauge(registry, "holdfast.backlog.unmaps", SpaceStatistics::backlogUnmaps);
            gauge(registry, "holdfast.backlog.bytes", SpaceStatistics::backlogBytes);
            gauge(registry, "holdfast.retired.bytes", SpaceStatistics::retiredBytes);
            gauge(registry, "holdfast.quarantined.bytes", SpaceStatistics::quarantinedBytes);
            Gauge.builder("holdfast.mapping.headroom", space, AddressSpace::mappingHeadroom).register(registry);
            FunctionCounter.builder("holdfast.unmaps", space, watched -> watched.statistics().unmaps())
                .tag("space", space.name()).register(registry);
        }

        private void gauge(final MeterRegistry registry, final String name, final ToDoubleFunction<SpaceStatistics> value) {
            Gauge.builder(name, space, watched -> value.applyAsDouble(watched.statistics()))
                .tag("space", space.name()).register(registry);
        }
    }

    /**
     * Runs the program.
     *
     * @param args none
     */
    public static void main(final String[] args) {
        System.out.println(seen());
    }

    static Seen seen() {
        final CompletableFuture<WaitReport> reported = new CompletableFuture<>();
        final CompletableFuture<String> recorded = new CompletableFuture<>();
        try (RecordingStream events = new RecordingStream();
             AddressSpace space = AddressSpace.builder().name("orders")
                 .reportWaits(Duration.ofMillis(20), reported::complete).open()) {
            events.enable("io.holdfast.StalledWait");
            events.onEvent("io.holdfast.StalledWait", event -> recorded.complete(event.getString("holders")));
            events.startAsync();
            final MeterRegistry meters = new SimpleMeterRegistry();
            new SpaceMeters(space).bindTo(meters);

            final Region region = space.map(MapRequest.anonymous(1 << 16).named("cache"));
            final CompletableFuture<Void> gone;
            final WaitReport report;
            final double backlog;
            try (Hold hold = region.hold()) {
                gone = hold.region().unmapAsync().toCompletableFuture();
                report = reported.join();
                backlog = meters.get("holdfast.backlog.unmaps").gauge().value();
            }
            gone.join();
            events.stop(); // what was recorded before comes through
            return new Seen(backlog, report, recorded.join());
        }
    }
}
