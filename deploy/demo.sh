#!/usr/bin/env bash
# Builds Helhed, starts the housing register on its embedded store, enters the housing of the Amager case through its API (5
# organisations, 19 departments, 4,135 dwellings) and leaves it running until Ctrl-C. Every run starts afresh.
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
quietly 'Building (some minutes the first time)' cmake --build --preset release --target helhed helhed-residents

bin=$PWD/build/release/bin
home=$PWD/build/demo
rm -rf "$home"
mkdir -p "$home"
"$bin/helhed" token --new-key "$home/demo.key" "$home/demo.pub" --key-id demo 2>/dev/null

# Port 0: the system picks, and the service says which it was.
"$bin/helhed-residents" serve --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --sqlite "$home/residents.sqlite" --migrate-on-start \
  --identity-key-file "$home/demo.pub" --roles-file deploy/policy/roles.textproto >"$home/residents.log" 2>&1 &
service=$!
trap 'kill "$service" 2>/dev/null; wait "$service" 2>/dev/null || true' EXIT
field() { sed -nE "s/.*\"$1\":\"?([^\",}]*).*/\\1/p" "$home/residents.log" | head -1; }
for _ in $(seq 100); do
  [[ -n $(field port) ]] && break
  kill -0 "$service" 2>/dev/null || { cat "$home/residents.log"; exit 1; }
  sleep 0.1
done

export HELHED_ADDRESS HELHED_IDENTITY_KEY="$home/demo.key" HELHED_SUBJECT=demo HELHED_GRANT=operator
HELHED_ADDRESS=127.0.0.1:$(field port)
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

$rows dwellings in $(grep -vc '^#' deploy/demo/amager.csv) departments are entered. The register runs until Ctrl-C:

  gRPC            $HELHED_ADDRESS
  metrics, health http://127.0.0.1:$(field admin_port)/metrics
  its store, log  $home

Try, in another terminal:

  export HELHED_ADDRESS=$HELHED_ADDRESS HELHED_IDENTITY_KEY=$home/demo.key HELHED_GRANT=operator
  $bin/helhed call ListDepartments '{"parent": "organisations/9001", "orderBy": "display_name"}'
  $bin/helhed call ListDwellings '{"parent": "organisations/9001", "department": "organisations/9001/departments/007", "pageSize": 3}'
  $bin/helhed call WatchEvents '{}'
  $bin/helhed call --list
END
wait "$service"
