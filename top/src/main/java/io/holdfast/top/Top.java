// SPDX-License-Identifier: Apache-2.0
package io.holdfast.top;

import com.sun.tools.attach.AttachNotSupportedException;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** The command: one reading after the other until the process ends. */
@Command(name = "holdfast-top", mixinStandardHelpOptions = true, version = "holdfast-top 0.1.0",
    description = "Shows the address spaces of a running process. Nothing has to be installed in it: it has to run as " +
        "the same user, with a JDK or a runtime image that has the modules java.management and jdk.management.agent.",
    exitCodeListHeading = "%nExit status:%n",
    exitCodeList = {"0:the process was read, or has ended meanwhile", "1:it cannot be attached to or read",
        "2:wrong arguments", "3:it has no address space that can be seen"})
public final class Top implements Callable<Integer> {
    private static final int FAILED = 1;
    private static final int NOTHING = 3;
    private static final String CLEAR = "\u001b[H\u001b[2J\u001b[3J";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "PID", description = "process to look at; jps lists them")
    private long pid;

    @Option(names = "--once", description = "show it once and end")
    private boolean once;

    @Option(names = "--json", description = "one JSON object a line")
    private boolean json;

    @Option(names = "--interval", paramLabel = "SECONDS", defaultValue = "2",
        description = "time between two looks (default: ${DEFAULT-VALUE})")
    private double seconds;

    @Option(names = "--rows", paramLabel = "N", defaultValue = "10",
        description = "regions, unmaps and threads that are listed at most (default: ${DEFAULT-VALUE})")
    private int rows;

    /** Made by the command line. */
    Top() {
    }

    /**
     * Runs it.
     *
     * @param arguments see {@code --help}
     */
    public static void main(final String[] arguments) {
        System.exit(new CommandLine(new Top()).execute(arguments));
    }

    @Override
    public Integer call() throws InterruptedException {
        final PrintWriter out = spec.commandLine().getOut();
        final PrintWriter err = spec.commandLine().getErr();
        try (Target target = Target.attach(pid)) {
            return show(target, out, err);
        } catch (final AttachNotSupportedException | IOException e) {
            err.println("process " + pid + " cannot be read: " + e.getMessage() +
                "; is it a running JVM of the same user?");
            return FAILED;
        }
    }

    private int show(final Target target, final PrintWriter out, final PrintWriter err)
        throws IOException, InterruptedException {
        final long pauseMs = (long) (seconds * TimeUnit.SECONDS.toMillis(1));
        Reading last = null;
        while (true) {
            final Reading now;
            try {
                now = target.read(rows);
            } catch (final IOException e) {
                if (last != null) {
                    err.println("process " + pid + " has ended");
                    return 0;
                }
                throw e;
            }
            write(now, last, out);
            if (once) {
                return now.spaces().isEmpty() ? NOTHING : 0;
            }
            last = now;
            Thread.sleep(Duration.ofMillis(Math.max(pauseMs, 1)));
        }
    }

    @SuppressWarnings("SystemConsoleNull") // under -Djdk.console=java.base it does
    private void write(final Reading now, final @Nullable Reading last, final PrintWriter out) {
        if (json) {
            out.println(Json.text(now.asMap()));
        } else {
            final Console console = System.console();
            if (!once && console != null && console.isTerminal()) {
                out.print(CLEAR);
            }
            out.println(Screen.text(now, last));
        }
        out.flush();
    }
}
