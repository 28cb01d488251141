// SPDX-License-Identifier: Apache-2.0
package io.holdfast.layout;

import java.lang.reflect.Field;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Looks at fields that no method shows. What is not there any more is an error of who looks. */
public final class Behind {
    private Behind() {
    }

    /** The value of a field, which is not null. */
    public static Object field(final Object whom, final String name) {
        return value(whom.getClass(), whom, name);
    }

    /** The value of a static field, which is not null. */
    public static Object field(final Class<?> type, final String name) {
        return value(type, null, name);
    }

    private static Object value(final Class<?> type, final @Nullable Object whom, final String name) {
        return Objects.requireNonNull(valueOrNull(type, whom, name));
    }

    /** The value of a field. */
    public static @Nullable Object fieldOrNull(final Object whom, final String name) {
        return valueOrNull(whom.getClass(), whom, name);
    }

    private static @Nullable Object valueOrNull(final Class<?> type, final @Nullable Object whom, final String name) {
        try {
            final Field field = type.getDeclaredField(name);
            field.setAccessible(true);
            return field.get(whom);
        } catch (final ReflectiveOperationException e) {
            throw new IllegalStateException("the library has changed: " + type.getName() + "." + name, e);
        }
    }
}
