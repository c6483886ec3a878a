#!/usr/bin/env bash
# Installs what is needed, builds, and runs every test. On a fresh Debian 12 this is all that a newcomer runs.
#   tests/run.sh           every test, under AddressSanitizer and UndefinedBehaviorSanitizer
#   tests/run.sh quick     the everyday build and its tests only
#   tests/run.sh long      besides: what has threads and no gRPC under ThreadSanitizer, the fuzz targets driven by libFuzzer, clang-tidy
# The log of every step stays in build/logs.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=${1:-all}
mkdir -p build/logs
started=$SECONDS

step() {
  local name=$1
  shift
  local begin=$SECONDS
  printf '%-28s' "$name"
  if "$@" >"build/logs/$name.log" 2>&1; then
    printf 'ok    %4d s\n' $((SECONDS - begin))
  else
    printf 'FAILED after %d s; the end of build/logs/%s.log:\n' $((SECONDS - begin)) "$name"
    tail -n 80 "build/logs/$name.log"
    exit 1
  fi
}

configure_and_build() { cmake --preset "$1" && cmake --build --preset "$1" "${@:2}"; }
# Two at a time: much of a test's time is waiting, for processes that start.
run_tests() { TMPDIR=$scratch ctest --preset "$1" --parallel 2 "${@:2}"; }

# What tests throw away lies in memory where there is enough of it: on a disk a test of a service takes half as long again.
scratch=${TMPDIR:-/tmp}
if (($(df --output=avail /dev/shm 2>/dev/null | tail -n 1) > 6 * 1024 * 1024)); then
  scratch=$(mktemp -d /dev/shm/helhed-tests-XXXXXX)
  chmod 711 "$scratch" # PostgreSQL's files are its own user's
  trap 'rm -rf "$scratch"' EXIT
fi

step setup deploy/setup.sh build test
if [[ $mode == quick ]]; then
  step build-dev configure_and_build dev
  step test-dev run_tests dev
else
  step format tests/lint/format.sh
  step build-asan configure_and_build asan
  step test-asan run_tests asan
fi
if [[ $mode == long ]]; then
  step build-tsan configure_and_build tsan --target tsan_tests
  step test-tsan run_tests tsan -L tsan
  step build-fuzz configure_and_build fuzz --target fuzz_targets
  step test-fuzz run_tests fuzz -L fuzz
  step tidy tests/lint/tidy.sh
fi

# Count what ran, for whoever reads only the last line.
passed=$(cat build/logs/test-*.log | sed -nE 's/^([0-9]+)% tests passed, ([0-9]+) tests failed out of ([0-9]+)$/\3 \2/p' | awk '{p += $1 - $2} END {print p + 0}')
echo "all in $((SECONDS - started)) s"
echo "$passed passed, 0 failed"
