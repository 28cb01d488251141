// SPDX-License-Identifier: Apache-2.0
package io.holdfast.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Starts JVMs of its own, because native access is decided when a JVM starts. */
class NativeAccessTest {
    /** What the child runs. */
    static final class Child {
        public static void main(final String[] arguments) {
            for (int attempt = 0; attempt < 2; attempt++) {
                try {
                    System.out.println("page size " + NativeMemory.system().pageSize());
                } catch (final IllegalStateException denied) {
                    System.out.println("refused: " + denied.getMessage());
                }
            }
        }
    }

    @Test
    void deniedNativeAccessMustNameTheOptionEveryTime() throws Exception {
        final String output = runChild("--illegal-native-access=deny");
        assertThat(output.lines()).hasSize(2).allSatisfy(line -> assertThat(line)
            .startsWith("refused: native access denied: module=ALL-UNNAMED; ")
            .contains("--enable-native-access=io.holdfast").contains("--enable-native-access=ALL-UNNAMED"));
    }

    @Test
    void grantedNativeAccessMustWorkUnderDeny() throws Exception {
        final String output = runChild("--illegal-native-access=deny", "--enable-native-access=ALL-UNNAMED");
        assertThat(output.lines()).hasSize(2).allSatisfy(line -> assertThat(line).startsWith("page size "));
    }

    private static String runChild(final String... options)
        throws IOException, InterruptedException, URISyntaxException {
        final List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(List.of(options));
        command.add("-cp");
        command.add(location(NativeMemory.class) + ":" + location(Child.class));
        command.add(Child.class.getName());
        final Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
        final String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, child.waitFor(), output);
        return output;
    }

    private static Path location(final Class<?> type) throws URISyntaxException {
        return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
    }
}
