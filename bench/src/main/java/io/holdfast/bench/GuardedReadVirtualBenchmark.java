// SPDX-License-Identifier: Apache-2.0

package io.holdfast.bench;

import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Fork;

/**
 * The rows of {@link GuardedReadBenchmark} on virtual threads, which claim a reader slot for each guard or pin and give it
 * back at its end.
 *
 * <p>{@code java -jar benchmarks.jar GuardedReadVirtualBenchmark -t 1 -prof gc}
 */
@Fork(value = 3, jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "--add-opens=java.base/java.nio=ALL-UNNAMED",
    "-Djmh.executor=VIRTUAL"})
@NullUnmarked
public class GuardedReadVirtualBenchmark extends GuardedReadBenchmark {
}
