#!/usr/bin/env bash
# Shows in a clone that buf.sh finds what it is there to find: a removed field, a lint fault, a fault of format, a history too short.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD
clone=$(mktemp -d)
trap 'rm -rf "$clone"' EXIT

mkdir "$clone/repository"
cd "$clone/repository"
git init --quiet --initial-branch=main
git config user.name proof
git config user.email proof@localhost
mkdir -p tests/contract
cp -r "$here/proto" . 2>/dev/null || true
rm -rf proto/node_modules
ln -s "$here/proto/node_modules" proto/node_modules
cp "$here/tests/contract/buf.sh" tests/contract/
echo node_modules >.gitignore
git add -A
git commit --quiet -m first
unset HELHED_CONTRACT_BASE CI

contract=proto/helhed/common/v1/money.proto
expect() {
  local want=$1 what=$2
  shift 2
  local got=0
  "$@" >"$clone/out" 2>&1 || got=$?
  if { [[ $want == pass ]] && [[ $got != 0 ]]; } || { [[ $want == fail ]] && [[ $got == 0 ]]; }; then
    echo "$what: expected to $want, exit code $got" >&2
    cat "$clone/out" >&2
    exit 1
  fi
  echo "$what: ok"
}

expect pass "a history too short" tests/contract/buf.sh
grep -q "the history here is too short" "$clone/out"
expect fail "a history too short, in CI" env CI=1 tests/contract/buf.sh

printf '\n// A share of a share.\nmessage Slice {\n  // How much.\n  int64 part = 1;\n}\n' >>$contract
git commit --quiet -am "an addition"
expect pass "an addition" tests/contract/buf.sh

sed -i '/^  \/\/ ISO 4217/,/^$/d' $contract
expect fail "a field removed, not committed" env HELHED_CONTRACT_BASE=HEAD tests/contract/buf.sh
git commit --quiet -am "a break"
expect fail "a field removed" tests/contract/buf.sh
grep -q "currency_code" "$clone/out"

git update-ref refs/remotes/origin/main HEAD~1
expect fail "a field removed, against origin/main" tests/contract/buf.sh
echo "$(git rev-parse HEAD~1) nobody speaks it yet" >>proto/breaking-accepted.txt
expect pass "a break that is accepted" tests/contract/buf.sh
sed -i '$d' proto/breaking-accepted.txt
echo "$(git rev-parse HEAD~1)" >>proto/breaking-accepted.txt
expect fail "a break accepted without a reason" tests/contract/buf.sh
echo "$(git rev-parse HEAD) another base" >proto/breaking-accepted.txt
expect fail "a break accepted for another base" tests/contract/buf.sh

git checkout --quiet HEAD~1 -- .
sed -i 's/^  int64 part = 1;/    int64 part = 1;/' $contract
expect fail "a fault of format" tests/contract/buf.sh
git checkout --quiet HEAD~1 -- .
sed -i 's/int64 part = 1/int64 thePart = 1/' $contract
expect fail "a fault of lint" tests/contract/buf.sh
