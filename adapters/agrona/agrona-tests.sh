#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs Agrona's own tests of buffers on RegionBuffer: agrona-tests.sh CHECKOUT, a checkout of github.com/aeron-io/agrona.
#
# First as they are, with the Agrona that this module depends on; then with UnsafeBuffer replaced by RegionBuffer and direct
# memory by regions, for buffers of holds, guards and leases. Fails on a test that passes with UnsafeBuffer and not with
# RegionBuffer, unless agrona-tests.known lists it and says why. Agrona's half of the tests needs the flag, ours does not.
set -euo pipefail

[ $# = 1 ] && [ -d "$1/agrona/src/test/java/org/agrona" ] || {
    printf 'usage: %s CHECKOUT-OF-AGRONA\n' "$0" >&2
    exit 2
}
tests="$1/agrona/src/test/java"
cd "$(dirname "${BASH_SOURCE[0]}")"
work="$PWD/target/agrona-tests"
java_home="${JAVA25_HOME:-${JAVA_HOME:-}}"
[ -x "$java_home/bin/javac" ] || {
    printf 'set JAVA25_HOME to a JDK 25\n' >&2
    exit 2
}
classes=(
    org/agrona/MutableDirectBufferTests
    org/agrona/BufferStringOperationsTest
    org/agrona/BufferCharSequenceOperationsTest
    org/agrona/BufferCompareTest
    org/agrona/concurrent/AtomicBufferTest
    org/agrona/concurrent/UnsafeBufferTest
    org/agrona/io/DirectBufferDataInputTest
    org/agrona/io/DirectBufferDataInputJDKTest
    org/agrona/io/DirectBufferInputStreamTest
    org/agrona/io/DirectBufferOutputStreamTest
)
rm -rf "$work"
mkdir -p "$work"

(
    cd ../..
    mvn -q -B -ntp -Dquick -Pagrona-tests -pl core,adapters/agrona process-classes dependency:build-classpath \
        -Dmdep.outputFile="$work/classpath" -Dmdep.includeScope=test
)
libraries="$(cat "$work/classpath")"

# run NAME: compiles what lies in $work/NAME/src, runs it, and lists what failed in $work/NAME/failed.
run() {
    local name="$1" kind="${2:-}"
    "$java_home/bin/javac" -proc:none -nowarn -d "$work/$name/classes" -cp "target/classes:$libraries" \
        $(find "$work/$name/src" -name '*.java') 2> "$work/$name/javac" || {
        cat "$work/$name/javac" >&2
        exit 1
    }
    "$java_home/bin/java" -ea --enable-native-access=ALL-UNNAMED -Xshare:off -XX:+EnableDynamicAgentLoading ${kind:+-Dof=$kind} \
        --add-exports=java.base/jdk.internal.misc=ALL-UNNAMED -cp "$work/$name/classes:target/classes:$libraries" \
        org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --details=none \
        --scan-class-path="$work/$name/classes" --include-classname='.*' --reports-dir="$work/$name/reports$kind" \
        > "$work/$name/log$kind" 2>&1 || true
    awk '/<testcase / { match($0, / name="[^"]*"/); test = substr($0, RSTART + 7, RLENGTH - 8)
                        match($0, /classname="[^"]*"/); class = substr($0, RSTART + 11, RLENGTH - 12) }
         /<(failure|error)/ { sub(/.*\./, "", class); print class "." test }' "$work/$name/reports$kind"/*.xml |
        sort -u > "$work/$name/failed$kind"
    grep -h -o '<testsuite [^>]* tests="[0-9]*"' "$work/$name/reports$kind"/TEST-junit-jupiter.xml |
        sed 's/.* tests="\([0-9]*\)"/\1/' > "$work/$name/count$kind"
    [ "$(cat "$work/$name/count$kind")" -gt 100 ] || {
        cat "$work/$name/log$kind" >&2
        printf 'no tests have run\n' >&2
        exit 1
    }
}

for class in "${classes[@]}"; do
    for name in unsafe region; do
        mkdir -p "$work/$name/src/$(dirname "$class")" "$work/$name/classes"
    done
    cp "$tests/$class.java" "$work/unsafe/src/$class.java"
    sed -e 's/\bnew UnsafeBuffer(new byte\[\([^]]*\)\])/TestBuffers.of(TestBuffers.direct(\1))/g' \
        -e 's/\bnew UnsafeBuffer(/TestBuffers.of(/g' \
        -e 's/\bByteBuffer\.allocateDirect(/TestBuffers.direct(/g' \
        -e '/^import/!s/\ballocateDirect\(Aligned\)\?(/TestBuffers.direct(/g' \
        -e 's/\bUnsafeBuffer\b/RegionBuffer/g' \
        -e '/^import org.agrona.concurrent.RegionBuffer;/d' \
        -e 's/^package .*;/&\nimport io.holdfast.agrona.RegionBuffer;\nimport io.holdfast.agrona.TestBuffers;/' \
        "$tests/$class.java" > "$work/region/src/$class.java"
done
mkdir -p "$work/region/src/io/holdfast/agrona"
cp src/agrona/java/io/holdfast/agrona/TestBuffers.java "$work/region/src/io/holdfast/agrona"

run unsafe
printf 'UnsafeBuffer: %s tests, %s failed\n' "$(cat "$work/unsafe/count")" "$(wc -l < "$work/unsafe/failed")"
status=0
for kind in hold guard lease; do
    run region "$kind"
    comm -13 "$work/unsafe/failed" "$work/region/failed$kind" > "$work/region/own$kind"
    grep -v '^#' agrona-tests.known | sed 's/ *#.*//' | sort > "$work/known"
    new="$(comm -13 "$work/known" "$work/region/own$kind")"
    printf 'RegionBuffer of a %s: %s tests, %s failed that pass with UnsafeBuffer\n' "$kind" \
        "$(cat "$work/region/count$kind")" "$(wc -l < "$work/region/own$kind")"
    if [ -n "$new" ]; then
        printf 'not known:\n%s\n' "$new"
        status=1
    fi
done
exit "$status"
