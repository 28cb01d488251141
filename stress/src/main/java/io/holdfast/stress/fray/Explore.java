// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.fray;

import io.holdfast.stress.fray.Scenarios.Event;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Lets Fray run a scenario: {@code Explore SCENARIO SCHEDULES SCHEDULER DIRECTORY}, in a process that
 * {@code stress/fray/run} starts. Ends with 1 if Fray has found something, whose schedule is in the directory then, and
 * with {@value #NOT_MET} if nothing was found, and something was not met that must be.
 */
public final class Explore {
    private static final int NOT_MET = 3;
    private static final String MAIN = "org.pastalab.fray.core.MainKt"; // which no class here is compiled against

    private Explore() {
    }

    /** Starts Fray, which ends the process. */
    public static void main(final String... arguments) throws ReflectiveOperationException {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> report(Scenarios.mustMeet(arguments[0]))));
        final String[] options = {"--run-config", "cli", "--clazz", Scenarios.class.getName(), "--method", "main", "--args",
            arguments[0], "--iter", arguments[1], "--scheduler", arguments[2], "--output", arguments[3],
            "--max-scheduled-step", "100000"};
        Class.forName(MAIN).getMethod("main", String[].class).invoke(null, (Object) options);
    }

    private static void report(final List<Event> needed) {
        System.out.println("met: " + Arrays.stream(Event.values())
            .map(event -> event.name() + "=" + Scenarios.met(event)).collect(Collectors.joining(", ")));
        System.out.flush();
        if (!needed.stream().allMatch(event -> Scenarios.met(event) > 0)) {
            Runtime.getRuntime().halt(NOT_MET);
        }
    }
}
