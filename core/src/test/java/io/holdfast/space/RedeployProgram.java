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
            deploy();
        }
        System.out.println("deployed " + count);
    }

    private static void deploy() throws Exception {
        try (URLClassLoader loader = new URLClassLoader(classPath(), ClassLoader.getPlatformClassLoader())) {
            final Class<?> type = loader.loadClass("io.holdfast.AddressSpace");
            try (AutoCloseable space = (AutoCloseable) type.getMethod("open").invoke(null)) {
                final Object region = type.getMethod("map", long.class).invoke(space, 4096L);
                loader.loadClass("io.holdfast.Region").getMethod("unmap").invoke(region);
            }
        }
    }

    private static URL[] classPath() throws MalformedURLException {
        final List<URL> urls = new ArrayList<>();
        for (final String part : System.getProperty("java.class.path").split(File.pathSeparator)) {
            urls.add(Path.of(part).toUri().toURL());
        }
        return urls.toArray(URL[]::new);
    }
}
