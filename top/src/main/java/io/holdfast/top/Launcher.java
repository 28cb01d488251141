// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

/** Where the jar begins: compiled for Java 8, so that an older Java is told what is needed in words. */
public final class Launcher {
    private static final int NEEDED = 25;

    private Launcher() {
    }

    /**
     * Runs the command.
     *
     * @param arguments handed on
     * @throws ReflectiveOperationException if the jar is not whole
     */
    public static void main(final String[] arguments) throws ReflectiveOperationException {
        final String version = System.getProperty("java.specification.version");
        if (!suffices(version)) {
            System.err.println("holdfast-top needs Java " + NEEDED + " or later, and this is Java " + version + " (" +
                System.getProperty("java.home") + ")");
            System.exit(1);
        }
        Class.forName("io.holdfast.top.Top").getMethod("main", String[].class).invoke(null, (Object) arguments);
    }

    static boolean suffices(final String version) {
        return !version.startsWith("1.") && Integer.parseInt(version) >= NEEDED;
    }
}
