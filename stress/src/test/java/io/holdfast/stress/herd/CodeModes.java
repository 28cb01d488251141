// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.herd;

import io.holdfast.AddressSpace;
import io.holdfast.stress.herd.Step.Kind;
import io.holdfast.stress.herd.Step.Use;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.reflect.AccessFlag;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Compares the steps of protocols with the class files of the library: who calls what, in which order and mode. */
final class CodeModes {
    private static final Set<String> FENCES = Set.of("fullFence", "acquireFence", "releaseFence", "storeStoreFence");
    private static final List<String> LIGHT = List.of("VarHandle.releaseFence", "VarHandle.acquireFence");
    private static final List<String> HEAVY = List.of("NativeMemory.membarrier");
    private static final Set<String> WORDS = Set.of("Words", "Zone", "IntervalTree"); // whose methods lead to accesses

    private final Map<String, ClassModel> classes = new HashMap<>();

    /** What an accessor does to memory. */
    private record Access(Kind kind, Mode mode) {
    }

    /** The classes that the library was compiled to. */
    static CodeModes ofTheLibrary() throws IOException, URISyntaxException {
        final CodeModes code = new CodeModes();
        final Path place = Path.of(AddressSpace.class.getProtectionDomain().getCodeSource().getLocation().toURI());
        if (Files.isDirectory(place)) {
            code.readAll(place);
        } else {
            try (FileSystem jar = FileSystems.newFileSystem(place)) {
                code.readAll(jar.getPath("/"));
            }
        }
        return code;
    }

    private void readAll(final Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (final Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
                final ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
                classes.put(simple(model.thisClass().asInternalName()), model);
            }
        }
    }

    private static String simple(final String internalName) {
        return internalName.substring(Math.max(internalName.lastIndexOf('/'), internalName.lastIndexOf('$')) + 1);
    }

    /** What in the protocol is not so in the code. */
    List<String> differences(final Protocol protocol) {
        final List<String> differences = new ArrayList<>();
        protocol.threads().values().forEach(steps -> {
            final Map<String, Integer> reached = new HashMap<>();
            for (final Step step : steps) {
                for (final Use use : step.uses()) {
                    final String difference = difference(step, use, reached);
                    if (!difference.isEmpty()) {
                        differences.add(protocol.name() + " " + step.label() + ": " + difference);
                    }
                }
            }
        });
        return differences;
    }

    private String difference(final Step step, final Use use, final Map<String, Integer> reached) {
        if (use.equals(Use.NOWHERE)) {
            return "";
        }
        final int from = reached.getOrDefault(use.method(), -1) + 1;
        final List<String> touched = touched(use.method());
        final String wanted = (isField(use.accessor()) ? step.reads() ? "get " : "put " : "") + use.accessor();
        final int found = touched.subList(Math.min(from, touched.size()), touched.size()).indexOf(wanted);
        if (found < 0) {
            return "no " + wanted + " in " + use.method() + (from == 0 ? "" : " after the step before") + ": " + touched;
        }
        reached.put(use.method(), from + found);
        final boolean isRight = switch (step.kind()) {
            case LIGHT -> reached(use.accessor(), new HashSet<>()).containsAll(LIGHT);
            case HEAVY -> reached(use.accessor(), new HashSet<>()).containsAll(HEAVY);
            default -> accesses(use.accessor(), new HashSet<>()).contains(new Access(rough(step.kind()), step.mode()));
        };
        return isRight ? "" : use.accessor() + " is no " + rough(step.kind()) + " in mode " + step.mode() + " but " +
            accesses(use.accessor(), new HashSet<>());
    }

    /** What the methods of this name touch, and those that they call, and so on. */
    private Set<String> reached(final String method, final Set<String> seen) {
        for (final String touched : touched(method)) {
            if (seen.add(touched)) {
                reached(touched, seen);
            }
        }
        return seen;
    }

    private static Kind rough(final Kind kind) {
        return kind == Kind.ADD ? Kind.SWAP : kind;
    }

    private static String owner(final String member) {
        return member.substring(0, member.indexOf('.'));
    }

    private static String name(final String member) {
        return member.substring(member.indexOf('.') + 1);
    }

    private boolean isField(final String member) {
        final ClassModel model = classes.get(owner(member));
        return model != null &&
            model.fields().stream().anyMatch(field -> field.fieldName().equalsString(name(member)));
    }

    /** What the methods of this name touch, in the order of their code: methods called, fields read and written. */
    private List<String> touched(final String method) {
        final ClassModel model = classes.get(owner(method));
        if (model == null) {
            return List.of();
        }
        final List<String> touched = new ArrayList<>();
        model.methods().stream().filter(each -> each.methodName().equalsString(name(method)))
            .flatMap(each -> each.code().stream()).flatMap(code -> code.elementStream())
            .forEach(element -> touched.add(touched(element)));
        touched.removeIf(String::isEmpty);
        return touched;
    }

    private static String touched(final CodeElement element) {
        return switch (element) {
            case InvokeInstruction call -> simple(call.owner().asInternalName()) + "." + call.name().stringValue();
            case FieldInstruction field ->
                (field.opcode() == Opcode.GETFIELD || field.opcode() == Opcode.GETSTATIC ? "get " : "put ") +
                    simple(field.owner().asInternalName()) + "." + field.name().stringValue();
            default -> "";
        };
    }

    private Set<Access> accesses(final String accessor, final Set<String> seen) {
        final Set<Access> accesses = new HashSet<>();
        if (!seen.add(accessor)) {
            return accesses;
        }
        final String owner = owner(accessor);
        if (owner.equals("VarHandle") || owner.startsWith("Atomic")) {
            accesses.add(access(owner, name(accessor)));
        } else if (isField(accessor)) {
            final boolean isVolatile = classes.get(owner).fields().stream().anyMatch(
                field -> field.fieldName().equalsString(name(accessor)) && field.flags().has(AccessFlag.VOLATILE));
            accesses.add(new Access(Kind.LOAD, isVolatile ? Mode.VOLATILE : Mode.PLAIN));
            accesses.add(new Access(Kind.STORE, isVolatile ? Mode.VOLATILE : Mode.PLAIN));
        } else if (owner.endsWith("Layout") || WORDS.contains(owner)) {
            touched(accessor).stream().filter(member -> !member.contains(" "))
                .forEach(member -> accesses.addAll(accesses(member, seen)));
        }
        return accesses;
    }

    private static Access access(final String owner, final String name) {
        if (FENCES.contains(name)) {
            return new Access(Kind.FENCE, Mode.of(name.replace("Fence", "")));
        }
        final boolean isLoad = name.matches("get(Plain|Opaque|Acquire|Volatile)?");
        if (isLoad || name.matches("set(Plain|Opaque|Release|Volatile)?|lazySet")) {
            final String mode = name.substring(3).toUpperCase(Locale.ROOT);
            final Mode without = owner.equals("VarHandle") ? Mode.PLAIN : Mode.VOLATILE;
            return new Access(isLoad ? Kind.LOAD : Kind.STORE,
                mode.isEmpty() ? without : name.equals("lazySet") ? Mode.RELEASE : Mode.valueOf(mode));
        }
        return new Access(Kind.SWAP, name.endsWith("Acquire") ? Mode.ACQUIRE
            : name.endsWith("Release") ? Mode.RELEASE : name.endsWith("Plain") ? Mode.PLAIN : Mode.VOLATILE);
    }
}
