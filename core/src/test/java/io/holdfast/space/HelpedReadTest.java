// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.holdfast.Guard;
import io.holdfast.Refusal;
import io.holdfast.Region;
import io.holdfast.RegionException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link Region#read}: so many optimistic attempts, then a guard. */
class HelpedReadTest extends SpaceFixture {
    private final List<Refusal> writers = new ArrayList<>();
    private Region region;

    @BeforeEach
    void mapRegion() {
        region = space.map(PAGE);
        put(region, 0, 7);
    }

    /** Another thread locks exclusively for a moment if nobody is inside; writers has what it was told. */
    private void letAWriterBy() {
        try {
            writers.add(Threads.run(() -> {
                try (Guard guard = region.tryExclusive()) {
                    return guard.isHeld() ? null : guard.refusal();
                }
            }));
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void whatADisturbedAttemptGaveMustBeThrownAway() {
        assertThat(region.<Long>read(3, bytes -> {
            letAWriterBy();
            return writers.size() == 1 ? bytes.get(JAVA_LONG, 0) : bytes.get(JAVA_LONG, 0) + 100;
        })).as("the writer came by, so the first attempt was thrown away").isEqualTo(107);
    }

    @Test
    void aReadThatNobodyDisturbsMustRunOnce() {
        final int[] calls = new int[1];
        assertThat(region.<Long>read(3, bytes -> {
            calls[0]++;
            return bytes.get(JAVA_LONG, 0);
        })).isEqualTo(7);
        assertThat(calls[0]).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5})
    void aReadThatIsAlwaysDisturbedMustComeUnderAGuardAfterSoManyAttempts(final int attempts) {
        assertThat(region.<Long>read(attempts, bytes -> {
            letAWriterBy();
            return bytes.get(JAVA_LONG, 0);
        })).isEqualTo(7);
        assertThat(writers).hasSize(attempts + 1);
        assertThat(writers.subList(0, attempts)).as("nothing is locked in an attempt").allMatch(Objects::isNull);
        assertThat(writers.getLast()).as("the last is under a guard").isEqualTo(Refusal.SHARED);
    }

    @Test
    void whatAReaderThrowsMustCountOnlyIfWhatItReadIsValid() {
        for (final Throwable thrown : List.of(new IllegalStateException("torn"), new StackOverflowError("torn"))) {
            writers.clear();
            assertThat(region.<Long>read(1, bytes -> {
                if (writers.isEmpty()) {
                    letAWriterBy();
                    sneak(thrown);
                }
                return bytes.get(JAVA_LONG, 0);
            })).isEqualTo(7);
            assertThatThrownBy(() -> region.<Long>read(1, bytes -> {
                sneak(thrown);
                return 0L;
            })).isSameAs(thrown);
            assertThatThrownBy(() -> region.<Long>read(0, bytes -> {
                sneak(thrown);
                return 0L;
            })).isSameAs(thrown);
        }
        try (Guard guard = region.tryExclusive()) {
            assertThat(guard.isHeld()).as("the guard was given back").isTrue();
        }
    }

    private static void sneak(final Throwable thrown) {
        if (thrown instanceof final Error error) {
            throw error;
        }
        throw (RuntimeException) thrown;
    }

    @Test
    void badCallsMustBeRefused() {
        assertThatThrownBy(() -> region.<Long>read(-1, bytes -> 0L)).isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("attempts=-1");
        try (Guard guard = region.exclusive()) {
            assertThatThrownBy(() -> region.<Long>read(2, bytes -> 0L)).isInstanceOf(IllegalMonitorStateException.class)
                .hasMessageContaining("wait for itself");
            assertThat(guard.isHeld()).isTrue();
        }
        region.unmap();
        assertThatThrownBy(() -> region.<Long>read(2, bytes -> 0L)).isInstanceOf(RegionException.class)
            .hasMessageContaining("look it up again");
    }
}
