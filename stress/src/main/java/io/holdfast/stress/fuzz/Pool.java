// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fuzz;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Pin;
import io.holdfast.Region;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** Every object that calls gave, open or closed, to be used again. Of the main thread alone. */
final class Pool {
    private static final int MOST = 24;
    private static final int STAMPS = 32;

    private final SplittableRandom random;
    private final Map<Class<?>, List<Object>> objects = new HashMap<>();
    private final List<Stamp> stamps = new ArrayList<>();
    private final List<AutoCloseable> open = new ArrayList<>();

    /** A stamp that a call gave. */
    record Stamp(Region region, long value, String method) {
        boolean isHold() {
            return method.contains("Counted");
        }

        void release() {
            try {
                if (isHold()) {
                    region.unlockCounted(value);
                } else if (method.contains("Exclusive")) {
                    region.unlockExclusive(value);
                } else {
                    region.unlockShared(value);
                }
            } catch (final IllegalMonitorStateException e) {
                return; // some call has released it already
            }
        }
    }

    Pool(final SplittableRandom random) {
        this.random = random;
    }

    /** Keeps what a call gave, and, where it must be ended, that it has to be. */
    void add(final @Nullable Object object) {
        if (object instanceof final Collection<?> all) {
            all.forEach(this::add);
        } else if (object != null) {
            final List<Object> same = objects.computeIfAbsent(typeOf(object), _ -> new ArrayList<>());
            if (same.size() < MOST) {
                same.add(object);
            } else {
                same.set(random.nextInt(MOST), object);
            }
            if (object instanceof final AutoCloseable closeable && !(object instanceof AddressSpace)) {
                open.add(closeable);
            }
        }
    }

    private static Class<?> typeOf(final Object object) {
        return object instanceof MemorySegment ? MemorySegment.class : object.getClass();
    }

    void add(final Stamp stamp) {
        stamps.add(stamp);
    }

    /** An object of a type, or null if there has been none. */
    @Nullable Object any(final Class<?> type) {
        final List<Object> candidates = new ArrayList<>();
        objects.forEach((key, list) -> {
            if (type.isAssignableFrom(key)) {
                candidates.addAll(list);
            }
        });
        return candidates.isEmpty() ? null : candidates.get(random.nextInt(candidates.size()));
    }

    /** A stamp that was given, or 0. */
    long anyStamp() {
        return stamps.isEmpty() ? 0 : stamps.get(random.nextInt(stamps.size())).value();
    }

    boolean hasManyOpen() {
        return open.size() > MOST || stamps.size() > STAMPS;
    }

    /** Ends counted holds, which belong to no thread, so that nobody could tell that he waits for his own. */
    void endHolds() {
        stamps.stream().filter(Stamp::isHold).forEach(Stamp::release);
        stamps.removeIf(Stamp::isHold);
        end(Hold.View.class);
        end(Hold.class);
    }

    /** Ends everything that is held; what is closed already stays so. */
    void endAll() {
        end(Guard.class);
        end(Pin.class);
        stamps.forEach(Stamp::release);
        stamps.clear();
        endHolds();
        end(AutoCloseable.class);
    }

    private void end(final Class<? extends AutoCloseable> type) {
        for (int i = open.size() - 1; i >= 0; i--) {
            final AutoCloseable closeable = open.get(i);
            if (type.isInstance(closeable)) {
                open.remove(i);
                close(closeable);
            }
        }
    }

    private static void close(final AutoCloseable closeable) {
        try {
            closeable.close();
        } catch (final IllegalStateException e) {
            return; // some call has closed it already
        } catch (final Exception e) {
            throw new IllegalStateException("close failed: " + closeable, e);
        }
    }
}
