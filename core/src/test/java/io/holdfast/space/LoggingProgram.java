// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import io.holdfast.Region;
import java.lang.reflect.Field;
import java.time.Duration;

/** Opens two spaces and waits in one for a reader for so long that it is reported by the default listener. */
final class LoggingProgram {
    private LoggingProgram() {
    }

    public static void main(final String[] args) throws Exception {
        final CountingIdle idle = new CountingIdle();
        final AddressSpace.Builder builder = AddressSpace.builder().capacity(1 << 24).name("logged").idleStrategy(idle);
        final Field after = SpaceBuilder.class.getDeclaredField("reportAfter"); // with the listener as it is
        after.setAccessible(true);
        after.set(builder, Duration.ofNanos(1));
        try (AddressSpace space = builder.open();
             AddressSpace second = AddressSpace.builder().capacity(1 << 24).name("second").open()) {
            final Region region = space.map(second.isOpen() ? 1 : 2);
            final Threads.Holder reader = Threads.hold(region::share);
            final Threads.Work<Boolean> writer = Threads.start(() -> {
                region.exclusive().close();
                return true;
            });
            idle.awaitWaiter();
            reader.close();
            writer.get();
        }
        System.out.println("done");
    }
}
