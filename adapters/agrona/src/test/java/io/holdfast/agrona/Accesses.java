// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ObjIntConsumer;
import org.agrona.MutableDirectBuffer;
import org.agrona.concurrent.AtomicBuffer;

/** Every method of Agrona's interfaces that reaches the bytes, as an access to some of them. */
final class Accesses {
    /** Length of what bulk and string methods are given. */
    static final int LENGTH = 8;
    private static final ByteOrder OTHER = ByteOrder.BIG_ENDIAN;

    /**
     * One access.
     *
     * @param method what is called, with its parameters where there are several
     * @param width  bytes from the index on that are reached
     * @param writes whether the buffer is changed
     * @param call   calls it at an index
     */
    record Access(String method, int width, boolean writes, boolean ordered, ObjIntConsumer<AtomicBuffer> call) {
        @Override
        public String toString() {
            return method;
        }
    }

    private static final List<Access> ALL = new ArrayList<>();

    static {
        values();
        orderedValues();
        bulk();
        strings();
        numbers();
    }

    private Accesses() {
    }

    static List<Access> all() {
        return ALL;
    }

    private static void read(final String method, final int width, final ObjIntConsumer<AtomicBuffer> call) {
        ALL.add(new Access(method, width, false, false, call));
    }

    private static void write(final String method, final int width, final ObjIntConsumer<AtomicBuffer> call) {
        ALL.add(new Access(method, width, true, false, call));
    }

    private static void readOrdered(final String method, final int width, final ObjIntConsumer<AtomicBuffer> call) {
        ALL.add(new Access(method, width, false, true, call));
    }

    private static void writeOrdered(final String method, final int width, final ObjIntConsumer<AtomicBuffer> call) {
        ALL.add(new Access(method, width, true, true, call));
    }

    private static void values() {
        read("getByte", 1, AtomicBuffer::getByte);
        read("getShort", 2, AtomicBuffer::getShort);
        read("getShort order", 2, (buffer, i) -> buffer.getShort(i, OTHER));
        read("getChar", 2, AtomicBuffer::getChar);
        read("getChar order", 2, (buffer, i) -> buffer.getChar(i, OTHER));
        read("getInt", 4, AtomicBuffer::getInt);
        read("getInt order", 4, (buffer, i) -> buffer.getInt(i, OTHER));
        read("getFloat", 4, AtomicBuffer::getFloat);
        read("getFloat order", 4, (buffer, i) -> buffer.getFloat(i, OTHER));
        read("getLong", 8, AtomicBuffer::getLong);
        read("getLong order", 8, (buffer, i) -> buffer.getLong(i, OTHER));
        read("getDouble", 8, AtomicBuffer::getDouble);
        read("getDouble order", 8, (buffer, i) -> buffer.getDouble(i, OTHER));
        write("putByte", 1, (buffer, i) -> buffer.putByte(i, (byte) 1));
        write("putShort", 2, (buffer, i) -> buffer.putShort(i, (short) 1));
        write("putShort order", 2, (buffer, i) -> buffer.putShort(i, (short) 1, OTHER));
        write("putChar", 2, (buffer, i) -> buffer.putChar(i, 'a'));
        write("putChar order", 2, (buffer, i) -> buffer.putChar(i, 'a', OTHER));
        write("putInt", 4, (buffer, i) -> buffer.putInt(i, 1));
        write("putInt order", 4, (buffer, i) -> buffer.putInt(i, 1, OTHER));
        write("putFloat", 4, (buffer, i) -> buffer.putFloat(i, 1));
        write("putFloat order", 4, (buffer, i) -> buffer.putFloat(i, 1, OTHER));
        write("putLong", 8, (buffer, i) -> buffer.putLong(i, 1));
        write("putLong order", 8, (buffer, i) -> buffer.putLong(i, 1, OTHER));
        write("putDouble", 8, (buffer, i) -> buffer.putDouble(i, 1));
        write("putDouble order", 8, (buffer, i) -> buffer.putDouble(i, 1, OTHER));
    }

    private static void orderedValues() {
        readOrdered("getByteVolatile", 1, AtomicBuffer::getByteVolatile);
        readOrdered("getShortVolatile", 2, AtomicBuffer::getShortVolatile);
        readOrdered("getCharVolatile", 2, AtomicBuffer::getCharVolatile);
        readOrdered("getIntVolatile", 4, AtomicBuffer::getIntVolatile);
        readOrdered("getIntAcquire", 4, AtomicBuffer::getIntAcquire);
        readOrdered("getIntOpaque", 4, AtomicBuffer::getIntOpaque);
        readOrdered("getLongVolatile", 8, AtomicBuffer::getLongVolatile);
        readOrdered("getLongAcquire", 8, AtomicBuffer::getLongAcquire);
        readOrdered("getLongOpaque", 8, AtomicBuffer::getLongOpaque);
        writeOrdered("putByteVolatile", 1, (buffer, i) -> buffer.putByteVolatile(i, (byte) 1));
        writeOrdered("putShortVolatile", 2, (buffer, i) -> buffer.putShortVolatile(i, (short) 1));
        writeOrdered("putCharVolatile", 2, (buffer, i) -> buffer.putCharVolatile(i, 'a'));
        writeOrdered("putIntVolatile", 4, (buffer, i) -> buffer.putIntVolatile(i, 1));
        writeOrdered("putIntRelease", 4, (buffer, i) -> buffer.putIntRelease(i, 1));
        writeOrdered("putIntOrdered", 4, (buffer, i) -> buffer.putIntOrdered(i, 1));
        writeOrdered("putIntOpaque", 4, (buffer, i) -> buffer.putIntOpaque(i, 1));
        writeOrdered("addIntRelease", 4, (buffer, i) -> buffer.addIntRelease(i, 1));
        writeOrdered("addIntOrdered", 4, (buffer, i) -> buffer.addIntOrdered(i, 1));
        writeOrdered("addIntOpaque", 4, (buffer, i) -> buffer.addIntOpaque(i, 1));
        writeOrdered("getAndAddInt", 4, (buffer, i) -> buffer.getAndAddInt(i, 1));
        writeOrdered("getAndSetInt", 4, (buffer, i) -> buffer.getAndSetInt(i, 1));
        writeOrdered("compareAndSetInt", 4, (buffer, i) -> buffer.compareAndSetInt(i, 0, 1));
        writeOrdered("compareAndExchangeInt", 4, (buffer, i) -> buffer.compareAndExchangeInt(i, 0, 1));
        writeOrdered("putLongVolatile", 8, (buffer, i) -> buffer.putLongVolatile(i, 1));
        writeOrdered("putLongRelease", 8, (buffer, i) -> buffer.putLongRelease(i, 1));
        writeOrdered("putLongOrdered", 8, (buffer, i) -> buffer.putLongOrdered(i, 1));
        writeOrdered("putLongOpaque", 8, (buffer, i) -> buffer.putLongOpaque(i, 1));
        writeOrdered("addLongRelease", 8, (buffer, i) -> buffer.addLongRelease(i, 1));
        writeOrdered("addLongOrdered", 8, (buffer, i) -> buffer.addLongOrdered(i, 1));
        writeOrdered("addLongOpaque", 8, (buffer, i) -> buffer.addLongOpaque(i, 1));
        writeOrdered("getAndAddLong", 8, (buffer, i) -> buffer.getAndAddLong(i, 1));
        writeOrdered("getAndSetLong", 8, (buffer, i) -> buffer.getAndSetLong(i, 1));
        writeOrdered("compareAndSetLong", 8, (buffer, i) -> buffer.compareAndSetLong(i, 0, 1));
        writeOrdered("compareAndExchangeLong", 8, (buffer, i) -> buffer.compareAndExchangeLong(i, 0, 1));
    }

    private static MutableDirectBuffer array() {
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(new byte[LENGTH]);
        return buffer;
    }

    private static void bulk() {
        read("getBytes array", LENGTH, (buffer, i) -> buffer.getBytes(i, new byte[LENGTH]));
        read("getBytes array part", LENGTH, (buffer, i) -> buffer.getBytes(i, new byte[LENGTH + 2], 1, LENGTH));
        read("getBytes DirectBuffer", LENGTH, (buffer, i) -> buffer.getBytes(i, array(), 0, LENGTH));
        read("getBytes ByteBuffer", LENGTH, (buffer, i) -> buffer.getBytes(i, ByteBuffer.allocate(LENGTH), LENGTH));
        read("getBytes ByteBuffer part", LENGTH, (buffer, i) ->
            buffer.getBytes(i, ByteBuffer.allocateDirect(LENGTH + 2), 1, LENGTH));
        write("putBytes array", LENGTH, (buffer, i) -> buffer.putBytes(i, new byte[LENGTH]));
        write("putBytes array part", LENGTH, (buffer, i) -> buffer.putBytes(i, new byte[LENGTH + 2], 1, LENGTH));
        write("putBytes DirectBuffer", LENGTH, (buffer, i) -> buffer.putBytes(i, array(), 0, LENGTH));
        write("putBytes ByteBuffer", LENGTH, (buffer, i) -> buffer.putBytes(i, ByteBuffer.allocate(LENGTH), LENGTH));
        write("putBytes ByteBuffer part", LENGTH, (buffer, i) ->
            buffer.putBytes(i, ByteBuffer.allocateDirect(LENGTH + 2), 1, LENGTH));
        write("setMemory", LENGTH, (buffer, i) -> buffer.setMemory(i, LENGTH, (byte) 1));
    }

    private static void strings() {
        read("getStringAscii", 4, AtomicBuffer::getStringAscii);
        read("getStringAscii order", 4, (buffer, i) -> buffer.getStringAscii(i, OTHER));
        read("getStringAscii length", 4 + LENGTH, (buffer, i) -> buffer.getStringAscii(i, LENGTH));
        read("getStringAscii appendable", 4, (buffer, i) -> buffer.getStringAscii(i, new StringBuilder()));
        read("getStringAscii appendable order", 4, (buffer, i) -> buffer.getStringAscii(i, new StringBuilder(), OTHER));
        read("getStringAscii length appendable", 4 + LENGTH, (buffer, i) ->
            buffer.getStringAscii(i, LENGTH, new StringBuilder()));
        read("getStringWithoutLengthAscii", LENGTH, (buffer, i) -> buffer.getStringWithoutLengthAscii(i, LENGTH));
        read("getStringWithoutLengthAscii appendable", LENGTH, (buffer, i) ->
            buffer.getStringWithoutLengthAscii(i, LENGTH, new StringBuilder()));
        read("getStringUtf8", 4, AtomicBuffer::getStringUtf8);
        read("getStringUtf8 order", 4, (buffer, i) -> buffer.getStringUtf8(i, OTHER));
        read("getStringUtf8 length", 4 + LENGTH, (buffer, i) -> buffer.getStringUtf8(i, LENGTH));
        read("getStringWithoutLengthUtf8", LENGTH, (buffer, i) -> buffer.getStringWithoutLengthUtf8(i, LENGTH));
        final CharSequence chars = new StringBuilder("abcd");
        write("putStringAscii", 8, (buffer, i) -> buffer.putStringAscii(i, "abcd"));
        write("putStringAscii chars", 8, (buffer, i) -> buffer.putStringAscii(i, chars));
        write("putStringAscii order", 8, (buffer, i) -> buffer.putStringAscii(i, "abcd", OTHER));
        write("putStringAscii chars order", 8, (buffer, i) -> buffer.putStringAscii(i, chars, OTHER));
        write("putStringWithoutLengthAscii", 4, (buffer, i) -> buffer.putStringWithoutLengthAscii(i, "abcd"));
        write("putStringWithoutLengthAscii chars", 4, (buffer, i) -> buffer.putStringWithoutLengthAscii(i, chars));
        write("putStringWithoutLengthAscii part", 2, (buffer, i) -> buffer.putStringWithoutLengthAscii(i, "abcd", 1, 2));
        write("putStringWithoutLengthAscii chars part", 2, (buffer, i) ->
            buffer.putStringWithoutLengthAscii(i, chars, 1, 2));
        write("putStringUtf8", 8, (buffer, i) -> buffer.putStringUtf8(i, "abcd"));
        write("putStringUtf8 order", 8, (buffer, i) -> buffer.putStringUtf8(i, "abcd", OTHER));
        write("putStringUtf8 max", 8, (buffer, i) -> buffer.putStringUtf8(i, "abcd", 4));
        write("putStringUtf8 order max", 8, (buffer, i) -> buffer.putStringUtf8(i, "abcd", OTHER, 4));
        write("putStringWithoutLengthUtf8", 4, (buffer, i) -> buffer.putStringWithoutLengthUtf8(i, "abcd"));
    }

    private static void numbers() {
        read("parseNaturalIntAscii", 2, (buffer, i) -> buffer.parseNaturalIntAscii(i, 2));
        read("parseNaturalLongAscii", 2, (buffer, i) -> buffer.parseNaturalLongAscii(i, 2));
        read("parseIntAscii", 2, (buffer, i) -> buffer.parseIntAscii(i, 2));
        read("parseLongAscii", 2, (buffer, i) -> buffer.parseLongAscii(i, 2));
        write("putIntAscii", 3, (buffer, i) -> buffer.putIntAscii(i, -12));
        write("putLongAscii", 3, (buffer, i) -> buffer.putLongAscii(i, -12));
        write("putNaturalIntAscii", 2, (buffer, i) -> buffer.putNaturalIntAscii(i, 12));
        write("putNaturalLongAscii", 2, (buffer, i) -> buffer.putNaturalLongAscii(i, 12));
        write("putNaturalPaddedIntAscii", 4, (buffer, i) -> buffer.putNaturalPaddedIntAscii(i, 4, 12));
        write("putNaturalIntAsciiFromEnd", 2, (buffer, i) -> buffer.putNaturalIntAsciiFromEnd(12, i + 2));
    }
}
