#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs Lucene's own core tests on HoldfastDirectory, from a checkout of Lucene 10.6 (main has another IndexInput by now):
#
#   mvn -pl adapters/lucene -am -DskipTests package dependency:copy-dependencies -DoutputDirectory=target/lucene-tests
#   adapters/lucene/lucene-tests.sh CHECKOUT [SECONDS [REGULAR-EXPRESSION-OF-CLASS-NAMES]]
#
# Core, codecs and test framework are compiled from the checkout, and the directory against them. Classes are run one
# after the other, in the order of their names shuffled by SEED, until SECONDS (default 3600) are over. The table goes to
# standard output; what fails, with its stack trace, to the log that the last line names. LIBRARIES says where the jars
# of the first command are, if not there. With RELEASED=yes the tests alone are compiled, against the jars of the release
# that the directory is for, and those of them that do not compile are left out and named: for a checkout that is near it.
# DIRECTORY=MMapDirectory runs them on that one, to compare.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "${1:?a checkout of Lucene}" && pwd)
seconds=${2:-3600}
pattern=${3:-.*}
seed=${SEED:-6A09E667F3BCC908}
libraries=${LIBRARIES:-$here/target/lucene-tests}
work=${WORK:-$(mktemp -d)}
directory=${DIRECTORY:-io.holdfast.lucene.HoldfastDirectory}
java=${JAVA_HOME:?a JDK of version 25}/bin

released=${RELEASED:-no}
without=(! -name 'holdfast-lucene*')
[ "$released" = yes ] || without+=(! -name 'lucene-*')
jars=$(find "$libraries" -name '*.jar' "${without[@]}" | paste -sd:)
classes=$work/classes
compile() { # NAME SOURCE-FOLDER...
    local name=$1
    shift
    find "$@" -name '*.java' ! -name module-info.java > "$work/$name.txt"
    echo "compiling $name: $(wc -l < "$work/$name.txt") files" >&2
    "$java/javac" -nowarn -proc:none -implicit:none --release 25 -d "$classes/$name" \
        -cp "$classes/core:$classes/codecs:$classes/framework:$jars" "@$work/$name.txt" 2> "$work/$name.log" ||
        { cat "$work/$name.log" >&2; exit 1; }
    for folder in "$@"; do
        cp -rn "$folder/." "$folder/../resources/." "$classes/$name/" 2>> "$work/$name.log" || true
    done
}
# The tests that compile.
compile_tests() {
    local folder=$checkout/lucene/core/src/test
    find "$folder" -name '*.java' > "$work/tests.txt"
    while ! "$java/javac" -nowarn -proc:none --release 25 -Xmaxerrs 100000 -d "$classes/tests" -cp "$jars" \
            "@$work/tests.txt" 2> "$work/tests-javac.log"; do
        grep -o "^$folder/[^:]*\.java" "$work/tests-javac.log" | sort -u > "$work/left-out.txt"
        [ -s "$work/left-out.txt" ] || { cat "$work/tests-javac.log" >&2; exit 1; }
        sed "s,^$folder/,left out: ," "$work/left-out.txt" >&2
        grep -vxFf "$work/left-out.txt" "$work/tests.txt" > "$work/rest.txt"
        mv "$work/rest.txt" "$work/tests.txt"
    done
    cp -rn "$folder/." "$checkout/lucene/core/src/resources/." "$classes/tests/" 2>> "$work/tests-javac.log" || true
}
if [ ! -e "$classes/tests" ] && [ "$released" = yes ]; then
    mkdir -p "$classes/tests"
    compile holdfast "$here/src/main/java"
    compile_tests
elif [ ! -e "$classes/tests" ]; then
    mkdir -p "$classes"
    compile core "$checkout/lucene/core/src/java"
    compile codecs "$checkout/lucene/codecs/src/java"
    compile framework "$checkout/lucene/test-framework/src/java"
    compile holdfast "$here/src/main/java"
    compile tests "$checkout/lucene/core/src/test"
fi

cat > "$work/Run.java" <<'JAVA'
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;

/** Runs classes one after the other, and counts by package. */
class Run {
    public static void main(final String[] args) throws Exception {
        final List<String> names = new ArrayList<>(Files.readAllLines(Path.of(args[0])));
        Collections.sort(names);
        Collections.shuffle(names, new Random(HexFormat.fromHexDigitsToLong(System.getProperty("tests.seed"))));
        final long end = System.nanoTime() + Long.parseLong(args[1]) * 1_000_000_000L;
        final Map<String, int[]> table = new TreeMap<>();
        final PrintStream table_out = System.out;
        final PrintStream log = new PrintStream(args[2]);
        System.setOut(log);
        System.setErr(log);
        for (final String name : names) {
            if (System.nanoTime() >= end) {
                break;
            }
            final Result result = new JUnitCore().run(Class.forName(name));
            final int[] row = table.computeIfAbsent(name.substring(0, name.lastIndexOf('.')), _ -> new int[5]);
            row[0]++;
            row[1] += result.getRunCount();
            row[2] += result.getIgnoreCount();
            row[3] += result.getAssumptionFailureCount();
            row[4] += result.getFailureCount();
            result.getFailures().forEach(failure -> log.println("FAILED " + failure.getTestHeader() + "\n" + failure.getTrace()));
        }
        final int[] all = new int[5];
        table_out.println("| package | classes | tests | ignored | assumptions | failed |\n|---|---|---|---|---|---|");
        table.forEach((name, row) -> {
            table_out.printf("| %s | %d | %d | %d | %d | %d |%n", name, row[0], row[1], row[2], row[3], row[4]);
            for (int i = 0; i < all.length; i++) {
                all[i] += row[i];
            }
        });
        table_out.printf("| all of %d | %d | %d | %d | %d | %d |%n", names.size(), all[0], all[1], all[2], all[3], all[4]);
        System.exit(all[4] == 0 ? 0 : 1);
    }
}
JAVA
"$java/javac" -d "$work" -cp "$jars" "$work/Run.java"
(cd "$classes/tests" && find . -name 'Test*.class' ! -name '*$*' | sed 's/^..//; s/.class$//; s,/,.,g' | grep -E "$pattern" || true) > "$work/names.txt"
status=0
(cd "$work" && "$java/java" -ea -Xmx1g --enable-native-access=ALL-UNNAMED -Dtests.directory="$directory" \
    -Dtests.seed="$seed" -Dtests.filterstacks=true -Dtests.leaveTemporary=false -Djava.awt.headless=true \
    -cp "$work:$classes/holdfast:$classes/tests:$classes/framework:$classes/core:$classes/codecs:$jars" \
    Run "$work/names.txt" "$seconds" "$work/tests.log") || status=$?
echo "seed $seed, log $work/tests.log"
exit "$status"
