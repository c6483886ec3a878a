#!/usr/bin/env bash
# Builds the programs for deployment and puts them, without their symbols, into the folder that is named.
set -euo pipefail
cd "$(dirname "$0")/../.."

programs=(helhed helhed-residents helhed-funding helhed-activities helhed-communications helhed-gateway helhed-suite)
cmake --preset release
cmake --build --preset release --target "${programs[@]}"
mkdir -p "$1"
for program in "${programs[@]}"; do
  install --strip "build/release/bin/$program" "$1/"
done
