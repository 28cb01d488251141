// SPDX-License-Identifier: Apache-2.0
package io.holdfast.space;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.holdfast.AddressSpace;
import io.holdfast.Barrier;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * What readers cost, seen in the code that the compiler makes of them (G8): no atomic operation and no fence, in all of the
 * method, where writers run membarrier. Needs {@code objdump}, of the binutils.
 */
@ExtendWith(InspectedSpaces.class)
class GeneratedCodeTest {
    private static final Pattern METHOD = Pattern.compile(
        "Compiled method \\(c2\\)[^\n]*ReadLoopsProgram::(\\w+) \\(.*?\\[MachCode](.*?)\\[/MachCode]", Pattern.DOTALL);
    private static final Pattern BYTES = Pattern.compile("(?m)^ *0x[0-9a-f]+: ([0-9a-f |]+)$");
    private static final Pattern ORDERING =
        Pattern.compile("(?m)^.*\\t(lock\\b.*|[lms]fence.*|xchg .*\\(.*|.*cmpxchg.*|.*xadd.*)$");

    @TempDir
    private Path directory;

    @Test
    void readersMustExecuteNoAtomicOperationAndNoFence() throws Exception {
        assumeTrue("amd64".equals(System.getProperty("os.arch")), "the instructions are those of x86-64");
        assumeTrue(hasObjdump(), "objdump is not installed (binutils)");
        assumeTrue(hasMembarrier(), "the system offers no membarrier");
        final Children.Outcome outcome = Children.run(ReadLoopsProgram.class, List.of("-da", "-Xbatch",
            "-Dio.holdfast.barrier=membarrier", "-XX:+UnlockDiagnosticVMOptions",
            "-XX:CompileCommand=print,io.holdfast.space.ReadLoopsProgram::*"));
        assertThat(outcome.status()).as(outcome.output()).isZero();
        final Map<String, byte[]> methods = methods(outcome.output());
        for (final String reader : List.of("guard", "stamp", "optimistic", "pin", "pinnedFind")) {
            assertThat(methods).containsKey(reader);
            assertThat(ordering(methods.get(reader))).as(reader).isEmpty();
        }
        assertThat(methods).containsKey("counted");
        assertThat(ordering(methods.get("counted"))).as("atomic operations that are there").isNotEmpty();
    }

    private static boolean hasMembarrier() {
        try (AddressSpace space = AddressSpace.builder().capacity(1 << 24).barrier(Barrier.MEMBARRIER).open()) {
            return space.isOpen();
        } catch (final UnsupportedOperationException e) {
            return false;
        }
    }

    private static boolean hasObjdump() throws InterruptedException {
        try {
            return new ProcessBuilder("objdump", "--version").redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor() == 0;
        } catch (final IOException e) {
            return false;
        }
    }

    /** Code of the last version of each method. */
    private static Map<String, byte[]> methods(final String output) {
        final Map<String, byte[]> methods = new HashMap<>();
        final Matcher method = METHOD.matcher(output);
        while (method.find()) {
            final ByteArrayOutputStream code = new ByteArrayOutputStream();
            final Matcher bytes = BYTES.matcher(method.group(2));
            while (bytes.find()) {
                code.writeBytes(HexFormat.of().parseHex(bytes.group(1).replaceAll("[ |]", "")));
            }
            methods.put(method.group(1), code.toByteArray());
        }
        return methods;
    }

    /** The instructions that order memory, or are atomic. */
    private List<String> ordering(final byte[] code) throws IOException, InterruptedException {
        assertThat(code).hasSizeGreaterThan(100);
        final Path file = directory.resolve("code");
        Files.write(file, code);
        final Process objdump = new ProcessBuilder("objdump", "-D", "-b", "binary", "-m", "i386:x86-64", file.toString())
            .redirectErrorStream(true).start();
        final String listing = new String(objdump.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(objdump.waitFor()).as(listing).isZero();
        assertThat(listing).contains("\tret");
        return ORDERING.matcher(listing).results().map(found -> found.group(1)).toList();
    }
}
