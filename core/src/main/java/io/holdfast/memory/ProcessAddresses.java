// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The addresses of the process, whoever uses them. Thread-safe. */
public final class ProcessAddresses {
    private static final Path SIZES = Path.of("/proc/self/statm");

    private ProcessAddresses() {
    }

    /**
     * {@return how many bytes of addresses are used or reserved, 0 where the system does not say}
     *
     * @param memory whose pages are counted
     */
    public static long used(final NativeMemory memory) {
        try {
            final String sizes = Files.readString(SIZES, StandardCharsets.ISO_8859_1);
            return Long.parseLong(sizes.substring(0, sizes.indexOf(' '))) * memory.pageSize();
        } catch (final IOException | NumberFormatException unreadable) {
            return 0;
        }
    }
}
