// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads sizes such as {@code 65536}, {@code 64K}, {@code 16M} and {@code 2G}; the letters are powers of 1024. */
final class ByteSize implements ITypeConverter<Long> {
    private static final String UNITS = "KMG";
    private static final int UNIT_SHIFT = 10;

    @Override
    public Long convert(final String text) {
        final String upper = text.trim().toUpperCase(Locale.ROOT);
        final int unit = upper.isEmpty() ? -1 : UNITS.indexOf(upper.charAt(upper.length() - 1));
        try {
            final long number = Long.parseLong(unit < 0 ? upper : upper.substring(0, upper.length() - 1));
            return Math.multiplyExact(number, 1L << (UNIT_SHIFT * (unit + 1)));
        } catch (final NumberFormatException | ArithmeticException e) {
            throw new TypeConversionException("'" + text + "' is not a size such as 16M");
        }
    }
}
