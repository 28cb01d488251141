// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import java.io.File;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** An application that is deployed again and again: each time with a class loader and a copy of the library of its own. */
final class RedeployProgram {
    private RedeployProgram() {
    }

    public static void main(final String[] args) throws Exception {
        final int count = Integer.parseInt(args[0]);
        for (int i = 0; i < count; i++) {
            deploy(Long.parseLong(args[1]));
        }
        System.out.println("deployed " + count);
    }

    private static void deploy(final long capacity) throws Exception {
        try (URLClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
            try (AutoCloseable space = open(loader, capacity)) {
                final Object region = loader.loadClass("io.holdfast.AddressSpace").getMethod("map", long.class)
                    .invoke(space, 4096L);
                loader.loadClass("io.holdfast.Region").getMethod("unmap").invoke(region);
            }
        }
    }

    /** Opens a space with the classes of a loader. */
    static AutoCloseable open(final ClassLoader loader, final long capacity) throws ReflectiveOperationException {
        final Class<?> builderType = loader.loadClass("io.holdfast.AddressSpace$Builder");
        final Object builder = loader.loadClass("io.holdfast.AddressSpace").getMethod("builder").invoke(null);
        builderType.getMethod("capacity", long.class).invoke(builder, capacity);
        return (AutoCloseable) builderType.getMethod("open").invoke(builder);
    }

    /** What this program is made of. */
    static URL[] classPath() throws MalformedURLException {
        final List<URL> urls = new ArrayList<>();
        for (final String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(Path.of(part).toUri().toURL());
        }
        return urls.toArray(URL[]::new);
    }
}
