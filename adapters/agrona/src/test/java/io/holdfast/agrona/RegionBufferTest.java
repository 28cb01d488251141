// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static java.nio.ByteOrder.BIG_ENDIAN;
import static java.nio.ByteOrder.LITTLE_ENDIAN;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import org.agrona.AsciiNumberFormatException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every method does what Agrona says, whatever the buffer is made of. */
class RegionBufferTest extends Regions {
    private static final List<ByteOrder> ORDERS = List.of(BIG_ENDIAN, LITTLE_ENDIAN);
    private static final int CAPACITY = 64;
    private static final int AT = 8;

    private static byte[] bytes(final RegionBuffer buffer) {
        final byte[] bytes = new byte[buffer.capacity()];
        buffer.getBytes(0, bytes);
        return bytes;
    }

    private static ByteBuffer model(final RegionBuffer buffer, final ByteOrder order) {
        return ByteBuffer.wrap(bytes(buffer)).order(order);
    }

    @ParameterizedTest
    @EnumSource
    void valuesMustBeWrittenAndReadInNativeOrder(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        for (final int at : new int[] {AT, AT + 1}) {
            buffer.putLong(at, 0x0102030405060708L);
            assertThat(model(buffer, ByteOrder.nativeOrder()).getLong(at)).isEqualTo(0x0102030405060708L);
            assertThat(buffer.getLong(at)).isEqualTo(0x0102030405060708L);
            buffer.putDouble(at, Math.PI);
            assertThat(model(buffer, ByteOrder.nativeOrder()).getDouble(at)).isEqualTo(Math.PI);
            assertThat(buffer.getDouble(at)).isEqualTo(Math.PI);
            buffer.putInt(at, 0x01020304);
            assertThat(model(buffer, ByteOrder.nativeOrder()).getInt(at)).isEqualTo(0x01020304);
            assertThat(buffer.getInt(at)).isEqualTo(0x01020304);
            buffer.putFloat(at, 1.25f);
            assertThat(model(buffer, ByteOrder.nativeOrder()).getFloat(at)).isEqualTo(1.25f);
            assertThat(buffer.getFloat(at)).isEqualTo(1.25f);
            buffer.putShort(at, (short) 0x8102);
            assertThat(model(buffer, ByteOrder.nativeOrder()).getShort(at)).isEqualTo((short) 0x8102);
            assertThat(buffer.getShort(at)).isEqualTo((short) 0x8102);
            buffer.putChar(at, '\u8102');
            assertThat(model(buffer, ByteOrder.nativeOrder()).getChar(at)).isEqualTo('\u8102');
            assertThat(buffer.getChar(at)).isEqualTo('\u8102');
            buffer.putByte(at, (byte) -7);
            assertThat(model(buffer, ByteOrder.nativeOrder()).get(at)).isEqualTo((byte) -7);
            assertThat(buffer.getByte(at)).isEqualTo((byte) -7);
        }
    }

    @ParameterizedTest
    @EnumSource
    void valuesMustBeWrittenAndReadInEachByteOrder(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        for (final ByteOrder order : ORDERS) {
            buffer.putLong(AT, -2L << 40, order);
            assertThat(model(buffer, order).getLong(AT)).isEqualTo(-2L << 40);
            assertThat(buffer.getLong(AT, order)).isEqualTo(-2L << 40);
            buffer.putDouble(AT, 1e300, order);
            assertThat(model(buffer, order).getDouble(AT)).isEqualTo(1e300);
            assertThat(buffer.getDouble(AT, order)).isEqualTo(1e300);
            buffer.putInt(AT, -3 << 20, order);
            assertThat(model(buffer, order).getInt(AT)).isEqualTo(-3 << 20);
            assertThat(buffer.getInt(AT, order)).isEqualTo(-3 << 20);
            buffer.putFloat(AT, -1e30f, order);
            assertThat(model(buffer, order).getFloat(AT)).isEqualTo(-1e30f);
            assertThat(buffer.getFloat(AT, order)).isEqualTo(-1e30f);
            buffer.putShort(AT, (short) -300, order);
            assertThat(model(buffer, order).getShort(AT)).isEqualTo((short) -300);
            assertThat(buffer.getShort(AT, order)).isEqualTo((short) -300);
            buffer.putChar(AT, '\u20ac', order);
            assertThat(model(buffer, order).getChar(AT)).isEqualTo('\u20ac');
            assertThat(buffer.getChar(AT, order)).isEqualTo('\u20ac');
        }
    }

    @ParameterizedTest
    @EnumSource
    void orderedLongsMustDoWhatTheirNamesSay(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        buffer.putLongVolatile(AT, 1);
        assertThat(buffer.getLongVolatile(AT)).isEqualTo(1);
        buffer.putLongRelease(AT, 2);
        assertThat(buffer.getLongAcquire(AT)).isEqualTo(2);
        buffer.putLongOrdered(AT, 3);
        assertThat(buffer.getLongOpaque(AT)).isEqualTo(3);
        buffer.putLongOpaque(AT, 4);
        assertThat(buffer.addLongRelease(AT, 5)).isEqualTo(4);
        assertThat(buffer.addLongOrdered(AT, 5)).isEqualTo(9);
        assertThat(buffer.addLongOpaque(AT, -4)).isEqualTo(14);
        assertThat(buffer.getAndAddLong(AT, 10)).isEqualTo(10);
        assertThat(buffer.getAndSetLong(AT, -1)).isEqualTo(20);
        assertThat(buffer.compareAndSetLong(AT, 7, 8)).isFalse();
        assertThat(buffer.compareAndSetLong(AT, -1, 8)).isTrue();
        assertThat(buffer.compareAndExchangeLong(AT, 7, 9)).isEqualTo(8);
        assertThat(buffer.compareAndExchangeLong(AT, 8, 9)).isEqualTo(8);
        assertThat(buffer.getLong(AT)).isEqualTo(9);
        assertThat(buffer.getLong(AT - 8) | buffer.getLong(AT + 8)).isZero();
    }

    @ParameterizedTest
    @EnumSource
    void orderedIntsAndSmallerMustDoWhatTheirNamesSay(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        buffer.putIntVolatile(AT, 1);
        assertThat(buffer.getIntVolatile(AT)).isEqualTo(1);
        buffer.putIntRelease(AT, 2);
        assertThat(buffer.getIntAcquire(AT)).isEqualTo(2);
        buffer.putIntOrdered(AT, 3);
        assertThat(buffer.getIntOpaque(AT)).isEqualTo(3);
        buffer.putIntOpaque(AT, 4);
        assertThat(buffer.addIntRelease(AT, 5)).isEqualTo(4);
        assertThat(buffer.addIntOrdered(AT, 5)).isEqualTo(9);
        assertThat(buffer.addIntOpaque(AT, -4)).isEqualTo(14);
        assertThat(buffer.getAndAddInt(AT, 10)).isEqualTo(10);
        assertThat(buffer.getAndSetInt(AT, -1)).isEqualTo(20);
        assertThat(buffer.compareAndSetInt(AT, 7, 8)).isFalse();
        assertThat(buffer.compareAndSetInt(AT, -1, 8)).isTrue();
        assertThat(buffer.compareAndExchangeInt(AT, 7, 9)).isEqualTo(8);
        assertThat(buffer.compareAndExchangeInt(AT, 8, 9)).isEqualTo(8);
        assertThat(buffer.getLong(AT, LITTLE_ENDIAN)).isEqualTo(9);
        buffer.putShortVolatile(AT, (short) -9);
        assertThat(buffer.getShortVolatile(AT)).isEqualTo((short) -9);
        buffer.putCharVolatile(AT, '\uffee');
        assertThat(buffer.getCharVolatile(AT)).isEqualTo('\uffee');
        buffer.putByteVolatile(AT + 1, (byte) -8);
        assertThat(buffer.getByteVolatile(AT + 1)).isEqualTo((byte) -8);
    }

    @ParameterizedTest
    @EnumSource
    void bytesMustBeCopiedIntoAndOutOfEverything(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        final byte[] text = "0123456789".getBytes(US_ASCII);
        final byte[] copy = new byte[12];
        buffer.putBytes(AT, text);
        buffer.getBytes(AT, copy, 1, 10);
        assertThat(copy).containsExactly(" 0123456789 ".replace(' ', '\0').getBytes(US_ASCII));
        buffer.putBytes(AT, text, 3, 4);
        assertThat(buffer.getStringWithoutLengthAscii(AT, 10)).isEqualTo("3456456789");
        for (final ByteBuffer heapOrDirect : List.of(ByteBuffer.allocate(16), ByteBuffer.allocateDirect(16),
            ByteBuffer.wrap(new byte[20], 2, 16).slice())) {
            heapOrDirect.position(3);
            buffer.getBytes(AT, heapOrDirect, 10);
            assertThat(heapOrDirect.position()).isEqualTo(13);
            buffer.getBytes(AT + 1, heapOrDirect, 0, 3);
            heapOrDirect.position(0);
            buffer.putBytes(AT + 20, heapOrDirect, 2);
            assertThat(heapOrDirect.position()).isEqualTo(2);
            buffer.putBytes(AT + 22, heapOrDirect.asReadOnlyBuffer(), 2, 8);
            assertThat(buffer.getStringWithoutLengthAscii(AT + 20, 10)).isEqualTo("4563456456");
            assertThat(heapOrDirect.position()).isEqualTo(2);
        }
        buffer.setMemory(AT, 5, (byte) 'x');
        assertThat(buffer.getStringWithoutLengthAscii(AT, 6)).isEqualTo("xxxxx5");
    }

    @ParameterizedTest
    @EnumSource
    void bytesMustBeCopiedBetweenBuffersOfEachKind(final Kind kind) {
        for (final Kind otherKind : Kind.values()) {
            final RegionBuffer buffer = buffer(kind, CAPACITY);
            final RegionBuffer other = buffer(otherKind, CAPACITY);
            buffer.putBytes(3, "0123456789abc".getBytes(US_ASCII));
            buffer.getBytes(4, other, 5, 11);
            assertThat(other.getStringWithoutLengthAscii(5, 11)).isEqualTo("123456789ab");
            other.putBytes(30, buffer, 3, 13);
            assertThat(other.getStringWithoutLengthAscii(30, 13)).isEqualTo("0123456789abc");
            buffer.putBytes(5, buffer, 3, 9); // overlapping
            assertThat(buffer.getStringWithoutLengthAscii(3, 13)).isEqualTo("01012345678bc");
            assertThatThrownBy(() -> buffer.putBytes(0, other, 60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
            assertThatThrownBy(() -> buffer.getBytes(0, other, 60, 5)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void asciiStringsMustBeWrittenAndRead(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        assertThat(buffer.putStringAscii(AT, "h\u00e9llo")).isEqualTo(9);
        assertThat(buffer.getInt(AT)).isEqualTo(5);
        assertThat(buffer.getStringAscii(AT)).isEqualTo("h?llo");
        assertThat(buffer.getStringAscii(AT, 4)).isEqualTo("h?ll");
        for (final ByteOrder order : ORDERS) {
            assertThat(buffer.putStringAscii(AT, "abc", order)).isEqualTo(7);
            assertThat(buffer.getInt(AT, order)).isEqualTo(3);
            assertThat(buffer.getStringAscii(AT, order)).isEqualTo("abc");
            assertThat(buffer.putStringAscii(AT, new StringBuilder("abcd"), order)).isEqualTo(8);
            final StringBuilder text = new StringBuilder();
            assertThat(buffer.getStringAscii(AT, text, order)).isEqualTo(4);
            assertThat(text).hasToString("abcd");
        }
        assertThat(buffer.putStringAscii(AT, new StringBuilder("xyz"))).isEqualTo(7);
        buffer.putByte(AT + 5, (byte) 200);
        final StringBuilder text = new StringBuilder();
        assertThat(buffer.getStringAscii(AT, text)).isEqualTo(3);
        assertThat(buffer.getStringAscii(AT, 2, text)).isEqualTo(2);
        assertThat(buffer.getStringWithoutLengthAscii(AT + 4, 3, text)).isEqualTo(3);
        assertThat(text).hasToString("x?zx?x?z");
        assertThat(buffer.putStringAscii(AT, (String) null)).isEqualTo(4);
        assertThat(buffer.getStringAscii(AT)).isEmpty();
        assertThat(buffer.putStringAscii(AT, (CharSequence) null, BIG_ENDIAN)).isEqualTo(4);
    }

    @ParameterizedTest
    @EnumSource
    void asciiStringsWithoutLengthMustBeWrittenAndRead(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        final StringBuilder chars = new StringBuilder("uvwxyz");
        assertThat(buffer.putStringWithoutLengthAscii(AT, "ab\u20acd")).isEqualTo(4);
        assertThat(buffer.putStringWithoutLengthAscii(AT + 4, chars)).isEqualTo(6);
        assertThat(buffer.putStringWithoutLengthAscii(AT + 10, "abcd", 1, 2)).isEqualTo(2);
        assertThat(buffer.putStringWithoutLengthAscii(AT + 12, chars, 4, 10)).isEqualTo(2);
        assertThat(buffer.getStringWithoutLengthAscii(AT, 14)).isEqualTo("ab?duvwxyzbcyz");
        assertThat(buffer.putStringWithoutLengthAscii(AT, (String) null)).isZero();
        assertThat(buffer.putStringWithoutLengthAscii(AT, (CharSequence) null, 1, 2)).isZero();
        assertThatThrownBy(() -> buffer.putStringWithoutLengthAscii(AT, "abc", 4, 1))
            .isInstanceOf(IndexOutOfBoundsException.class);
    }

    @ParameterizedTest
    @EnumSource
    void utf8StringsMustBeWrittenAndRead(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        final String text = "h\u00e9 \u20ac \ud83d\ude00";
        final int length = text.getBytes(UTF_8).length;
        assertThat(buffer.putStringUtf8(AT, text)).isEqualTo(4 + length);
        assertThat(buffer.getStringUtf8(AT)).isEqualTo(text);
        assertThat(buffer.getStringUtf8(AT, length)).isEqualTo(text);
        for (final ByteOrder order : ORDERS) {
            assertThat(buffer.putStringUtf8(AT, text, order)).isEqualTo(4 + length);
            assertThat(buffer.getInt(AT, order)).isEqualTo(length);
            assertThat(buffer.getStringUtf8(AT, order)).isEqualTo(text);
            assertThat(buffer.putStringUtf8(AT, text, order, length)).isEqualTo(4 + length);
            assertThatThrownBy(() -> buffer.putStringUtf8(AT, text, order, length - 1))
                .isInstanceOf(IllegalArgumentException.class);
        }
        assertThat(buffer.putStringUtf8(AT, text, length)).isEqualTo(4 + length);
        assertThatThrownBy(() -> buffer.putStringUtf8(AT, text, length - 1)).isInstanceOf(IllegalArgumentException.class);
        assertThat(buffer.putStringWithoutLengthUtf8(AT, text)).isEqualTo(length);
        assertThat(buffer.getStringWithoutLengthUtf8(AT, length)).isEqualTo(text);
        assertThat(buffer.putStringUtf8(AT, null)).isEqualTo(8);
        assertThat(buffer.getStringUtf8(AT)).isEqualTo("null");
    }

    @ParameterizedTest
    @EnumSource
    void numbersMustBeWrittenAndParsed(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, CAPACITY);
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        for (int i = 0; i < 2000; i++) {
            final long value = switch (i) {
                case 0 -> 0;
                case 1 -> Long.MIN_VALUE;
                case 2 -> Long.MAX_VALUE;
                case 3 -> Integer.MIN_VALUE;
                case 4 -> Integer.MAX_VALUE;
                default -> random.nextLong() >> random.nextInt(64);
            };
            final int small = (int) value;
            assertThat(buffer.putLongAscii(AT, value)).as("seed %d", seed).isEqualTo(Long.toString(value).length());
            assertThat(buffer.getStringWithoutLengthAscii(AT, Long.toString(value).length())).isEqualTo("" + value);
            assertThat(buffer.parseLongAscii(AT, Long.toString(value).length())).isEqualTo(value);
            assertThat(buffer.putIntAscii(AT, small)).isEqualTo(Integer.toString(small).length());
            assertThat(buffer.parseIntAscii(AT, Integer.toString(small).length())).isEqualTo(small);
            if (small >= 0) {
                final int digits = Integer.toString(small).length();
                assertThat(buffer.putNaturalIntAscii(AT, small)).isEqualTo(digits);
                assertThat(buffer.parseNaturalIntAscii(AT, digits)).isEqualTo(small);
                buffer.putNaturalPaddedIntAscii(AT, 12, small);
                assertThat(buffer.getStringWithoutLengthAscii(AT, 12)).isEqualTo("%012d".formatted(small));
                assertThat(buffer.putNaturalIntAsciiFromEnd(small, 40)).isEqualTo(small == 0 ? 40 : 40 - digits);
                assertThat(small == 0 || buffer.parseIntAscii(40 - digits, digits) == small).isTrue();
            }
            if (value >= 0) {
                assertThat(buffer.putNaturalLongAscii(AT, value)).isEqualTo(Long.toString(value).length());
                assertThat(buffer.parseNaturalLongAscii(AT, Long.toString(value).length())).isEqualTo(value);
            }
        }
    }

    @Test
    void malformedNumbersMustBeRefused() {
        final RegionBuffer buffer = buffer(Kind.HOLD, CAPACITY);
        for (final String text : List.of("", "-", "--1", "1x", "x1", "+1", "12345x7890", "1234567890123456x89")) {
            buffer.putStringWithoutLengthAscii(AT, text);
            assertThatThrownBy(() -> buffer.parseIntAscii(AT, text.length()))
                .isInstanceOf(AsciiNumberFormatException.class);
            assertThatThrownBy(() -> buffer.parseLongAscii(AT, text.length()))
                .isInstanceOf(AsciiNumberFormatException.class);
        }
        for (final String text : List.of("-1", "2147483648", "9999999999", "12345678901")) {
            buffer.putStringWithoutLengthAscii(AT, text);
            assertThatThrownBy(() -> buffer.parseNaturalIntAscii(AT, text.length()))
                .isInstanceOf(AsciiNumberFormatException.class);
        }
        for (final String text : List.of("9223372036854775808", "-9223372036854775809", "12345678901234567890")) {
            buffer.putStringWithoutLengthAscii(AT, text);
            assertThatThrownBy(() -> buffer.parseLongAscii(AT, text.length()))
                .isInstanceOf(AsciiNumberFormatException.class).hasMessage("long overflow parsing: " + text);
        }
        assertThatThrownBy(() -> buffer.putNaturalPaddedIntAscii(AT, 3, 1234)).isInstanceOf(NumberFormatException.class);
        assertThatThrownBy(() -> buffer.putNaturalIntAscii(AT, -1)).isInstanceOf(NumberFormatException.class);
    }

    @ParameterizedTest
    @EnumSource
    void buffersMustCompareByContent(final Kind kind) {
        final RegionBuffer one = buffer(kind, 13);
        final RegionBuffer other = new RegionBuffer();
        other.wrap(ByteBuffer.allocateDirect(13));
        for (int i = 0; i < 13; i++) {
            one.putByte(i, (byte) (i * 31));
            other.putByte(i, (byte) (i * 31));
        }
        assertThat(one).isEqualTo(other).hasSameHashCodeAs(other).isNotEqualTo("text");
        assertThat(one.compareTo(other)).isZero();
        for (final int at : new int[] {3, 12}) {
            other.putByte(at, (byte) (one.getByte(at) + 1));
            assertThat(one).isNotEqualTo(other);
            assertThat(one.compareTo(other)).isNegative();
            assertThat(other.compareTo(one)).isPositive();
            other.putByte(at, one.getByte(at));
        }
        final RegionBuffer shorter = new RegionBuffer();
        shorter.wrap(one, 0, 12);
        assertThat(one).isNotEqualTo(shorter);
        assertThat(one.compareTo(shorter)).isPositive();
        assertThat(shorter.compareTo(one)).isNegative();
    }
}
