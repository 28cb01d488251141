// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** The sizes of the kernel's huge pages. */
public final class HugePages {
    private static final Path INFO = Path.of("/proc/meminfo");
    private static final Path TRANSPARENT = Path.of("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    private static final String DEFAULT = "Hugepagesize:";
    private static final long USUAL = 2L << 20;
    private static final long KIB = 1024;

    /** {@return the size in bytes of the pages that are set aside on request, usual or not known: 2 MiB} */
    public static long defaultSize() {
        try {
            for (final String line : Files.readAllLines(INFO, StandardCharsets.ISO_8859_1)) {
                if (line.startsWith(DEFAULT)) {
                    return Long.parseLong(line.substring(DEFAULT.length()).replace("kB", "").strip()) * KIB;
                }
            }
        } catch (final IOException | NumberFormatException unreadable) {
            return USUAL;
        }
        return USUAL;
    }

    /** {@return the size in bytes of the pages that the kernel makes by itself, usual or not known: 2 MiB} */
    public static long transparentSize() {
        try {
            return Long.parseLong(Files.readString(TRANSPARENT, StandardCharsets.ISO_8859_1).strip());
        } catch (final IOException | NumberFormatException unreadable) {
            return USUAL;
        }
    }

    private HugePages() {
    }
}
