#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds and runs the reference in C; its rows go to standard output, as JMH's JSON:
#     bench/native.sh > native.json
# Needs gcc and liburcu's development package (Debian: liburcu-dev). Arguments: seconds of an iteration, iterations.
# STATIC=1 makes a program for machines without liburcu; BUILD_ONLY=1 does not run it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if ! command -v gcc > /dev/null || ! printf '#include <urcu/urcu-memb.h>\n' | gcc -E -x c - > /dev/null 2>&1; then
    printf 'gcc or liburcu not found: install gcc and liburcu-dev\n' >&2
    exit 2
fi
mkdir -p target
gcc -O2 -Wall -Wextra -Werror -std=gnu11 ${STATIC:+-static} -o target/reference src/main/c/reference.c \
    -lurcu-memb -lurcu-common -lpthread
if [ -z "${BUILD_ONLY:-}" ]; then
    exec target/reference "$@"
fi
