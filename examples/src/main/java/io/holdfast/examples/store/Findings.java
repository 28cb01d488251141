// SPDX-License-Identifier: Apache-2.0
package io.holdfast.examples.store;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;

/** What the job's threads found to be wrong. Thread-safe. */
final class Findings {
    private final LongAdder mismatches = new LongAdder();
    private final LongAdder lostKeys = new LongAdder();
    private final AtomicReference<String> first = new AtomicReference<>();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();

    void mismatch(final String what) {
        mismatches.increment();
        first.compareAndSet(null, what);
    }

    /** Takes note of a record that is damaged, or is not where the store says. */
    void damage(final CorruptStoreException exception) {
        (exception instanceof LostKeyException ? lostKeys : mismatches).increment();
        first.compareAndSet(null, String.valueOf(exception.getMessage()));
    }

    void lostKey(final String key) {
        lostKeys.increment();
        first.compareAndSet(null, "key is lost: key=" + key);
    }

    /** Takes note of something thrown after which the job cannot go on; the first one counts. */
    void failure(final Throwable exception) {
        failure.compareAndSet(null, exception);
    }

    long mismatches() {
        return mismatches.sum();
    }

    long lostKeys() {
        return lostKeys.sum();
    }

    /** The first mismatch or lost key, described. */
    Optional<String> first() {
        return Optional.ofNullable(first.get());
    }

    Optional<Throwable> failure() {
        return Optional.ofNullable(failure.get());
    }
}
