#!/usr/bin/env bash
# Lints the OpenAPI document with Spectral: its OpenAPI ruleset and OWASP's. No error is let through.
#   gateway/openapi/lint.sh BUILD/bin/helhed_openapi
set -euo pipefail
binary=$(realpath "$1")
cd "$(dirname "$0")"
# One `npm ci` at a time, and only when what is pinned has changed.
(
  flock 9
  if ! cmp -s package-lock.json node_modules/.fetched; then
    npm ci --ignore-scripts --no-audit --no-fund >&2
    cp package-lock.json node_modules/.fetched
  fi
) 9>"${TMPDIR:-/tmp}/helhed-openapi-npm.lock"
document=$(mktemp --suffix=.json)
trap 'rm -f "$document"' EXIT
"$binary" >"$document"
# A document without methods has no faults either.
node -e '
  const methods = Object.values(JSON.parse(require("fs").readFileSync(process.argv[1])).paths).flatMap(Object.keys).length;
  console.log(methods + " methods");
  process.exit(methods > 50 ? 0 : 1)' "$document"
node_modules/.bin/spectral lint --fail-severity=error --display-only-failures --ruleset spectral.yaml "$document"
