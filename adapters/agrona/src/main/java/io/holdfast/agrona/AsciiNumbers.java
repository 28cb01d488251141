// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import org.agrona.AsciiEncoding;
import org.agrona.AsciiNumberFormatException;
import org.agrona.DirectBuffer;
import org.agrona.MutableDirectBuffer;

/** Decimal numbers in buffers, by the rules of Agrona. */
final class AsciiNumbers {
    private AsciiNumbers() {
    }

    /** What a number must fit into. */
    enum Type {
        INT("int", AsciiEncoding.INT_MAX_DIGITS, Integer.MAX_VALUE),
        LONG("long", AsciiEncoding.LONG_MAX_DIGITS, Long.MAX_VALUE);

        private final String text;
        private final int maxDigits;
        private final long max;

        Type(final String text, final int maxDigits, final long max) {
            this.text = text;
            this.maxDigits = maxDigits;
            this.max = max;
        }
    }

    /** Reads a number from a range that is in the buffer. */
    static long parse(final DirectBuffer buffer, final int index, final int length, final boolean signed, final Type type) {
        if (length <= 0) {
            throw new AsciiNumberFormatException("empty string: index=" + index + " length=" + length);
        }
        final boolean negative = signed && buffer.getByte(index) == AsciiEncoding.MINUS_SIGN;
        final int end = index + length;
        final int start = negative ? index + 1 : index;
        if (start == end) {
            throw malformed("error parsing " + type.text, buffer, index, length);
        }
        if (end - start > type.maxDigits) {
            throw malformed(type.text + " overflow parsing", buffer, index, length);
        }
        long tally = 0; // unsigned, into which 19 digits go
        for (int i = start; i < end; i++) {
            final byte digit = buffer.getByte(i);
            if (!AsciiEncoding.isDigit(digit)) {
                throw malformed("error parsing " + type.text, buffer, index, length);
            }
            tally = tally * 10 + (digit - AsciiEncoding.ZERO);
        }
        if (Long.compareUnsigned(tally, negative ? type.max + 1 : type.max) > 0) {
            throw malformed(type.text + " overflow parsing", buffer, index, length);
        }
        return negative ? -tally : tally;
    }

    private static AsciiNumberFormatException malformed(final String what, final DirectBuffer buffer, final int index,
                                                        final int length) {
        return new AsciiNumberFormatException(what + ": " + buffer.getStringWithoutLengthAscii(index, length));
    }

    /** Writes a number; returns how many bytes that took. */
    static int put(final MutableDirectBuffer buffer, final int index, final long value) {
        final int sign = value < 0 ? 1 : 0;
        final int digits = digits(value);
        buffer.boundsCheck(index, sign + digits);
        if (sign != 0) {
            buffer.putByte(index, AsciiEncoding.MINUS_SIGN);
        }
        putDigits(buffer, index + sign, digits, value);
        return sign + digits;
    }

    /** Writes the last digits of a number, with zeros in front; returns what is left of it. */
    static long putDigits(final MutableDirectBuffer buffer, final int index, final int count, final long value) {
        long rest = value;
        for (int i = index + count - 1; i >= index; i--) {
            buffer.putByte(i, (byte) (AsciiEncoding.ZERO + Math.abs(rest % 10)));
            rest /= 10;
        }
        return rest;
    }

    static int digits(final long value) {
        return value == Long.MIN_VALUE ? AsciiEncoding.LONG_MAX_DIGITS
            : AsciiEncoding.digitCount(Math.max(1, Math.abs(value)));
    }

    static long checkNatural(final long value) {
        if (value < 0) {
            throw new NumberFormatException("not a natural number: " + value);
        }
        return value;
    }
}
