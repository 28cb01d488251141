// SPDX-License-Identifier: Apache-2.0

/**
 * Regions of native memory, anonymous or file-backed, that many threads read while others unmap them.
 *
 * <p>{@code io.holdfast} is the whole public API. The module calls the operating system, so it wants to be started with
 * {@code --enable-native-access=io.holdfast} (or {@code ALL-UNNAMED} when it lies on the class path).
 */
// Agrona names its module in the manifest only, and its idle strategies are part of the API.
@SuppressWarnings({"requires-automatic", "requires-transitive-automatic"})
module io.holdfast {
    // Both need java.base alone. Were they optional, a modular application would run without them, and neither jcmd nor
    // a monitoring tool would find anything.
    requires java.management;
    requires jdk.jfr;
    requires transitive org.agrona;
    requires static transitive org.jspecify;

    exports io.holdfast;
}
