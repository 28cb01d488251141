#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs Lucene's own core tests on HoldfastDirectory, from a checkout of Lucene 10.6 (main has another IndexInput by now):
#
#   mvn -pl adapters/lucene -am -DskipTests package dependency:copy-dependencies -DoutputDirectory=target/lucene-tests
#   adapters/lucene/lucene-tests.sh CHECKOUT [SECONDS [REGULAR-EXPRESSION-OF-CLASS-NAMES]]
#
# Core, codecs and test framework are compiled from the checkout, and the directory against them. Classes are run by
# PROCESSES virtual machines (default 1), each one after the other, in the order of their names shuffled by SEED, until
# SECONDS (default 3600) are over. The table goes to standard output, also when the script is stopped by SIGTERM; what
# fails, with its stack trace, to the logs that the last line names. With the same WORK and SEED another run compiles
# nothing and goes on where the last one was. LIBRARIES says where the jars of the first command are, if not there. With
# RELEASED=yes the tests alone are compiled, against the jars of the release that the directory is for, and those of them
# that do not compile are left out and named: for a checkout that is near it. DIRECTORY=MMapDirectory runs them on that
# one, to compare.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "${1:?a checkout of Lucene}" && pwd)
seconds=${2:-3600}
pattern=${3:-.*}
seed=${SEED:-6A09E667F3BCC908}
libraries=${LIBRARIES:-$here/target/lucene-tests}
work=${WORK:-$(mktemp -d)}
processes=${PROCESSES:-1}
directory=${DIRECTORY:-io.holdfast.lucene.HoldfastDirectory}
results=$work/$directory-$seed.txt
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
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.runner.JUnitCore;
import org.junit.runner.Result;

/** Runs classes one after the other, those that no other process runs, and appends a line for each to the results. */
class Run {
    public static void main(final String[] args) throws Exception {
        final List<String> names = new ArrayList<>(Files.readAllLines(Path.of(args[0])));
        Collections.sort(names);
        Collections.shuffle(names, new Random(HexFormat.fromHexDigitsToLong(System.getProperty("tests.seed"))));
        final long end = System.nanoTime() + Long.parseLong(args[1]) * 1_000_000_000L;
        final Path results = Path.of(args[2]);
        final Path taken = Path.of(args[3]);
        final PrintStream log = new PrintStream(args[4]);
        System.setOut(log);
        System.setErr(log);
        for (final String name : names) {
            if (System.nanoTime() >= end) {
                break;
            }
            if (!take(taken.resolve(name))) {
                continue;
            }
            final long begin = System.nanoTime();
            final Result result = new JUnitCore().run(Class.forName(name));
            result.getFailures().forEach(failure -> log.println("FAILED " + failure.getTestHeader() + "\n" + failure.getTrace()));
            Files.writeString(results, String.format("%s %d %d %d %d %d%n", name, result.getRunCount(), result.getIgnoreCount(),
                result.getAssumptionFailureCount(), result.getFailureCount(), (System.nanoTime() - begin) / 1_000_000),
                StandardOpenOption.APPEND);
        }
        System.exit(0); // whatever threads a test has left
    }

    private static boolean take(final Path name) throws IOException {
        try {
            Files.createFile(name);
            return true;
        } catch (final FileAlreadyExistsException e) {
            return false;
        }
    }
}
JAVA
"$java/javac" -d "$work" -cp "$jars" "$work/Run.java"
(cd "$classes/tests" && find . -name 'Test*.class' ! -name '*$*' | sed 's/^..//; s/.class$//; s,/,.,g' | grep -E "$pattern" || true) > "$work/names.txt"
touch "$results"
classpath=$work:$classes/holdfast:$classes/tests:$classes/framework:$classes/core:$classes/codecs:$jars
printf '%s\n' -cp "$classpath" > "$work/fork.txt" # for the tests that begin processes
cut -d' ' -f1 "$results" | grep -vxFf - "$work/names.txt" > "$work/left.txt" || true
taken=$(mktemp -d -p "$work")
jvms=()
for ((i = 1; i <= processes; i++)); do
    (cd "$work" && exec "$java/java" -ea -Xmx1g --enable-native-access=ALL-UNNAMED -Dtests.directory="$directory" \
        -Dtests.seed="$seed" -Dtests.jvmForkArgsFile="$work/fork.txt" -Dtests.filterstacks=true \
        -Dtests.leaveTemporary=false -Djava.awt.headless=true -cp "$classpath" \
        Run "$work/left.txt" "$seconds" "$results" "$taken" "$(mktemp -p "$work" "$directory-$seed.XXXX.log")") &
    jvms+=($!)
done
status=0
trap 'kill "${jvms[@]}" 2> /dev/null || true; status=143' TERM INT
for jvm in "${jvms[@]}"; do
    wait "$jvm" || status=$?
    while kill -0 "$jvm" 2> /dev/null; do # a signal has interrupted the wait
        wait "$jvm" || true
    done
done
awk '
    FNR == NR { of++; wanted[$1]; next }
    !($1 in wanted) { next }
    { sub(/\.[^.]*$/, "", $1); all[0]++; row[$1, 0]++; names[$1] }
    { for (i = 1; i <= 4; i++) { row[$1, i] += $(i + 1); all[i] += $(i + 1) } }
    END {
        print "| package | classes | tests | ignored | assumptions | failed |\n|---|---|---|---|---|---|"
        fflush()
        for (name in names) {
            printf "| %s | %d | %d | %d | %d | %d |\n", name, row[name, 0], row[name, 1], row[name, 2], row[name, 3], row[name, 4] | "sort"
        }
        close("sort")
        printf "| all of %d | %d | %d | %d | %d | %d |\n", of, all[0], all[1], all[2], all[3], all[4]
        exit all[4] > 0
    }' "$work/names.txt" "$results" || status=$?
rm -r "$taken"
echo "seed $seed, logs $work/$directory-$seed.*.log"
exit "$status"
