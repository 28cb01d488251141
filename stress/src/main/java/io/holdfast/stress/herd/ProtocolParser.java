// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.stress.herd.Protocol.Change;
import io.holdfast.stress.herd.Protocol.Flavour;
import io.holdfast.stress.herd.Protocol.Term;
import io.holdfast.stress.herd.Protocol.Twin;
import io.holdfast.stress.herd.Step.Kind;
import io.holdfast.stress.herd.Step.Use;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads descriptions of protocols; {@code stress/litmus/README.md} says what they look like. For one thread, and one
 * folder.
 */
public final class ProtocolParser {
    private static final Pattern WRITE = Pattern.compile("(?:(\\w+) = )?(\\w+) (:=|\\+=) (-?\\d+) (\\w+)");
    private static final Pattern READ = Pattern.compile("(\\w+) = (\\w+) (\\w+)");
    private static final Pattern TWIN = Pattern.compile("(\\S+?)(?: on ([\\w\\- ]+?))?(?: under (\\w+))?: (.*)");
    private static final Pattern TERM = Pattern.compile("(\\w+)\\.(\\w+)=(-?\\d+)");

    private final List<Protocol> protocols = new ArrayList<>();
    private final Map<String, String> left = new LinkedHashMap<>();
    private String name = "";
    private String about = "";
    private List<String> tags = List.of();
    private Set<Machine> machines = Set.of();
    private Set<Flavour> flavours = Set.of();
    private Map<String, Long> initial = Map.of();
    private Map<String, List<Step>> threads = Map.of();
    private List<Term> never = List.of();
    private List<Twin> twins = List.of();
    private List<Step> steps = List.of();

    private ProtocolParser() {
    }

    /**
     * What a folder describes.
     *
     * @param protocols in the order of their files' names
     * @param left      tags that no protocol has, and why
     */
    public record Descriptions(List<Protocol> protocols, Map<String, String> left) {
        /** Reads the files of a folder whose names end with {@code .txt}. */
        public static Descriptions read(final Path folder) throws IOException {
            final List<Path> files;
            try (Stream<Path> all = Files.list(folder)) {
                files = all.filter(file -> file.toString().endsWith(".txt")).sorted().toList();
            }
            final ProtocolParser parser = new ProtocolParser();
            for (final Path file : files) {
                parser.parse(file);
            }
            return new Descriptions(List.copyOf(parser.protocols), Map.copyOf(parser.left));
        }
    }

    private void parse(final Path file) throws IOException {
        final List<String> lines = Files.readAllLines(file);
        for (int i = 0; i < lines.size(); i++) {
            final String line = lines.get(i).strip();
            try {
                if (!line.isEmpty() && line.charAt(0) != '#') {
                    accept(line);
                }
            } catch (final IllegalArgumentException e) {
                throw new IOException(file.getFileName() + ":" + (i + 1) + ": " + e.getMessage() + ": " + line, e);
            }
        }
        finish();
    }

    private void accept(final String line) {
        final int cut = line.indexOf(' ');
        if (cut < 0) {
            throw new IllegalArgumentException("a line has at least two words");
        }
        final String rest = line.substring(cut + 1).strip();
        switch (line.substring(0, cut)) {
            case "test" -> begin(rest);
            case "left" -> left.put(rest.substring(0, rest.indexOf(':')), rest.substring(rest.indexOf(':') + 1).strip());
            case "about" -> about = rest;
            case "tags" -> tags = List.of(rest.split(" +", -1));
            case "on" -> machines = machines(rest);
            case "under" -> flavours = EnumSet.of(Flavour.valueOf(rest.toUpperCase(Locale.ROOT)));
            case "init" -> Arrays.stream(rest.split(" +", -1)).map(word -> word.split("=", -1))
                .forEach(pair -> initial.put(pair[0], Long.valueOf(pair[1])));
            case "thread" -> {
                steps = new ArrayList<>();
                threads.put(rest, steps);
            }
            case "never" -> never = Arrays.stream(rest.split(" +", -1)).map(ProtocolParser::term).toList();
            case "twin" -> twins.add(twin(rest));
            case "@" -> steps.set(steps.size() - 1, used(steps.getLast(), rest));
            default -> steps.add(step(line.substring(0, cut), rest));
        }
    }

    private void begin(final String test) {
        finish();
        name = test;
        about = "";
        tags = List.of();
        machines = EnumSet.complementOf(EnumSet.of(Machine.C20));
        flavours = EnumSet.allOf(Flavour.class);
        initial = new LinkedHashMap<>();
        threads = new LinkedHashMap<>();
        never = List.of();
        twins = new ArrayList<>();
        steps = List.of();
    }

    private void finish() {
        if (!name.isEmpty()) {
            if (tags.isEmpty() || never.isEmpty() || threads.size() < 2) {
                throw new IllegalArgumentException("test " + name + " needs tags, two threads, and an outcome");
            }
            protocols.add(new Protocol(name, about, tags, machines, flavours, initial, threads, never, twins));
            name = "";
        }
    }

    private static Term term(final String text) {
        final Matcher matcher = match(TERM, text, "thread.register=value");
        return new Term(matcher.group(1), matcher.group(2), Long.parseLong(matcher.group(3)));
    }

    private static Matcher match(final Pattern pattern, final String text, final String wanted) {
        final Matcher matcher = pattern.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not of the form " + wanted);
        }
        return matcher;
    }

    private static Set<Machine> machines(final String names) {
        final EnumSet<Machine> set = EnumSet.noneOf(Machine.class);
        for (final String machine : names.split(" +", -1)) {
            set.add(Machine.of(machine));
        }
        return set;
    }

    private Twin twin(final String text) {
        final Matcher matcher = match(TWIN, text, "name [on machines] [under flavour]: label change, ...");
        final List<Change> changes = new ArrayList<>();
        for (final String change : matcher.group(4).split(", *", -1)) {
            final String[] words = change.split(" ", -1);
            changes.add(new Change(words[0], words[1], words.length > 2 ? words[2] : ""));
        }
        return new Twin(matcher.group(1), matcher.group(2) == null ? machines : machines(matcher.group(2)),
            matcher.group(3) == null ? flavours
                : EnumSet.of(Flavour.valueOf(matcher.group(3).toUpperCase(Locale.ROOT))), changes);
    }

    private static Step step(final String label, final String text) {
        final int at = text.indexOf('@');
        final String action = (at < 0 ? text : text.substring(0, at)).strip();
        final Step step = action(label, action);
        return at < 0 ? step : used(step, text.substring(at + 1).strip());
    }

    private static Step action(final String label, final String action) {
        final Matcher write = WRITE.matcher(action);
        if (write.matches()) {
            final String register = write.group(1) == null ? "" : write.group(1);
            final Kind kind = write.group(3).equals("+=") ? Kind.ADD : register.isEmpty() ? Kind.STORE : Kind.SWAP;
            return new Step(label, kind, register, write.group(2), Long.parseLong(write.group(4)),
                Mode.of(write.group(5)), List.of(), List.of());
        }
        final Matcher read = READ.matcher(action);
        if (read.matches()) {
            return new Step(label, Kind.LOAD, read.group(1), read.group(2), 0, Mode.of(read.group(3)), List.of(),
                List.of());
        }
        final List<String> words = List.of(action.split(" +", -1));
        final List<String> rest = words.subList(1, words.size());
        return switch (words.getFirst()) {
            case "fence" -> new Step(label, Kind.FENCE, "", "", 0, Mode.of(rest.getFirst()), List.of(), List.of());
            case "light" -> new Step(label, Kind.LIGHT, "", "", 0, Mode.FULL, List.of(), List.of());
            case "heavy" -> new Step(label, Kind.HEAVY, "", "", 0, Mode.FULL, rest, List.of());
            default -> throw new IllegalArgumentException("not a step");
        };
    }

    private static Step used(final Step step, final String text) {
        final String[] words = text.split(" +", -1);
        final boolean isNowhere = text.equals("nowhere");
        if (words.length != 2 && !isNowhere) {
            throw new IllegalArgumentException("not of the form @ Class.method Class.accessor, nor @ nowhere");
        }
        final List<Use> uses = new ArrayList<>(step.uses());
        uses.add(isNowhere ? Use.NOWHERE : new Use(words[0], words[1]));
        return new Step(step.label(), step.kind(), step.register(), step.word(), step.value(), step.mode(),
            step.targets(), uses);
    }
}
