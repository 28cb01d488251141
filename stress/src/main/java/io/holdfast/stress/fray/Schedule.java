// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fray;

import io.holdfast.stress.torture.Variant;
import io.holdfast.stress.weave.Weave;
import io.holdfast.stress.weave.Weave.Place;
import io.holdfast.stress.weave.Weaver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Where Fray may switch threads. It knows the JDK's locks, atomics, threads and volatile fields, and sees no off-heap
 * access; so a call of an atomic, which it sees, is woven in front of each access of a word.
 *
 * <p>{@code Schedule DIRECTORY [VARIANT]} writes the woven classes, with a defect of the torture run if one is named.
 */
public final class Schedule {
    private static final String WORDS = "io.holdfast.layout.Words";
    private static final List<String> WITH_TWO_FORMS = List.of("get", "getOpaque", "getAcquire", "getVolatile", "put",
        "putOpaque", "putRelease", "putVolatile");
    private static final List<String> WITH_ONE_FORM = List.of("compareAndSet", "compareAndExchange", "getAndAdd",
        "getAndBitwiseOr", "getAndBitwiseAnd", "getAndSet");

    private static final AtomicInteger POINT = new AtomicInteger();
    private static boolean armed; // set before threads are started, and cleared when they have been joined

    private Schedule() {
    }

    /** Writes the woven classes. */
    public static void main(final String... arguments) throws IOException {
        final List<Weave> weaves = new ArrayList<>();
        WITH_TWO_FORMS.forEach(method -> weaves.add(beforeAccess(method, 2)));
        WITH_ONE_FORM.forEach(method -> weaves.add(beforeAccess(method, 1)));
        if (arguments.length > 1) {
            weaves.addAll(Variant.valueOf(arguments[1]).weaves());
        }
        Weaver.weave(weaves, Path.of(arguments[0]));
    }

    private static Weave beforeAccess(final String method, final int forms) {
        return Place.of(WORDS, method, "VarHandle." + method.replace("put", "set"), forms)
            .before(Schedule.class, "point", 0);
    }

    /** What is woven in: another thread may go on from here. */
    public static void point(final int number) {
        if (armed) {
            POINT.get();
        }
    }

    /** From now on, or no more. */
    static void arm(final boolean on) {
        armed = on;
    }
}
