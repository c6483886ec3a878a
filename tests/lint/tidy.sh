#!/usr/bin/env bash
# clang-tidy, as .clang-tidy sets it, over our own code: all of it, or only the files given.
#   tests/lint/tidy.sh [FILE.cc ...]
set -euo pipefail
cd "$(dirname "$0")/../.."
# A compilation database made for clang, without precompiled headers, which would hide what a file includes itself.
tree=build/tidy
cmake --preset dev -B "$tree" -DCMAKE_C_COMPILER=clang-14 -DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
cmake --build "$tree" --target helhed_generated >/dev/null
python3 tests/lint/tidy.py "$tree" "$@"
