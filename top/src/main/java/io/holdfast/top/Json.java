// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes maps, lists, numbers, truth values and texts as JSON. */
final class Json {
    private static final char FIRST_PLAIN = ' ';

    private Json() {
    }

    static String text(final @Nullable Object value) {
        final StringBuilder text = new StringBuilder(1024);
        write(value, text);
        return text.toString();
    }

    private static void write(final @Nullable Object value, final StringBuilder text) {
        if (value instanceof final Map<?, ?> map) {
            String before = "{";
            for (final Map.Entry<?, ?> entry : map.entrySet()) {
                text.append(before);
                quote(String.valueOf(entry.getKey()), text);
                text.append(':');
                write(entry.getValue(), text);
                before = ",";
            }
            text.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof final Iterable<?> list) {
            String before = "";
            text.append('[');
            for (final Object each : list) {
                text.append(before);
                write(each, text);
                before = ",";
            }
            text.append(']');
        } else if (value == null || value instanceof Number || value instanceof Boolean) {
            text.append(value);
        } else {
            quote(value.toString(), text);
        }
    }

    private static void quote(final String value, final StringBuilder text) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            final char each = value.charAt(i);
            if (each == '"' || each == '\\') {
                text.append('\\').append(each);
            } else if (each < FIRST_PLAIN || Character.isSurrogate(each)) {
                text.append(String.format("\\u%04x", (int) each));
            } else {
                text.append(each);
            }
        }
        text.append('"');
    }
}
