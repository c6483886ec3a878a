#!/usr/bin/env bash
# Builds Helhed, starts the suite in one process on its embedded store, plays the Amager case through the gateway with the client of
# tests/story (two plans become one for 19 departments with 4,135 dwellings: votes, money, letters, activities, an incident), and leaves
# it running until Ctrl-C. Every run starts afresh.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p build/logs

quietly() {
  local what=$1
  shift
  printf '%-44s' "$what"
  if ! "$@" >build/logs/demo.log 2>&1; then
    printf 'failed:\n'
    tail -n 40 build/logs/demo.log
    exit 1
  fi
  printf 'ok\n'
}
quietly 'Installing what is missing' deploy/setup.sh build
quietly 'Configuring' cmake --preset release
quietly 'Building (some minutes the first time)' cmake --build --preset release --target helhed helhed-suite helhed_story_client

bin=$PWD/build/release/bin
home=$PWD/build/demo
rm -rf "$home"
mkdir -p "$home"
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null || true' EXIT

field() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\1/p" "$home/suite.log" | head -1; }
start_suite() {
  # Whom the gateway believes besides the issuers that it has none of here: this demonstration, which may ask more than a client may
  # by default.
  "$bin/helhed" token --new-key "$home/demonstration.key" "$home/demonstration.pub" --key-id demonstration 2>/dev/null
  echo 'limits { client { per_second: 100000 burst: 100000 } }' >"$home/access.textproto"
  # Port 0: the system picks, and the program says which it was.
  "$bin/helhed-suite" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --folder "$home" --migrate-on-start \
    --roles-file deploy/policy/roles.textproto --access-file "$home/access.textproto" \
    --demonstration-key-file "$home/demonstration.pub" >"$home/suite.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    [[ -n $(field port) ]] && return
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$home/suite.log"
  exit 1
}
start_suite

sign_in() {
  "$bin/helhed" token --bearer --identity-key "$home/demonstration.key" --subject demo --grant operator --lifetime 1h >"$home/bearer.new"
  mv "$home/bearer.new" "$home/bearer"
}
sign_in
# No identity lives longer than an hour; the demonstration does.
(trap 'kill "$!"' EXIT; while sleep 1800 & wait "$!"; do sign_in; done) &
pids+=($!)

address=127.0.0.1:$(field port)
printf '\nTwo plans on Amager become one\n\n'
HELHED_ADDRESS=http://$address HELHED_PROGRAM=$bin/helhed HELHED_IDENTITY_KEY=$home/demonstration.key node build/release/story/demo.js

plan=plans/amagerplanen
cat <<END

The suite runs until Ctrl-C:

  to browse       http://$address/docs
  REST and gRPC   $address
  the contract    http://$address/openapi.json and /descriptor.binpb
  metrics         http://127.0.0.1:$(field admin_port)/metrics
  stores, logs    $home

Try, in another terminal:

  export HELHED_ADDRESS=$address HELHED_BEARER=$home/bearer
  helhed() { $bin/helhed "\$@"; }
  helhed call GetPlan '{"name": "$plan"}'
  helhed call WhatIsMissing '{"name": "$plan"}'
  helhed call GetCofundingReport '{"parent": "$plan"}'
  helhed call ListActivities '{"parent": "$plan", "orderBy": "display_name"}'
  helhed call ListDwellings '{"parent": "organisations/9001", "department": "organisations/9001/departments/007", "pageSize": 3}'
  helhed call --list

  curl -s -H "Authorization: Bearer \$(cat \$HELHED_BEARER)" http://$address/v1/$plan/overview
  curl -s -H "Authorization: Bearer \$(cat \$HELHED_BEARER)" 'http://$address/v1/$plan/decisions?orderBy=name'
  curl -N -H "Authorization: Bearer \$(cat \$HELHED_BEARER)" -H 'Accept: text/event-stream' http://$address/v1/feed:watch
END
wait
