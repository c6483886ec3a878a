#!/usr/bin/env bash
# Builds Helhed, starts its services on their embedded stores and the gateway before them, enters the housing of the Amager case
# through the gateway (5 organisations, 19 departments, 4,135 dwellings) and leaves it running until Ctrl-C. Every run starts afresh.
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
quietly 'Building (some minutes the first time)' cmake --build --preset release --target helhed helhed-residents helhed-funding helhed-gateway

bin=$PWD/build/release/bin
home=$PWD/build/demo
rm -rf "$home"
mkdir -p "$home"
# Whom the services believe (the gateway), and whom the gateway believes besides the issuers that it has none of here: this demonstration.
for key in gateway demonstration; do
  "$bin/helhed" token --new-key "$home/$key.key" "$home/$key.pub" --key-id "$key" 2>/dev/null
done

pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null || true' EXIT
field() { sed -nE "s/.*\"$2\":\"?([^\",}]*).*/\1/p" "$home/$1.log" | head -1; }
# Port 0: the system picks, and the program says which it was.
start() { # NAME ARGUMENT...
  local name=$1
  shift
  "$bin/helhed-$name" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --roles-file deploy/policy/roles.textproto "$@" \
    >"$home/$name.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 100); do
    [[ -n $(field "$name" port) ]] && return
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  cat "$home/$name.log"
  exit 1
}
upstreams=()
for service in residents funding; do
  start "$service" --sqlite "$home/$service.sqlite" --migrate-on-start --identity-key-file "$home/gateway.pub"
  upstreams+=(--upstream "$service=dns:///127.0.0.1:$(field "$service" port)")
done
start gateway "${upstreams[@]}" --identity-key-file "$home/gateway.key" --demonstration-key-file "$home/demonstration.pub"

sign_in() {
  "$bin/helhed" token --bearer --identity-key "$home/demonstration.key" --subject demo --grant operator --lifetime 1h >"$home/bearer.new"
  mv "$home/bearer.new" "$home/bearer"
}
sign_in
# No identity lives longer than an hour; the demonstration does.
(trap 'kill "$!"' EXIT; while sleep 1800 & wait "$!"; do sign_in; done) &
pids+=($!)
export HELHED_ADDRESS HELHED_BEARER="$home/bearer"
HELHED_ADDRESS=127.0.0.1:$(field gateway port)
call() { "$bin/helhed" call "$@" >/dev/null; }

echo
echo 'The housing of the Amager case'
declare -A known=()
organisation() { # number name
  [[ -n ${known[$1]:-} ]] && return
  known[$1]=1
  call CreateOrganisation "{\"organisationId\": \"$1\", \"organisation\": {\"displayName\": \"$2\"}}"
}
rows=0
while IFS=';' read -r number name administrator administrator_name department department_name dwellings; do
  if [[ -z ${known[$number]:-} ]]; then
    organisation "$number" "$name"
    if [[ -n $administrator ]]; then
      organisation "$administrator" "$administrator_name"
      call CreateAdministration "{\"parent\": \"organisations/$number\", \"administration\": {\"administrator\":
        \"organisations/$administrator\", \"period\": {\"startDate\": {\"year\": 2000, \"month\": 1, \"day\": 1}}}}"
    fi
    echo 'department;address;floor;door;start_date' >"$home/$number.csv"
  fi
  call CreateDepartment "{\"parent\": \"organisations/$number\", \"departmentId\": \"$department\",
    \"department\": {\"displayName\": \"$department_name\"}}"
  # Made-up addresses: stairwells of ten, five floors with a dwelling to each side.
  awk -v d="$department" -v street="$department_name" -v n="$dwellings" 'BEGIN {
    split("st 1 2 3 4", floors, " "); split("tv th", doors, " ")
    for (i = 0; i < n; i++) {
      f = floors[int(i % 10 / 2) + 1]; side = doors[i % 2 + 1]
      printf "%s;\"%s %d, %s. %s, 2300 København S\";%s;%s;1990-01-01\n", d, street, int(i / 10) + 1, f, side, f, side
    }
  }' >>"$home/$number.csv"
  rows=$((rows + dwellings))
done < <(grep -v '^#' deploy/demo/amager.csv)
for file in "$home"/*.csv; do
  number=$(basename "$file" .csv)
  printf 'organisations/%s: ' "$number"
  "$bin/helhed" import dwellings "$file" --organisation "organisations/$number" 2>&1 | tail -n 1
done

cat <<END

$rows dwellings in $(grep -vc '^#' deploy/demo/amager.csv) departments are entered. The suite runs until Ctrl-C:

  to browse       http://$HELHED_ADDRESS/docs
  REST and gRPC   $HELHED_ADDRESS
  the contract    http://$HELHED_ADDRESS/openapi.json and /descriptor.binpb
  metrics         http://127.0.0.1:$(field gateway admin_port)/metrics
  stores, logs    $home

Try, in another terminal:

  curl -s -H "Authorization: Bearer \$(cat $home/bearer)" 'http://$HELHED_ADDRESS/v1/organisations?orderBy=display_name'
  curl -N -H "Authorization: Bearer \$(cat $home/bearer)" -H 'Accept: text/event-stream' 'http://$HELHED_ADDRESS/v1/feed:watch'
  export HELHED_ADDRESS=$HELHED_ADDRESS HELHED_BEARER=$home/bearer
  $bin/helhed call ListDepartments '{"parent": "organisations/9001", "orderBy": "display_name"}'
  $bin/helhed call ListDwellings '{"parent": "organisations/9001", "department": "organisations/9001/departments/007", "pageSize": 3}'
  $bin/helhed call --list
END
wait
