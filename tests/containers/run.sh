#!/usr/bin/env bash
# Builds the images, starts deploy/compose/compose.yaml with podman, and plays the story of the case (tests/story) against its
# gateway, over TLS. Ends with 77 and says why where containers cannot be run.
#
#   deploy/setup.sh build containers && tests/containers/run.sh
#
# HELHED_BINARIES names a folder whose out/ holds programs that are built already, HELHED_STORY one with the client.
set -euo pipefail
[[ -z ${HELHED_BINARIES:-} ]] || HELHED_BINARIES=$(realpath "$HELHED_BINARIES")
[[ -z ${HELHED_STORY:-} ]] || HELHED_STORY=$(realpath "$HELHED_STORY")
cd "$(dirname "$0")/../.."
. tests/containers/lib.sh
need_podman

here=$PWD/build/containers
binaries=${HELHED_BINARIES:-$here/binaries}
client=${HELHED_STORY:-$PWD/build/release/story}
if [[ -z ${HELHED_BINARIES:-} ]]; then
  deploy/images/programs.sh "$binaries/out"
  cmake --build --preset release --target helhed_story_client
fi
make_base localhost/debian:bookworm-slim
make_images "$binaries"
buildah bud --quiet --layers --file tests/containers/postgres.Containerfile --tag localhost/helhed/postgres .

rm -rf "$here/secrets"
export HELHED=$binaries/out/helhed HELHED_SECRETS=$here/secrets HELHED_DATABASE_IMAGE=localhost/helhed/postgres
export HELHED_PORT=${HELHED_PORT:-18440}
mkdir -p "$HELHED_SECRETS/gateway"
# The whole case in one go is more than one client may ask by default.
cat >"$HELHED_SECRETS/gateway/access.textproto" <<'CONF'
limits { client { per_second: 100000 burst: 100000 } }
CONF
deploy/secrets.sh localhost
deploy/secrets.sh --own

compose() { podman-compose --project-name helhed-test --file deploy/compose/compose.yaml "$@"; }
finish() {
  local code=$?
  ((code == 0)) || { compose logs && podman logs helhed-test_suite; } 2>&1 | tail -n 100
  compose down --volumes >/dev/null 2>&1 || true
  podman rm --force --volumes helhed-test_suite >/dev/null 2>&1 || true
  exit "$code"
}
trap finish EXIT

# Tries every second until something succeeds.
await() { # WHAT COMMAND...
  local what=$1
  shift
  for _ in $(seq 120); do
    "$@" >/dev/null 2>&1 && return
    sleep 1
  done
  echo "$what"
  exit 1
}
healthy() { podman exec "helhed-test_$1" "/usr/bin/helhed-${1%_1}" healthcheck; }
confined() { # CONTAINER
  [[ $(podman inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}' "helhed-test_$1") == 'true 65532:65532' ]] ||
    { echo "$1 runs with a root file system that can be written, or as root"; exit 1; }
}

# The suite needs nothing but its volume.
podman run --detach --name helhed-test_suite --read-only --env HELHED_MIGRATE_ON_START=true localhost/helhed/suite
await 'the suite does not become healthy' healthy suite
confined suite
podman rm --force --volumes helhed-test_suite >/dev/null

compose up --detach
await 'the gateway does not become ready' \
  curl --silent --fail --cacert "$HELHED_SECRETS/outside-ca.pem" "https://localhost:$HELHED_PORT/readyz"
# podman-compose starts everything at once: who comes before the database is started again until it is there.
for service in residents funding activities communications gateway; do
  await "$service does not become healthy" healthy "${service}_1"
  confined "${service}_1"
done
HELHED_ADDRESS=https://localhost:$HELHED_PORT HELHED_PROGRAM=$HELHED HELHED_IDENTITY_KEY=$HELHED_SECRETS/demonstration.key \
  NODE_EXTRA_CA_CERTS=$HELHED_SECRETS/outside-ca.pem node "$client/check.js"
podman images --format '{{.Repository}} {{.Size}}' | grep localhost/helhed/
