// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.weave;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Applies {@linkplain Weave weaves} to classes of the class path and writes the result to a directory. */
public final class Weaver {
    private Weaver() {
    }

    /**
     * Weaves.
     *
     * @param weaves in the order in which they are applied; of several beginnings the last comes first
     * @param into   the directory, to be put in front of the class path
     * @throws IllegalStateException if a place is not there as often as it must be
     */
    public static void weave(final List<Weave> weaves, final Path into) throws IOException {
        final Map<String, List<Weave>> byType = new LinkedHashMap<>();
        for (final Weave weave : weaves) {
            byType.computeIfAbsent(weave.type(), _ -> new ArrayList<>()).add(weave);
        }
        for (final Map.Entry<String, List<Weave>> entry : byType.entrySet()) {
            final String name = entry.getKey().replace('.', '/') + ".class";
            byte[] bytes = read(name);
            for (final Weave weave : entry.getValue()) {
                bytes = apply(bytes, weave);
            }
            final Path file = into.resolve(name);
            final Path folder = file.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            Files.write(file, bytes);
        }
    }

    private static byte[] read(final String name) throws IOException {
        try (InputStream in = Weaver.class.getClassLoader().getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("class not found: " + name);
            }
            return in.readAllBytes();
        }
    }

    private static byte[] apply(final byte[] bytes, final Weave weave) {
        final ClassFile classFile = ClassFile.of();
        final ClassModel model = classFile.parse(bytes);
        final AtomicInteger found = new AtomicInteger();
        byte[] woven = bytes;
        for (final MethodModel method : model.methods()) {
            if (method.methodName().equalsString(weave.method()) && method.code().isPresent()) {
                final CodeTransform code = weave.deed() == Weave.Deed.ENTRY ? new AtEntry(weave, method, found)
                    : new AtCalls(weave, found);
                final String descriptor = method.methodType().stringValue();
                woven = classFile.transformClass(classFile.parse(woven), ClassTransform.transformingMethodBodies(
                    other -> other.methodName().equalsString(weave.method()) &&
                        other.methodType().equalsString(descriptor), code));
            }
        }
        if (found.get() != weave.places()) {
            throw new IllegalStateException("the library has changed at a woven place: " + weave.where() +
                ", found=" + found.get() + ", expected=" + weave.places() + "; weave it anew");
        }
        return woven;
    }

    private static ClassDesc ownerOf(final Method target) {
        return ClassDesc.of(target.getDeclaringClass().getName());
    }

    private static MethodTypeDesc typeOf(final Method target) {
        final ClassDesc[] parameters = new ClassDesc[target.getParameterCount()];
        for (int i = 0; i < parameters.length; i++) {
            parameters[i] = target.getParameterTypes()[i].describeConstable().orElseThrow();
        }
        return MethodTypeDesc.of(target.getReturnType().describeConstable().orElseThrow(), parameters);
    }

    private static void call(final CodeBuilder code, final Method target) {
        code.invokestatic(ownerOf(target), target.getName(), typeOf(target));
    }

    /** Changes calls. */
    private record AtCalls(Weave weave, AtomicInteger found) implements CodeTransform {
        @Override
        public void accept(final CodeBuilder code, final CodeElement element) {
            if (!(element instanceof final InvokeInstruction call) || !isPlace(call)) {
                code.with(element);
                return;
            }
            found.incrementAndGet();
            if (weave.only() != 0 && weave.only() != found.get()) {
                code.with(element);
                return;
            }
            switch (weave.deed()) {
                case BEFORE -> {
                    code.loadConstant(weave.number());
                    Weaver.call(code, weave.target());
                    code.with(element);
                }
                case AFTER -> {
                    code.with(element);
                    code.loadConstant(weave.number());
                    Weaver.call(code, weave.target());
                }
                case INSTEAD -> Weaver.call(code, weave.target());
                case ENTRY -> throw new IllegalStateException("not at a call: " + weave.where());
            }
        }

        private boolean isPlace(final InvokeInstruction call) {
            final String owner = call.owner().asInternalName();
            final int cut = Math.max(owner.lastIndexOf('/'), owner.lastIndexOf('$'));
            return weave.call().equals(owner.substring(cut + 1) + "." + call.name().stringValue());
        }
    }

    /** Changes the beginning of a method. */
    private record AtEntry(Weave weave, MethodModel method, AtomicInteger found) implements CodeTransform {
        @Override
        public void atStart(final CodeBuilder code) {
            found.incrementAndGet();
            if (!method.flags().has(AccessFlag.STATIC)) {
                code.aload(code.receiverSlot());
            }
            final List<ClassDesc> parameters = method.methodTypeSymbol().parameterList();
            for (int i = 0; i < parameters.size(); i++) {
                code.loadLocal(TypeKind.from(parameters.get(i)), code.parameterSlot(i));
            }
            Weaver.call(code, weave.target());
        }

        @Override
        public void accept(final CodeBuilder code, final CodeElement element) {
            code.with(element);
        }
    }
}
