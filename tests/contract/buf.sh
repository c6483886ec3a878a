#!/usr/bin/env bash
# Lints the contract, checks how it is formatted, and compares it with what main had before, so that nobody who speaks the old
# contract is broken unawares.
#   tests/contract/buf.sh            compares with HELHED_CONTRACT_BASE if that is set; else with origin/main where that is
#                                    another commit; else with what was there before the last commit that touched the contract
# A break that is meant stands in proto/breaking-accepted.txt. In CI (CI=1) a history too short to compare with is an error.
set -euo pipefail
cd "$(dirname "$0")/../.."
buf=$PWD/proto/node_modules/@bufbuild/buf-linux-x64/bin/buf
if [[ ! -x $buf ]]; then
  echo "buf is not there: run \`npm ci\` in proto/ (CMake does it when it configures)" >&2
  exit 1
fi

(cd proto && "$buf" lint --path helhed)
(cd proto && "$buf" format --diff --exit-code --path helhed)

commit_of() { git rev-parse --verify --quiet "$1^{commit}" || true; }

# Prints the commit to compare with, or nothing.
find_base() {
  if [[ -n ${HELHED_CONTRACT_BASE:-} ]]; then
    commit_of "$HELHED_CONTRACT_BASE"
    return
  fi
  local main last
  main=$(commit_of origin/main)
  if [[ -n $main && $main != "$(commit_of HEAD)" ]]; then
    echo "$main"
    return
  fi
  last=$(git log -1 --format=%H -- proto/helhed 2>/dev/null || true)
  [[ -z $last ]] || commit_of "$last^"
}

base=$(find_base)
if [[ -z $base ]]; then
  echo "the contract was not compared: ${HELHED_CONTRACT_BASE:+$HELHED_CONTRACT_BASE is not there, or }the history here is too short;" \
    "fetch more of it (git fetch --unshallow) or set HELHED_CONTRACT_BASE" >&2
  [[ -z ${CI:-} ]] && exit 0
  exit 1
fi
if ! git cat-file -e "$base:proto/helhed" 2>/dev/null; then
  echo "the contract was not compared: $base has none yet"
  exit 0
fi

# An archive has no node_modules, and without googleapis the old contract does not compile.
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" proto | tar -x -C "$before"
ln -s "$PWD/proto/node_modules" "$before/proto/node_modules"
(cd "$before/proto" && "$buf" build --path helhed -o "$before/before.binpb")
(cd proto && "$buf" build --path helhed -o "$before/now.binpb")
found=0
"$buf" breaking "$before/now.binpb" --against "$before/before.binpb" --config proto/buf.yaml || found=$?
if [[ $found == 0 ]]; then
  echo "the contract breaks nothing that $base had"
  exit 0
elif [[ $found != 100 ]]; then # 100 is what buf says of a break; all else is buf not working
  exit "$found"
fi

# An entry is `<full hash of the base> <reason>`.
if reason=$(grep -E "^$base .+" proto/breaking-accepted.txt); then
  echo "accepted: ${reason#* }"
  exit 0
fi
echo "the contract breaks what $base had; if that is meant, add this line to proto/breaking-accepted.txt:" >&2
echo "$base why nobody is harmed" >&2
exit 1
