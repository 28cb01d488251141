// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Change;
import io.holdfast.stress.herd.Protocol.Flavour;
import io.holdfast.stress.herd.Protocol.Term;
import io.holdfast.stress.herd.Protocol.Twin;
import io.holdfast.stress.herd.Step.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One test for herd7: a protocol, or a twin of it, under one flavour on one machine, with the interrupts at certain
 * places. Immutable.
 *
 * @param name unique among all of one machine
 * @param twin null for the protocol itself
 * @param text for herd7
 */
public record LitmusTest(String name, Protocol protocol, @Nullable Twin twin, Flavour flavour, Machine machine,
                         String text) {
    /** All tests that a protocol and its twins make. */
    public static List<LitmusTest> of(final Protocol protocol) {
        final List<LitmusTest> tests = new ArrayList<>();
        addAll(tests, protocol, null, protocol.machines(), protocol.flavours());
        for (final Twin twin : protocol.twins()) {
            addAll(tests, protocol, twin, twin.machines(), twin.flavours());
        }
        return tests;
    }

    private static void addAll(final List<LitmusTest> tests, final Protocol protocol, final @Nullable Twin twin,
                               final Set<Machine> machines, final Set<Flavour> flavours) {
        for (final Machine machine : machines) {
            if (!protocol.hasBarrier()) {
                addAll(tests, protocol, twin, Flavour.MEMBARRIER, machine);
                continue;
            }
            flavours.stream().filter(machine::has).forEach(flavour -> addAll(tests, protocol, twin, flavour, machine));
        }
    }

    private static void addAll(final List<LitmusTest> tests, final Protocol protocol, final @Nullable Twin twin,
                               final Flavour flavour, final Machine machine) {
        final Map<String, List<Step>> threads = new LinkedHashMap<>();
        protocol.threads().forEach((name, steps) -> threads.put(name, new ArrayList<>(steps)));
        if (twin != null) {
            twin.changes().forEach(change -> apply(change, threads));
        }
        final String name = protocol.name() + (twin == null ? "" : "-" + twin.name()) +
            (protocol.hasBarrier() && flavour == Flavour.FENCE ? "-fence" : "");
        final List<Program> programs = flavour == Flavour.FENCE ? List.of(fenced(threads)) : interrupted(threads);
        for (int i = 0; i < programs.size(); i++) {
            final String numbered = programs.size() == 1 ? name : name + "-at-" + i;
            final Program program = programs.get(i);
            final List<Term> outcome = new ArrayList<>(protocol.never());
            outcome.addAll(program.terms);
            tests.add(new LitmusTest(numbered, protocol, twin, flavour, machine,
                machine.render(numbered, program.threads, protocol.initial(), outcome)));
        }
    }

    /** Threads without half barriers, and what must be read besides so that the interrupts were where they should. */
    private record Program(Map<String, List<Step>> threads, List<Term> terms) {
    }

    private static void apply(final Change change, final Map<String, List<Step>> threads) {
        for (final List<Step> steps : threads.values()) {
            for (int i = 0; i < steps.size(); i++) {
                if (steps.get(i).label().equals(change.label())) {
                    change(change, steps, i);
                    return;
                }
            }
        }
        throw new IllegalArgumentException("a twin changes a step that is not there: " + change);
    }

    private static void change(final Change change, final List<Step> steps, final int at) {
        final Step step = steps.remove(at);
        switch (change.what()) {
            case "none" -> { }
            case "unfenced" -> steps.add(at, step.in(Mode.OPAQUE));
            case "before" -> steps.add(indexOf(steps, change.other()), step);
            case "after" -> steps.add(indexOf(steps, change.other()) + 1, step);
            default -> steps.add(at, step.in(Mode.of(change.what())));
        }
    }

    private static int indexOf(final List<Step> steps, final String label) {
        for (int i = 0; i < steps.size(); i++) {
            if (steps.get(i).label().equals(label)) {
                return i;
            }
        }
        throw new IllegalArgumentException("no such step in the thread: " + label);
    }

    private static Program fenced(final Map<String, List<Step>> threads) {
        final Map<String, List<Step>> fenced = new LinkedHashMap<>();
        threads.forEach((name, steps) -> fenced.put(name, steps.stream()
            .map(step -> step.isHalfBarrier() ? Step.fence(Mode.FULL) : step).toList()));
        return new Program(fenced, List.of());
    }

    /** One program for each combination of places at which the heavy barriers interrupt the threads. */
    private static List<Program> interrupted(final Map<String, List<Step>> threads) {
        List<Program> programs = List.of(new Program(new LinkedHashMap<>(), List.of()));
        final List<Interrupt> interrupts = new ArrayList<>();
        for (final Map.Entry<String, List<Step>> thread : threads.entrySet()) {
            final List<Step> steps = new ArrayList<>();
            for (final Step step : thread.getValue()) {
                if (step.kind() == Kind.HEAVY) {
                    issue(step, thread.getKey(), interrupts, steps);
                } else if (step.kind() != Kind.LIGHT) {
                    steps.add(step);
                }
            }
            programs.forEach(program -> program.threads.put(thread.getKey(), steps));
        }
        for (final Interrupt interrupt : interrupts) {
            final List<Program> more = new ArrayList<>();
            for (final Program program : programs) {
                for (int at = 0; at <= interrupt.places(program); at++) {
                    more.add(interrupt.in(program, at));
                }
            }
            programs = more;
        }
        return programs;
    }

    private static void issue(final Step heavy, final String issuer, final List<Interrupt> interrupts,
                              final List<Step> steps) {
        steps.add(Step.fence(Mode.FULL));
        for (final String target : heavy.targets()) {
            final Interrupt interrupt = new Interrupt(interrupts.size(), issuer, target, heavy.mode() == Mode.FULL);
            interrupts.add(interrupt);
            steps.add(Step.store("sent" + interrupt.number));
            steps.add(Step.load("done" + interrupt.number, "done" + interrupt.number));
        }
        steps.add(Step.fence(Mode.FULL));
    }

    /** What a membarrier does to one other thread: it is interrupted, runs a full fence, and says so. */
    private record Interrupt(int number, String issuer, String target, boolean fenced) {
        int places(final Program program) {
            return program.threads.getOrDefault(target, List.of()).size();
        }

        Program in(final Program program, final int at) {
            final List<Step> steps = new ArrayList<>(program.threads.getOrDefault(target, List.of()));
            final List<Step> handler = new ArrayList<>();
            handler.add(Step.load("sent" + number, "sent" + number));
            if (fenced) {
                handler.add(Step.fence(Mode.FULL));
            }
            handler.add(Step.store("done" + number));
            steps.addAll(at, handler);
            final Map<String, List<Step>> threads = new LinkedHashMap<>(program.threads);
            threads.put(target, steps);
            final List<Term> terms = new ArrayList<>(program.terms);
            terms.add(new Term(target, "sent" + number, 1));
            terms.add(new Term(issuer, "done" + number, 1));
            return new Program(threads, terms);
        }
    }
}
