// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.mutate;

import io.holdfast.stress.mutate.Mutant.Kind;
import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.Instruction;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.BranchInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.LineNumber;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.OperatorInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/** Finds the places of compiled classes in which one line can be made wrong, and makes it so. */
final class Mutator {
    private static final Map<Opcode, Opcode> OPPOSITES = opposites();

    /**
     * Calls that are not left out: of fences, which x86 has no use for or no test but a litmus test, and of what is there
     * for the end of the stack, for the compiler and for the log, which have tests of their own that take long.
     */
    private static final Set<String> KEPT = Set.of("VarHandle", "ReservedStack", "Logger", "Reference",
        "Thread", "Objects");

    private final Path classes;
    private final Path sources;
    private final Map<String, List<String>> lines = new HashMap<>();

    /** For the compiled classes of a directory, and the sources that they were compiled from. */
    Mutator(final Path classes, final Path sources) {
        this.classes = classes;
        this.sources = sources;
    }

    private static Map<Opcode, Opcode> opposites() {
        final Map<Opcode, Opcode> map = new HashMap<>();
        for (final Opcode[] pair : new Opcode[][] {{Opcode.IFEQ, Opcode.IFNE}, {Opcode.IFLT, Opcode.IFGE},
            {Opcode.IFGT, Opcode.IFLE}, {Opcode.IFNULL, Opcode.IFNONNULL}, {Opcode.IF_ICMPEQ, Opcode.IF_ICMPNE},
            {Opcode.IF_ICMPLT, Opcode.IF_ICMPGE}, {Opcode.IF_ICMPGT, Opcode.IF_ICMPLE},
            {Opcode.IF_ACMPEQ, Opcode.IF_ACMPNE}, {Opcode.LADD, Opcode.LSUB}, {Opcode.IADD, Opcode.ISUB},
            {Opcode.LAND, Opcode.LOR}, {Opcode.IAND, Opcode.IOR}}) {
            map.put(pair[0], pair[1]);
            map.put(pair[1], pair[0]);
        }
        return Map.copyOf(map);
    }

    private Path file(final String type) {
        return classes.resolve(type.replace('.', '/') + ".class");
    }

    /** All mutants of a class. */
    List<Mutant> of(final String type) throws IOException {
        final List<Mutant> found = new ArrayList<>();
        final Map<String, AtomicInteger> numbers = new HashMap<>();
        for (final MethodModel method : ClassFile.of().parse(file(type)).methods()) {
            method.code().ifPresent(code -> {
                int line = 0;
                final List<CodeElement> elements = code.elementList();
                for (int i = 0; i < elements.size(); i++) {
                    if (elements.get(i) instanceof final LineNumber number) {
                        line = number.line();
                    }
                    final Kind kind = kind(elements, i);
                    if (kind != null && isOfInterest(method.methodName().stringValue())) {
                        final String name = method.methodName().stringValue();
                        found.add(new Mutant(type, name, kind,
                            numbers.computeIfAbsent(name + kind, _ -> new AtomicInteger()).incrementAndGet(), line));
                    }
                }
            });
        }
        return found;
    }

    private static boolean isOfInterest(final String method) {
        return !method.equals("toString") && !method.startsWith("describe") && !method.equals("<clinit>");
    }

    /** What can be changed at an element, or null. */
    private static Kind kind(final List<CodeElement> elements, final int at) {
        return switch (elements.get(at)) {
            case final BranchInstruction branch when OPPOSITES.containsKey(branch.opcode()) && !isAssertion(elements, at) ->
                Kind.NEGATE;
            case final InvokeInstruction call when isLeftOut(call) -> Kind.DROP;
            case final OperatorInstruction operator when OPPOSITES.containsKey(operator.opcode()) -> Kind.OPERATOR;
            default -> null;
        };
    }

    private static boolean isLeftOut(final InvokeInstruction call) {
        final String owner = call.owner().asInternalName();
        return call.typeSymbol().returnType().equals(ConstantDescs.CD_void) && !call.name().equalsString("<init>") &&
            !KEPT.contains(owner.substring(Math.max(owner.lastIndexOf('/'), owner.lastIndexOf('$')) + 1));
    }

    /** Whether the branch belongs to an assertion, which makes the error itself, or is not looked at. */
    private static boolean isAssertion(final List<CodeElement> elements, final int at) {
        for (int i = at + 1; i < elements.size(); i++) {
            if (elements.get(i) instanceof final NewObjectInstruction made) {
                return made.className().asInternalName().equals("java/lang/AssertionError");
            }
            if (elements.get(i) instanceof Instruction) {
                break;
            }
        }
        for (int i = at - 1; i >= 0; i--) {
            if (elements.get(i) instanceof final Instruction before) {
                return before.opcode() == Opcode.GETSTATIC && before.toString().contains("$assertionsDisabled");
            }
        }
        return false;
    }

    /** The text of the line in which a defect is. */
    String text(final Mutant mutant) throws IOException {
        final String outer = mutant.type().replaceAll("\\$.*", "");
        if (!lines.containsKey(outer)) {
            lines.put(outer, Files.readAllLines(sources.resolve(outer.replace('.', '/') + ".java")));
        }
        return lines.get(outer).get(mutant.line() - 1).strip();
    }

    /** Writes the class with the defect to a directory, to be put in front of the class path. */
    void weave(final Mutant mutant, final Path into) throws IOException {
        final ClassFile classFile = ClassFile.of();
        final AtomicInteger count = new AtomicInteger();
        final byte[] woven = classFile.transformClass(classFile.parse(file(mutant.type())),
            (classBuilder, element) -> {
                if (element instanceof final MethodModel method && method.methodName().equalsString(mutant.method()) &&
                    method.code().isPresent()) {
                    classBuilder.transformMethod(method, (methodBuilder, part) -> {
                        if (part instanceof final CodeModel code) {
                            methodBuilder.withCode(builder -> copy(code, mutant, count, builder));
                        } else {
                            methodBuilder.with(part);
                        }
                    });
                } else {
                    classBuilder.with(element);
                }
            });
        if (count.get() < mutant.number()) {
            throw new IllegalStateException("the library has changed: no such place: " + mutant);
        }
        final Path target = into.resolve(mutant.type().replace('.', '/') + ".class");
        Files.createDirectories(target.getParent());
        Files.write(target, woven);
    }

    private static void copy(final CodeModel code, final Mutant mutant, final AtomicInteger count,
                             final CodeBuilder builder) {
        final List<CodeElement> elements = code.elementList();
        for (int i = 0; i < elements.size(); i++) {
            final CodeElement element = elements.get(i);
            if (kind(elements, i) == mutant.kind() && count.incrementAndGet() == mutant.number()) {
                change(element, builder);
            } else {
                builder.with(element);
            }
        }
    }

    private static void change(final CodeElement element, final CodeBuilder builder) {
        switch (element) {
            case final BranchInstruction branch -> builder.branch(OPPOSITES.get(branch.opcode()), branch.target());
            case final OperatorInstruction operator -> {
                switch (OPPOSITES.get(operator.opcode())) {
                    case LADD -> builder.ladd();
                    case LSUB -> builder.lsub();
                    case IADD -> builder.iadd();
                    case ISUB -> builder.isub();
                    case LAND -> builder.land();
                    case LOR -> builder.lor();
                    case IAND -> builder.iand();
                    case IOR -> builder.ior();
                    default -> throw new IllegalStateException("no opposite: " + operator);
                }
            }
            case final InvokeInstruction call -> {
                final List<ClassDesc> parameters = call.typeSymbol().parameterList();
                for (int i = parameters.size() - 1; i >= 0; i--) {
                    if (TypeKind.from(parameters.get(i)).slotSize() == 2) {
                        builder.pop2();
                    } else {
                        builder.pop();
                    }
                }
                if (call.opcode() != Opcode.INVOKESTATIC) {
                    builder.pop();
                }
            }
            default -> throw new IllegalStateException("cannot be changed: " + element);
        }
    }
}
