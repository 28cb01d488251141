// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a process said at one moment.
 *
 * @param pid    the process
 * @param timeMs when, in milliseconds since 1970
 * @param limit  {@code vm.max_map_count}, -1 if it cannot be read
 * @param spaces of each what its bean said, by attribute and operation, in the order of their names
 */
record Reading(long pid, long timeMs, long limit, List<Map<String, @Nullable Object>> spaces) {
    Map<String, @Nullable Object> asMap() {
        final Map<String, @Nullable Object> all = new LinkedHashMap<>();
        all.put("pid", pid);
        all.put("timeMs", timeMs);
        all.put("maxMapCount", limit);
        all.put("spaces", spaces);
        return all;
    }

    /** What was said of the space with an object name, or null. */
    @Nullable Map<String, @Nullable Object> space(final @Nullable Object objectName) {
        for (final Map<String, @Nullable Object> each : spaces) {
            if (String.valueOf(each.get("objectName")).equals(objectName)) {
                return each;
            }
        }
        return null;
    }
}
