// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** What leases and shared segments claim, whatever becomes of the addresses (G3). */
class ClaimsTest {
    private final Claims claims = new Claims();

    @Test
    void whatIsForgottenInTheMiddleMustLeaveBothSides() {
        claims.lease(0, 40, 3);
        claims.forget(10, 20);
        assertThat(claims.firstEra(0, 10)).isEqualTo(3);
        assertThat(claims.firstEra(10, 20)).isEqualTo(Claims.NO_ERA);
        assertThat(claims.firstEra(20, 40)).isEqualTo(3);
        claims.forget(0, 40);
        assertThat(claims.firstEra(0, 40)).isEqualTo(Claims.NO_ERA);
    }

    @Test
    void theFirstOfAllErasInARangeMustCount() {
        claims.lease(0, 10, 5);
        claims.lease(10, 20, 2);
        claims.lease(20, 30, 7);
        assertThat(claims.firstEra(0, 30)).isEqualTo(2);
        assertThat(claims.firstEra(0, 10)).isEqualTo(5);
        assertThat(claims.firstEra(20, 21)).isEqualTo(7);
        assertThat(claims.firstEra(30, 40)).isEqualTo(Claims.NO_ERA);
    }

    @Test
    void eachLifeOfARegionMustHaveOneArena() {
        final Arena arena = claims.share(1, 2, 0, 10);
        assertThat(claims.share(1, 2, 0, 10)).isSameAs(arena);
        assertThat(claims.share(1, 4, 0, 10)).as("its next life").isNotSameAs(arena);
        assertThat(claims.share(3, 2, 0, 10)).as("another region").isNotSameAs(arena);
        assertThat(claims.closeSegments(0, 10)).isTrue();
        assertThat(claims.share(1, 2, 0, 10)).as("after a close").isNotSameAs(arena);
        claims.closeSegments(0, 10);
    }

    @Test
    void everySegmentThatShowsAnyOfTheAddressesMustBeClosed() {
        final Arena first = claims.share(1, 2, 0, 10);
        final Arena second = claims.share(3, 2, 10, 20);
        final Arena third = claims.share(5, 2, 30, 40);
        assertThat(claims.openSegments(5, 35)).isEqualTo(3);
        assertThat(claims.closeSegments(5, 15)).isTrue();
        assertThat(first.scope().isAlive()).isFalse();
        assertThat(second.scope().isAlive()).isFalse();
        assertThat(third.scope().isAlive()).isTrue();
        assertThat(claims.openSegments(0, 30)).isZero();
        assertThat(claims.openSegments(0, 40)).isEqualTo(1);
        assertThat(claims.closeSegments(0, 40)).isTrue();
    }

    @Test
    void aSegmentThatACallUsesMustStayOpenAndKeepNoOtherOpen() {
        final Arena used = claims.share(1, 2, 10, 20);
        final Arena other = claims.share(3, 2, 0, 10);
        Upcall.inside(used.allocate(2), () -> {
            assertThat(claims.closeSegments(0, 20)).isFalse();
            assertThat(other.scope().isAlive()).isFalse();
            assertThat(claims.openSegments(0, 20)).isEqualTo(1);
        });
        assertThat(claims.closeSegments(0, 20)).isTrue();
        assertThat(used.scope().isAlive()).isFalse();
    }
}
