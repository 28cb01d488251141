// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import io.holdfast.layout.Words;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/**
 * A mapping that goes when nothing of the library is left in the JVM: a table, or the addresses of a closed space. Until
 * then it must stay, since a reader that is late may still look at it.
 *
 * <p>Thread-safe.
 */
final class Unloading {
    /*
     * All of them belong to one automatic arena (Words), which the JDK ends when it is unreachable. What reaches it:
     *
     *   this class, and so its loader, which each handle has, and each frame of code that reads: a frame keeps the loader
     *   of its class, and a loader those of the classes it has linked to, also where the compiler has copied their code
     *
     *   each segment that is not bound to a lock (optimistic ones), which may outlive handles, loader, and space
     *
     * The other views of regions are bound to arenas of their own and can be used for as long as a guard, hold or lease is
     * there; a close waits for those. So nothing is armed but what a close has left, and tables, which no segment shows.
     *
     * What the JDK calls then must not be of this library, or it would keep the loader itself: it is a method handle made
     * of parts of the JDK.
     */
    private static final MethodHandle UNMAP = unmapping();
    /** One for all tables, so that little heap and stack is needed for each. */
    private static final Consumer<MemorySegment> UNMAP_TABLE = unmap(new AtomicBoolean(true));

    private final AtomicBoolean armed;

    /**
     * Makes addresses known.
     *
     * @param address the first one
     * @param length  how many, whole pages
     * @param armed   whether they go; else {@link #arm} has to say so first
     */
    Unloading(final long address, final long length, final boolean armed) {
        this.armed = new AtomicBoolean(armed);
        register(address, length, unmap(this.armed));
    }

    /** Makes a table known, which is in use until it goes. */
    static void ofTable(final long address, final long length) {
        register(address, length, UNMAP_TABLE);
    }

    @SuppressWarnings("restricted")
    private static void register(final long address, final long length, final Consumer<MemorySegment> unmap) {
        MemorySegment.ofAddress(address).reinterpret(length, Words.views(), unmap);
    }

    @SuppressWarnings("unchecked")
    private static Consumer<MemorySegment> unmap(final AtomicBoolean armed) {
        return MethodHandleProxies.asInterfaceInstance(Consumer.class, UNMAP.bindTo(armed));
    }

    /** From now on the mapping goes with the library, or does not, since it is in use or somebody else's. */
    void arm(final boolean goes) {
        armed.set(goes);
    }

    /** (AtomicBoolean armed, Object segment) → void. */
    private static MethodHandle unmapping() {
        final MethodHandles.Lookup lookup = MethodHandles.publicLookup();
        try {
            final MethodHandle isArmed =
                lookup.findVirtual(AtomicBoolean.class, "get", MethodType.methodType(boolean.class));
            final MethodHandle address =
                lookup.findVirtual(MemorySegment.class, "address", MethodType.methodType(long.class));
            final MethodHandle length =
                lookup.findVirtual(MemorySegment.class, "byteSize", MethodType.methodType(long.class));
            final MethodHandle unmap = MethodHandles.permuteArguments(
                MethodHandles.filterArguments(LinuxMemory.unmapping(), 0, address, length),
                MethodType.methodType(void.class, MemorySegment.class), 0, 0);
            final MethodHandle ofBoth = MethodHandles.dropArguments(unmap, 0, AtomicBoolean.class);
            return MethodHandles.guardWithTest(isArmed, ofBoth, MethodHandles.empty(ofBoth.type()))
                .asType(MethodType.methodType(void.class, AtomicBoolean.class, Object.class));
        } catch (final ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }
}
