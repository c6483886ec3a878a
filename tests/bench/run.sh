#!/usr/bin/env bash
# Prints the figures that Helhed holds itself to, each as a ratio measured in one run on one machine. Not a test: nothing fails here.
#   tests/bench/run.sh [DWELLINGS [POSTINGS [ATTENDANCES]]]
# DWELLINGS of the national store, 600,000 unless given; POSTINGS of one plan, a million; ATTENDANCES of the nation, 2 million.
set -euo pipefail
cd "$(dirname "$0")/../.."
dwellings=${1:-600000}
postings=${2:-1000000}
attendances=${3:-2000000}
deploy/setup.sh build test >/dev/null
cmake --preset release >/dev/null
cmake --build --preset release --target helhed_bench helhed-gateway helhed-suite helhed_bench_echo helhed_bench_watchers >/dev/null
bin=build/release/bin
roles=deploy/policy/roles.textproto

rows=$(mktemp)
trap 'rm -f "$rows"' EXIT
for section in doors writes postings reads residents activities campaigns paper; do
  "$bin/helhed_bench" "$section" "$roles" "$bin" "$dwellings" "$postings" "$attendances" | tee -a "$rows" >&2
done
tests/gateway/bench/run.sh "$bin" | tee -a "$rows" >&2

echo
awk -F'\t' '
  BEGIN { printf "%-82s %12s %12s %-9s %7s  %s\n", "row", "ours", "reference", "unit", "ratio", "bar" }
  /^#/ { notes = notes "\n" substr($0, 3); next }
  {
    met = $6 ~ /at most/ ? ($5 >= 1) : ($6 + 0 == 0 ? -1 : ($5 + 0 >= $6 + 0))
    printf "%-82s %12s %12s %-9s %7s  %s%s\n", $1, $2, $3, $4, $5, $6 + 0 == 0 && $6 !~ /most/ ? "-" : $6, met == 1 ? "  met" : met == 0 ? "  NOT MET" : ""
  }
  END {
    print notes
  }' "$rows"
