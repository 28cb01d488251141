// SPDX-License-Identifier: Apache-2.0
package io.holdfast.stress.lines;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.TypeKind;
import java.lang.classfile.instruction.ArrayLoadInstruction;
import java.lang.classfile.instruction.ArrayStoreInstruction;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.MonitorInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.util.List;
import java.util.Set;

/**
 * A class loader that has the library's classes tell {@link Lines} of each access to memory that others can reach: fields,
 * elements of arrays, atomics, locks, and native words.
 */
final class LineWeaver extends ClassLoader {
    private static final String LIBRARY = "io.holdfast.";
    private static final String WATCHERS = Lines.class.getPackageName() + ".";
    private static final String WORDS = "io/holdfast/layout/Words";
    private static final String KERNEL = "io/holdfast/memory/LinuxMemory";
    private static final ClassDesc HOOKS = ClassDesc.of(Lines.class.getName());
    private static final ClassDesc SEGMENT = ClassDesc.of("java.lang.foreign.MemorySegment");
    private static final Set<String> LOOKING = Set.of("containsKey", "isEmpty", "size", "values", "entrySet", "forEach",
        "iterator", "peek", "peekFirst", "length", "isLocked", "isHeldByCurrentThread", "hasQueuedThreads");

    private final String program;

    /** Also defines {@code program}, so that it uses the classes that are defined here, and leaves it as it is. */
    LineWeaver(final String program) {
        super(LineWeaver.class.getClassLoader());
        this.program = program;
    }

    @Override
    protected Class<?> loadClass(final String name, final boolean resolve) throws ClassNotFoundException {
        final boolean program = isProgram(name);
        if (!program && (!name.startsWith(LIBRARY) || name.startsWith(WATCHERS))) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            final Class<?> loaded = findLoadedClass(name);
            if (loaded != null) {
                return loaded;
            }
            final byte[] bytes = read(name);
            final byte[] woven = program ? bytes : weave(bytes);
            return defineClass(name, woven, 0, woven.length);
        }
    }

    private boolean isProgram(final String name) {
        return name.equals(program) || name.startsWith(program + "$");
    }

    private byte[] read(final String name) throws ClassNotFoundException {
        try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (in == null) {
                throw new ClassNotFoundException(name);
            }
            return in.readAllBytes();
        } catch (final IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }

    private static byte[] weave(final byte[] bytes) {
        final ClassFile classFile = ClassFile.of();
        final var model = classFile.parse(bytes);
        final String type = model.thisClass().asInternalName();
        return classFile.transformClass(model, (builder, element) -> {
            if (element instanceof final MethodModel method && method.code().isPresent()) {
                final CodeTransform code = WORDS.equals(type) ? new NativeAccess(method) : new Accesses(type, method);
                builder.transformMethod(method, (its, part) -> {
                    if (part instanceof final CodeModel body) {
                        its.transformCode(body, code);
                    } else {
                        its.with(part);
                    }
                });
            } else {
                builder.with(element);
            }
        });
    }

    private static void hook(final CodeBuilder code, final String name, final ClassDesc... parameters) {
        code.invokestatic(HOOKS, name, MethodTypeDesc.of(ConstantDescs.CD_void, parameters));
    }

    private static boolean reads(final String name) {
        return name.startsWith("get") && !name.contains("And") || LOOKING.contains(name);
    }

    /** The methods of {@code Words}: the access mode is in the name, the address is what they begin with. */
    private record NativeAccess(MethodModel method) implements CodeTransform {
        @Override
        public void atStart(final CodeBuilder code) {
            final String name = method.methodName().stringValue();
            final List<ClassDesc> parameters = method.methodTypeSymbol().parameterList();
            if (name.equals("copy") || name.equals("fill")) {
                code.lload(0).lload(2);
                if (name.equals("copy")) {
                    code.lload(4);
                    hook(code, "copyNative", ConstantDescs.CD_long, ConstantDescs.CD_long, ConstantDescs.CD_long);
                } else {
                    hook(code, "fillNative", ConstantDescs.CD_long, ConstantDescs.CD_long);
                }
            } else if (isAccess(name)) {
                code.lload(0);
                if (parameters.size() > 1 && parameters.get(1).equals(ConstantDescs.CD_int)) {
                    code.iload(2).i2l().ladd();
                }
                hook(code, reads(name) ? "readNative" : "writeNative", ConstantDescs.CD_long);
            }
        }

        private static boolean isAccess(final String name) {
            return name.startsWith("get") || name.startsWith("put") || name.startsWith("compareAnd");
        }

        @Override
        public void accept(final CodeBuilder code, final CodeElement element) {
            code.with(element);
        }
    }

    /** The methods of all other classes. */
    private record Accesses(String type, MethodModel method) implements CodeTransform {
        @Override
        public void atStart(final CodeBuilder code) {
            if (method.flags().has(AccessFlag.SYNCHRONIZED)) {
                if (method.flags().has(AccessFlag.STATIC)) {
                    code.loadConstant(type);
                } else {
                    code.aload(code.receiverSlot());
                }
                hook(code, "write", ConstantDescs.CD_Object);
            }
            if (KERNEL.equals(type) && method.flags().has(AccessFlag.PUBLIC) && !isConstructor() && !isPageSize()) {
                hook(code, "call");
            }
        }

        private boolean isPageSize() {
            return method.methodName().equalsString("pageSize"); // known since the start
        }

        private boolean isConstructor() {
            return method.methodName().stringValue().startsWith("<");
        }

        @Override
        public void accept(final CodeBuilder code, final CodeElement element) {
            switch (element) {
                case final FieldInstruction field when !isConstructor() -> field(code, field);
                case final ArrayLoadInstruction _ -> {
                    code.dup2();
                    hook(code, "readElement", ConstantDescs.CD_Object, ConstantDescs.CD_int);
                }
                case final ArrayStoreInstruction store when !isConstructor() -> {
                    final TypeKind kind = store.typeKind().asLoadable();
                    final int value = code.allocateLocal(kind);
                    code.storeLocal(kind, value).dup2();
                    hook(code, "writeElement", ConstantDescs.CD_Object, ConstantDescs.CD_int);
                    code.loadLocal(kind, value);
                }
                case final MonitorInstruction monitor when monitor.opcode() == Opcode.MONITORENTER -> {
                    code.dup();
                    hook(code, "write", ConstantDescs.CD_Object);
                }
                case final InvokeInstruction call -> call(code, call);
                default -> {
                    // touches no memory
                }
            }
            code.with(element);
        }

        private static void field(final CodeBuilder code, final FieldInstruction field) {
            switch (field.opcode()) {
                case GETFIELD -> {
                    code.dup();
                    hook(code, "read", ConstantDescs.CD_Object);
                }
                case PUTFIELD -> {
                    final TypeKind kind = TypeKind.from(field.typeSymbol()).asLoadable();
                    final int value = code.allocateLocal(kind);
                    code.storeLocal(kind, value).dup();
                    hook(code, "write", ConstantDescs.CD_Object);
                    code.loadLocal(kind, value);
                }
                default -> {
                    code.loadConstant(field.owner().asInternalName() + "." + field.name().stringValue());
                    hook(code, field.opcode() == Opcode.GETSTATIC ? "read" : "write", ConstantDescs.CD_Object);
                }
            }
        }

        /** Of a call the arguments go to locals and back, to get at the one that says what is accessed. */
        private static void call(final CodeBuilder code, final InvokeInstruction call) {
            final String owner = call.owner().asInternalName();
            final String name = call.name().stringValue();
            final List<ClassDesc> parameters = call.typeSymbol().parameterList();
            final boolean handle = "java/lang/invoke/VarHandle".equals(owner);
            if (call.opcode() == Opcode.INVOKESTATIC || call.opcode() == Opcode.INVOKESPECIAL ||
                !handle && !owner.startsWith("java/util/concurrent/") ||
                handle && (parameters.isEmpty() || parameters.getFirst().equals(SEGMENT) ||
                    parameters.getFirst().isPrimitive())) {
                return;
            }
            final int[] locals = new int[parameters.size()];
            for (int i = locals.length - 1; i >= 0; i--) {
                final TypeKind kind = TypeKind.from(parameters.get(i)).asLoadable();
                locals[i] = code.allocateLocal(kind);
                code.storeLocal(kind, locals[i]);
            }
            if (handle) {
                code.aload(locals[0]);
            } else {
                code.dup();
            }
            final int index = handle ? 1 : 0;
            final String what = reads(name) ? "read" : "write";
            if (handle ? parameters.getFirst().isArray() : owner.endsWith("Array")) {
                if (locals.length > index) {
                    code.iload(locals[index]);
                    hook(code, what + "Element", ConstantDescs.CD_Object, ConstantDescs.CD_int);
                } else {
                    code.pop(); // its length, which never changes
                }
            } else {
                hook(code, what, ConstantDescs.CD_Object);
            }
            for (int i = 0; i < locals.length; i++) {
                code.loadLocal(TypeKind.from(parameters.get(i)).asLoadable(), locals[i]);
            }
        }
    }
}
