// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress;

import static org.jetbrains.lincheck.datastructures.ManagedStrategyGuaranteeKt.forClasses;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.holdfast.epoch.BarrierFlavour;
import io.holdfast.epoch.EpochDomain;
import io.holdfast.layout.Words;
import io.holdfast.memory.NativeMemory;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.List;
import org.jetbrains.kotlinx.lincheck.Actor;
import org.jetbrains.kotlinx.lincheck.execution.ExecutionScenario;
import org.jetbrains.lincheck.datastructures.ModelCheckingOptions;

/**
 * Lincheck's model checker on off-heap words, where it sees nothing: so each method of {@link Words} is declared to it as
 * one atomic step, before which it can switch threads.
 *
 * <p>It knows sequential consistency only, in which both barriers do the same; so domains are of the fence flavour, and
 * each run has a fresh one, because what is off-heap is not put back from run to run. It chooses by seeds of its own that
 * never change.
 */
final class Schedules {
    private static final int SLOTS_ARE_LOOKED_AT_IN_LOOPS = 1 << 16;
    private static final int ENOUGH_TO_REFUTE = 2_000;

    private Schedules() {
    }

    /** For so many scenarios of the checker's own choice, with so many schedules each. */
    static ModelCheckingOptions options(final int scenarios, final int schedules) {
        return new ModelCheckingOptions().iterations(scenarios).invocationsPerIteration(schedules).threads(2)
            .actorsPerThread(1).actorsBefore(0).actorsAfter(1).minimizeFailedScenario(false)
            .loopBound(SLOTS_ARE_LOOKED_AT_IN_LOOPS)
            .addGuarantee(forClasses(Words.class.getName()).allMethods().treatAsAtomic());
    }

    static EpochDomain freshDomain() {
        return EpochDomain.create(NativeMemory.system(), BarrierFlavour.FENCE);
    }

    /** Checks scenarios of the form {@code call | other ; after}: two calls at the same time, and one behind them. */
    static void check(final Class<?> structure, final int schedules, final String... scenarios) {
        final ModelCheckingOptions options = options(0, schedules);
        for (final String scenario : scenarios) {
            final List<Actor> calls =
                Arrays.stream(scenario.split(" [|;] ", -1)).map(call -> actor(structure, call)).toList();
            options.addCustomScenario(new ExecutionScenario(List.of(),
                List.of(calls.subList(0, 1), calls.subList(1, 2)), calls.subList(2, 3), null));
        }
        options.check(structure);
    }

    private static Actor actor(final Class<?> structure, final String call) {
        final String[] words = call.split(" ", -1);
        final Method method = Arrays.stream(structure.getMethods()).filter(each -> each.getName().equals(words[0]))
            .findFirst().orElseThrow();
        return new Actor(method, Arrays.stream(words).skip(1).map(word -> (Object) Integer.valueOf(word)).toList());
    }

    /** In some schedule of a scenario, the results are those of no order of the calls. */
    static void assertRefuted(final Class<?> structure, final String scenario) {
        final AssertionError refuted =
            assertThrows(AssertionError.class, () -> check(structure, ENOUGH_TO_REFUTE, scenario));
        assertTrue(refuted.getMessage().contains("Invalid execution results"), refuted::getMessage);
    }
}
