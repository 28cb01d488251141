// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import io.holdfast.AddressSpace;
import java.lang.management.ManagementFactory;
import java.lang.ref.Reference;
import java.lang.ref.WeakReference;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import javax.management.ObjectName;

/**
 * Leaves a space behind without closing it, and opens and closes one with classes of a loader of its own, from the URLs
 * that it is given. Says of each whether it was collected, and waits for that for a minute.
 */
final class CollectedProgram {
    private static final long PATIENCE_NS = 60_000_000_000L;

    private CollectedProgram() {
    }

    public static void main(final String[] args) throws Exception {
        inThread(() -> {
            final AddressSpace left = AddressSpace.builder().capacity(1 << 24).name("left").open();
            await(() -> isSeen("left")); // else it could be collected before it is registered
            Reference.reachabilityFence(left);
        });
        System.out.println(await(() -> !isSeen("left")) ? "space collected" : "space kept");

        final List<URL> urls = new ArrayList<>();
        for (final String part : args[0].split(" ")) {
            urls.add(URI.create(part).toURL());
        }
        final WeakReference<ClassLoader> classes = openAndClose(urls.toArray(URL[]::new));
        System.out.println(await(() -> classes.refersTo(null)) ? "classes collected" : "classes kept");
    }

    /** What a thread keeps of a space goes with the thread. */
    private static void inThread(final Runnable work) throws InterruptedException {
        final Thread thread = new Thread(work);
        thread.start();
        thread.join();
    }

    private static WeakReference<ClassLoader> openAndClose(final URL[] urls) throws Exception {
        final ClassLoader loader = new URLClassLoader(urls, ClassLoader.getPlatformClassLoader());
        final Thread thread = new Thread(() -> {
            try {
                final Object builder = loader.loadClass(AddressSpace.class.getName()).getMethod("builder").invoke(null);
                final Class<?> type = loader.loadClass(AddressSpace.Builder.class.getName());
                type.getMethod("name", String.class).invoke(builder, "other classes");
                final AutoCloseable space = (AutoCloseable) type.getMethod("open").invoke(builder);
                await(() -> isSeen("other classes"));
                space.close();
            } catch (final Exception e) {
                throw new IllegalStateException(e);
            }
        });
        thread.setContextClassLoader(loader);
        thread.start();
        thread.join();
        return new WeakReference<>(loader);
    }

    private static boolean isSeen(final String name) {
        try {
            return ManagementFactory.getPlatformMBeanServer()
                .isRegistered(new ObjectName("io.holdfast:type=AddressSpace,name=" + name));
        } catch (final Exception e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean await(final BooleanSupplier condition) {
        final long end = System.nanoTime() + PATIENCE_NS;
        while (!condition.getAsBoolean() && System.nanoTime() < end) {
            System.gc();
        }
        return condition.getAsBoolean();
    }
}
