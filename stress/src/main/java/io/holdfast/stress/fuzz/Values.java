// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fuzz;

import io.holdfast.Region;
import io.holdfast.RegionException;
import io.holdfast.WaitReport;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.function.Supplier;
import org.agrona.ErrorHandler;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.jspecify.annotations.Nullable;

/** Arguments at, around and beyond every limit. */
final class Values {
    private static final long PAGE = 4096;
    private static final int PERCENT_NULL = 2;
    private static final long[] LONGS = {
        Long.MIN_VALUE, -PAGE, -1, 0, 1, 7, 8, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, 3 * PAGE, 1 << 20, ApiFuzz.CAPACITY,
        ApiFuzz.CAPACITY + 1, Long.MAX_VALUE - PAGE, Long.MAX_VALUE - 1, Long.MAX_VALUE
    };
    private static final int[] INTS = {Integer.MIN_VALUE, -1, 0, 1, 2, 100};

    private final SplittableRandom random;
    private final Pool pool;
    private final Path directory;

    Values(final SplittableRandom random, final Pool pool, final Path directory) {
        this.random = random;
        this.pool = pool;
        this.directory = directory;
    }

    private Object narrow(final Class<?> type) {
        final int value = random.nextInt();
        return switch (type.getName()) {
            case "byte" -> (byte) value;
            case "short" -> (short) value;
            case "char" -> (char) value;
            case "float" -> (float) value;
            case "double" -> (double) value;
            default -> throw new IllegalStateException("no values of " + type);
        };
    }

    /** A value of a type, sometimes null where that can be. */
    @Nullable Object of(final Class<?> type) {
        if (type == long.class) {
            return aLong();
        }
        if (type == int.class) {
            return INTS[random.nextInt(INTS.length)];
        }
        if (type.isPrimitive() && type != boolean.class) {
            return narrow(type);
        }
        if (type == boolean.class) {
            return random.nextBoolean();
        }
        return random.nextInt(100) < PERCENT_NULL ? null : object(type);
    }

    private @Nullable Object object(final Class<?> type) {
        if (type.isEnum()) {
            final Object[] constants = type.getEnumConstants();
            return constants[random.nextInt(constants.length)];
        }
        final @Nullable Object known = random.nextInt(4) == 0 ? null : pool.any(type);
        if (known != null) {
            return known;
        }
        return switch (type.getSimpleName()) {
            case "Path" -> directory.resolve(new String[] {"file", "fresh", "missing/file", ".", ""}[random.nextInt(5)]);
            case "String" -> new String[] {"", "name", "\n\0%s"}[random.nextInt(3)];
            case "Duration" -> Duration.ofNanos(LONGS[random.nextInt(LONGS.length)]);
            case "MemorySegment" -> random.nextBoolean() ? MemorySegment.ofArray(new byte[(int) (2 * PAGE)])
                : MemorySegment.NULL;
            case "byte[]" -> new byte[(int) PAGE];
            case "ByteOrder" -> random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
            case "Function" -> (Function<MemorySegment, Object>) this::readSomewhere;
            case "LongFunction" -> (LongFunction<Object>) number -> number;
            case "Consumer" -> (Consumer<WaitReport>) _ -> { };
            case "ErrorHandler" -> (ErrorHandler) _ -> { };
            case "Supplier" -> (Supplier<Object>) BackoffIdleStrategy::new;
            default -> pool.any(type);
        };
    }

    private Object readSomewhere(final MemorySegment segment) {
        return segment.byteSize() == 0 ? 0 : segment.get(ValueLayout.JAVA_BYTE,
            random.nextLong(segment.byteSize()));
    }

    private long aLong() {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextLong();
            case 1 -> pool.anyStamp();
            case 2 -> ofRegion();
            case 3, 4 -> random.nextLong(3 * PAGE);
            default -> LONGS[random.nextInt(LONGS.length)];
        };
    }

    private long ofRegion() {
        if (!(pool.any(Region.class) instanceof final Region region)) {
            return 0;
        }
        try {
            return random.nextBoolean() ? region.address() : region.size() + random.nextInt(3) - 1;
        } catch (final RegionException unmapped) {
            return region.address();
        }
    }
}
