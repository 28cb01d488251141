// SPDX-License-Identifier: Apache-2.0
package io.holdfast.agrona;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.AddressSpace;
import io.holdfast.Guard;
import io.holdfast.Hold;
import io.holdfast.Region;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a buffer can be wrapped around, and that no raw address leaves it unasked. */
class WrapTest extends Regions {
    @Test
    void anEmptyBufferMustHaveNoBytes() {
        final RegionBuffer buffer = new RegionBuffer();
        assertThat(buffer.capacity()).isZero();
        assertThatThrownBy(() -> buffer.getByte(0)).isInstanceOf(IndexOutOfBoundsException.class);
    }

    @Test
    void arraysMustBeWrapped() {
        final byte[] array = "0123456789".getBytes(US_ASCII);
        final RegionBuffer buffer = new RegionBuffer();
        buffer.wrap(array, 3, 5);
        buffer.putByte(1, (byte) 'x');
        assertThat(new String(array, US_ASCII)).isEqualTo("0123x56789");
        assertThat(buffer.byteArray()).isSameAs(array);
        assertThat(buffer.wrapAdjustment()).isEqualTo(3);
        assertThat(buffer.capacity()).isEqualTo(5);
        assertThat(buffer.byteBuffer()).isNull();
        assertThatThrownBy(() -> buffer.getByte(5)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> buffer.wrap(array, 8, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> buffer.wrap(array, -1, 3)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThat(buffer.capacity()).as("after a wrap that failed").isEqualTo(5);
    }

    @Test
    void byteBuffersMustBeWrappedAsAWhole() {
        final ByteBuffer part = ByteBuffer.wrap(new byte[14], 2, 10).slice();
        for (final ByteBuffer wrapped : List.of(ByteBuffer.allocateDirect(10), part)) {
            wrapped.position(4).limit(6);
            final RegionBuffer buffer = new RegionBuffer();
            buffer.wrap(wrapped);
            assertThat(buffer.capacity()).isEqualTo(10);
            buffer.putByte(9, (byte) 7);
            assertThat(wrapped.duplicate().clear().get(9)).isEqualTo((byte) 7);
            buffer.wrap(wrapped, 3, 6);
            assertThat(buffer.getByte(6 - 1)).isZero();
            buffer.putByte(0, (byte) 8);
            assertThat(wrapped.duplicate().clear().get(3)).isEqualTo((byte) 8);
            assertThat(buffer.byteBuffer()).isSameAs(wrapped);
            assertThat(buffer.wrapAdjustment()).isEqualTo(wrapped.isDirect() ? 3 : 5);
            assertThat(wrapped.position()).isEqualTo(4);
            buffer.wrap(wrapped.asReadOnlyBuffer());
            assertThatThrownBy(() -> buffer.putByte(0, (byte) 1))
                .isInstanceOfAny(IllegalArgumentException.class, UnsupportedOperationException.class);
        }
    }

    @ParameterizedTest
    @EnumSource
    void partsOfBuffersMustBeWrapped(final Kind kind) {
        final RegionBuffer whole = buffer(kind, 64);
        final RegionBuffer part = new RegionBuffer();
        part.wrap(whole, 8, 40);
        part.putInt(0, 1234);
        assertThat(whole.getInt(8)).isEqualTo(1234);
        final RegionBuffer inner = new RegionBuffer();
        inner.wrap(part, 8, 8);
        inner.putLongRelease(0, 99);
        assertThat(whole.getLong(16)).isEqualTo(99);
        assertThat(inner.capacity()).isEqualTo(8);
        assertThatThrownBy(() -> inner.getByte(8)).isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> inner.wrap(part, 8, 33)).isInstanceOf(IndexOutOfBoundsException.class);
        inner.wrap(whole);
        assertThat(inner).isEqualTo(whole);
        inner.wrap(inner, 8, 16);
        assertThat(inner.getInt(0)).isEqualTo(1234);
        inner.wrap(new byte[3]);
        assertThat(inner.capacity()).isEqualTo(3);
        assertThat(whole.getInt(8)).isEqualTo(1234);
    }

    @ParameterizedTest
    @EnumSource
    void noBufferMayGiveItsAddressUnasked(final Kind kind) {
        final RegionBuffer buffer = buffer(kind, 64);
        assertThatThrownBy(buffer::addressOffset).isInstanceOf(UnsupportedOperationException.class);
        assertThat(buffer.byteArray()).isNull();
        assertThat(buffer.byteBuffer()).isNull();
        assertThatThrownBy(() -> buffer.wrap(4096, 8)).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void anExposedAddressMustBeThatOfTheBytesAndEndWithThem() {
        final Region region = space.map(64);
        final RegionBuffer ofHold;
        try (Hold hold = region.hold()) {
            ofHold = RegionBuffer.of(hold).unsafeExposeAddress();
            assertThat(ofHold.addressOffset()).isEqualTo(hold.sharedSegment().address());
        }
        final RegionBuffer ofGuard;
        try (Guard guard = region.share()) {
            ofGuard = RegionBuffer.of(guard).unsafeExposeAddress();
            final RegionBuffer part = new RegionBuffer();
            part.wrap(ofGuard, 8, 8);
            assertThat(part.addressOffset()).isEqualTo(guard.segment().address() + 8);
        }
        assertThatThrownBy(ofGuard::addressOffset).isInstanceOf(IllegalStateException.class);
        region.unmap();
        assertThatThrownBy(ofHold::addressOffset).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void theAddressOfWhatDoesNotStayMustNotBeExposed() {
        assertThatThrownBy(() -> buffer(Kind.LEASE, 64).unsafeExposeAddress()).isInstanceOf(IllegalStateException.class);
        final RegionBuffer ofArray = new RegionBuffer();
        ofArray.wrap(new byte[8]);
        assertThatThrownBy(ofArray::unsafeExposeAddress).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void moreBytesThanAnIntCountsMustBeRefused() {
        final Region region = space.map(1 << 20);
        regions.add(region);
        assertThat(RegionBuffer.of(region.lease().slice(4096, 512)).capacity()).isEqualTo(512);
        try (AddressSpace other = AddressSpace.open()) {
            final Region large = other.map(1L << 31);
            assertThatThrownBy(() -> RegionBuffer.of(large.lease())).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("take a slice");
            assertThatThrownBy(() -> RegionBuffer.of(large.sharedSegment())).isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("take a slice");
            large.unmap();
        }
    }
}
