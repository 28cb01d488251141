// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** The command beside a process that has spaces, and one that has none. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TopTest {
    private static Process watched;

    private record Outcome(int status, String out, String err) {
    }

    private static Process start(final Class<?> main) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx128m",
            "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), main.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    @BeforeAll
    static void startProcess() throws IOException {
        watched = start(Watched.class);
        final BufferedReader lines =
            new BufferedReader(new InputStreamReader(watched.getInputStream(), StandardCharsets.UTF_8));
        assertThat(lines.readLine()).isEqualTo("ready");
    }

    @AfterAll
    static void endProcess() throws IOException, InterruptedException {
        watched.getOutputStream().close();
        watched.waitFor();
    }

    private static Outcome top(final String... arguments) {
        final StringWriter out = new StringWriter();
        final StringWriter err = new StringWriter();
        final int status = new CommandLine(new Top()).setOut(new PrintWriter(out)).setErr(new PrintWriter(err))
            .execute(arguments);
        return new Outcome(status, out.toString(), err.toString());
    }

    @Test
    void onePageMustShowSpacesRegionsAndWhoIsInTheWay() {
        final Outcome outcome = top(Long.toString(watched.pid()), "--once");
        System.out.println(outcome.out);
        assertThat(outcome.status).isZero();
        assertThat(outcome.out).contains("spaces 2").contains("space orders  capacity 1.0 TiB").contains("space empty")
            .containsPattern("kernel mappings \\d+ of \\d{4,}").contains("name        cache: 1 regions, 64.0 KiB")
            .containsPattern("0x[0-9a-f]{12} +256.0 KiB r +index +/.*\\.data")
            .containsPattern("unmap waits \\d+ ms, announced by main").containsPattern("for main \\(id \\d+\\), SHARED")
            .containsPattern("pinned +main").containsPattern("unmap time +median");
    }

    @Test
    void rowsMustBeLimited() {
        final Outcome outcome = top(Long.toString(watched.pid()), "--once", "--rows", "1");
        assertThat(outcome.out).contains(".data").doesNotContain(" rw ");
    }

    @Test
    void scriptsMustGetAnObject() {
        final Outcome outcome = top(Long.toString(watched.pid()), "--once", "--json");
        assertThat(outcome.status).isZero();
        assertThat(outcome.out.lines()).hasSize(1);
        assertThat(outcome.out).startsWith("{\"pid\":" + watched.pid()).contains("\"name\":\"orders\"")
            .contains("\"backlogUnmaps\":1").contains("\"how\":\"SHARED\"");
    }

    @Test
    void theSecondLookMustShowRates() throws Exception {
        try (Target target = Target.attach(watched.pid())) {
            final Reading first = target.read(1);
            final OutputStream in = watched.getOutputStream();
            in.write(new byte[10]);
            in.flush();
            Reading second = target.read(1);
            while (regions(second) < regions(first) + 10) {
                second = target.read(1);
            }
            assertThat(Screen.text(first, null)).contains("from the second look on");
            assertThat(Screen.text(second, first)).containsPattern("rates +[0-9.]*[1-9][0-9.]* maps/s, 0.0 unmaps/s");
        }
    }

    private static long regions(final Reading reading) {
        return ((Number) ((Map<?, ?>) reading.spaces().getLast().get("statistics")).get("regions")).longValue();
    }

    @Test
    void aProcessWithoutSpacesMustBeSaidToHaveNone() throws Exception {
        final Process idle = start(Idle.class);
        try {
            assertThat(idle.getInputStream().read()).isEqualTo('r');
            final Outcome outcome = top(Long.toString(idle.pid()), "--once");
            assertThat(outcome.status).isEqualTo(3);
            assertThat(outcome.out).contains("no address space can be seen");
        } finally {
            idle.getOutputStream().close();
            idle.waitFor();
        }
    }

    /** A process without spaces. */
    static final class Idle {
        private Idle() {
        }

        public static void main(final String[] args) throws IOException {
            System.out.println("ready");
            assertThat(System.in.read()).isNegative();
        }
    }

    @Test
    void whatIsNoProcessMustBeRefused() {
        final Outcome outcome = top("4194304", "--once"); // above the largest id that the kernel gives
        assertThat(outcome.status).isEqualTo(1);
        assertThat(outcome.err).contains("process 4194304 cannot be read");
        assertThat(top().status).isEqualTo(2);
        assertThat(top("--help").out).contains("--json").contains("Exit status");
    }

    @Test
    void anOldJavaMustBeToldWhatIsNeeded() throws Exception {
        try (InputStream code = Launcher.class.getResourceAsStream("Launcher.class")) {
            assertThat(code.readNBytes(8)[7]).as("major version, of Java 8").isEqualTo((byte) 52);
        }
        assertThat(Launcher.suffices("1.8")).isFalse();
        assertThat(Launcher.suffices("24")).isFalse();
        assertThat(Launcher.suffices("25")).isTrue();
    }

    @Test
    void anyTextMustBeJson() {
        assertThat(Json.text(Map.of("a\"\\\n", "\u00e9"))).isEqualTo("{\"a\\\"\\\\\\u000a\":\"\u00e9\"}");
    }
}
