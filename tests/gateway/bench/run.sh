#!/usr/bin/env bash
# The gateway's rows of the benchmark, tab-separated as the others print them: row, ours, reference, unit, ratio, bar. One client for
# all (h2load of nghttp2), on this machine, in this run; signed in, with authorisation, limits, log and metrics on.
#   tests/gateway/bench/run.sh BIN [SECONDS]
# BIN holds helhed, helhed-residents, helhed-gateway, helhed-suite, helhed_bench_echo and helhed_bench_watchers.
# nginx, etcd and h2load are taken out of Debian's packages and not installed: an installed one might begin to serve.
set -euo pipefail
cd "$(dirname "$0")/../../.."
bin=$(realpath "$1")
seconds=${2:-4}
work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

reference=build/reference
if [[ ! -x $reference/usr/bin/h2load ]]; then
  mkdir -p "$reference"
  mapfile -t packages < <(sed -e 's/#.*//' deploy/packages.list | awk '/ reference/ { print $1 }')
  (cd "$work" && apt-get download -q "${packages[@]}" >&2)
  for package in "$work"/*.deb; do dpkg -x "$package" "$reference"; done
fi
reference=$(realpath "$reference")
export LD_LIBRARY_PATH=$reference/usr/lib/x86_64-linux-gnu
h2load=$reference/usr/bin/h2load

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
start() { # LOG COMMAND...
  local log=$1
  shift
  "$@" >"$log" 2>&1 &
  pids+=($!)
}
await() { # PORT
  for _ in $(seq 200); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    sleep 0.05
  done
  echo "nothing listens on $1" >&2
  cat "$work"/*.log >&2
  exit 1
}
# Calls a second that h2load counts as well done.
rate() {
  "$h2load" --warm-up-time=1 -D "$seconds" -t 1 "$@" >"$work/h2load.out" 2>&1
  grep -q ' 0 failed, 0 errored' "$work/h2load.out" || { cat "$work/h2load.out" >&2; exit 1; }
  grep -q 'status codes: [1-9][0-9]* 2xx, 0 3xx, 0 4xx, 0 5xx' "$work/h2load.out" || { cat "$work/h2load.out" >&2; exit 1; }
  sed -n 's/^finished in .*, \([0-9.]*\) req\/s.*/\1/p' "$work/h2load.out"
}
row() { # NAME OURS REFERENCE UNIT BAR
  awk -v n="$1" -v o="$2" -v r="$3" -v u="$4" -v b="$5" 'BEGIN { printf "%s\t%.0f\t%.0f\t%s\t%.2f\t%s\n", n, o, r, u, o / r, b }'
}
frame() { # writes a gRPC message of the bytes on standard input
  local length
  cat >"$work/message"
  length=$(stat -c %s "$work/message")
  printf '\\x00\\x%02x\\x%02x\\x%02x\\x%02x' $((length >> 24 & 255)) $((length >> 16 & 255)) $((length >> 8 & 255)) $((length & 255)) |
    xargs -0 printf '%b'
  cat "$work/message"
}

# The register and the gateway, in cleartext and with TLS.
for name in gateway demonstration; do "$bin/helhed" token --new-key "$work/$name" "$work/$name.pub" --key-id "$name" >/dev/null; done
roles=deploy/policy/roles.textproto
service=$(port) plain=$(port) tls=$(port) suite=$(port)
printf 'limits { client { per_second: 1000000 burst: 1000000 } calls { per_client: 10000 in_all: 20000 } streams { per_client: 20000 in_all: 40000 } }\n' >"$work/access.textproto"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout "$work/key.pem" -out "$work/cert.pem" 2>/dev/null
start "$work/service.log" "$bin/helhed-residents" serve --sqlite "$work/residents.sqlite" --migrate-on-start --listen "127.0.0.1:$service" \
  --admin-listen "" --identity-key-file "$work/gateway.pub" --roles-file "$roles" --log-level warning
await "$service"
common=(--upstream "residents=127.0.0.1:$service" --admin-listen "" --identity-key-file "$work/gateway" --roles-file "$roles"
  --demonstration-key-file "$work/demonstration.pub" --access-file "$work/access.textproto")
start "$work/plain.log" "$bin/helhed-gateway" serve --listen "127.0.0.1:$plain" "${common[@]}"
plain_pid=$!
start "$work/tls.log" "$bin/helhed-gateway" serve --listen "127.0.0.1:$tls" "${common[@]}" --tls-certificate-file "$work/cert.pem" --tls-key-file "$work/key.pem"
tls_pid=$!
start "$work/suite.log" "$bin/helhed-suite" serve --folder "$work/suite" --migrate-on-start --listen "127.0.0.1:$suite" --admin-listen "" \
  --roles-file "$roles" --demonstration-key-file "$work/demonstration.pub" --access-file "$work/access.textproto" --log-level warning
await "$plain"
await "$tls"
await "$suite"
token=$("$bin/helhed" token --bearer --identity-key "$work/demonstration" --subject bench --grant operator --lifetime 1h)
auth="authorization: Bearer $token"
for door in "$plain" "$suite"; do
  curl --silent --fail --output /dev/null --header "$auth" --header 'content-type: application/json' \
    --data '{"displayName": "Boligforeningen 3B"}' "http://127.0.0.1:$door/v1/organisations?organisation_id=9001"
done
name=organisations/9001
printf "\\x0a\\x$(printf %02x "${#name}")%s" "$name" | frame >"$work/get.grpc"
grpc=(-H "$auth" -H 'content-type: application/grpc' -H 'te: trailers' -d "$work/get.grpc")
get=/helhed.residents.v1.HousingRegisterService/GetOrganisation
# h2load sees HTTP's status alone, which is 200 for every end of a gRPC call.
answers() { # URL MESSAGE TEXT
  curl --silent --insecure --http2-prior-knowledge --header "$auth" --header 'content-type: application/grpc' --header 'te: trailers' --data-binary "@$2" "$1" |
    grep --quiet --text "$3" || { echo "$1 does not answer as it should" >&2; exit 1; }
}
answers "http://127.0.0.1:$plain$get" "$work/get.grpc" 3B
answers "http://127.0.0.1:$suite$get" "$work/get.grpc" 3B

# The references: nginx before a bare echo of 200 bytes, and etcd's JSON gateway.
echo=$(port) proxy=$(port) secure=$(port) etcd=$(port) peer=$(port)
start "$work/echo.log" "$bin/helhed_bench_echo" "127.0.0.1:$echo"
await "$echo"
cat >"$work/nginx.conf" <<CONF
worker_processes 2;
daemon off;
pid $work/nginx.pid;
error_log $work/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $work/body; proxy_temp_path $work/proxy; fastcgi_temp_path $work/fastcgi; uwsgi_temp_path $work/uwsgi; scgi_temp_path $work/scgi;
  upstream echo { server 127.0.0.1:$echo; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:$proxy http2;
    listen 127.0.0.1:$secure ssl http2;
    ssl_certificate $work/cert.pem;
    ssl_certificate_key $work/key.pem;
    keepalive_requests 10000000;
    location / { grpc_pass grpc://echo; }
  }
}
CONF
start "$work/nginx.out" "$reference/usr/sbin/nginx" -c "$work/nginx.conf" -e "$work/nginx.log"
start "$work/etcd.log" "$reference/usr/bin/etcd" --data-dir "$work/etcd" --log-level error --listen-client-urls "http://127.0.0.1:$etcd" \
  --advertise-client-urls "http://127.0.0.1:$etcd" --listen-peer-urls "http://127.0.0.1:$peer" --initial-advertise-peer-urls "http://127.0.0.1:$peer" \
  --initial-cluster "default=http://127.0.0.1:$peer"
await "$proxy"
await "$etcd"
printf 'x%.0s' {1..200} | frame >"$work/echo.grpc"
answers "http://127.0.0.1:$proxy/bench.Echo/Echo" "$work/echo.grpc" "$(printf 'x%.0s' {1..200})"
bare=(-H 'content-type: application/grpc' -H 'te: trailers' -d "$work/echo.grpc")
printf '{"key": "Zm9v", "value": "YmFy"}' >"$work/put.json"
printf '{"key": "Zm9v"}' >"$work/range.json"
curl --silent --fail --output /dev/null --data "@$work/put.json" "http://127.0.0.1:$etcd/v3/kv/put"

many=(-c 4 -m 8)
one=(-c 1 -m 1)
nginx_many=$(rate "${many[@]}" "${bare[@]}" "http://127.0.0.1:$proxy/bench.Echo/Echo")
nginx_one=$(rate "${one[@]}" "${bare[@]}" "http://127.0.0.1:$proxy/bench.Echo/Echo")
nginx_tls=$(rate "${many[@]}" "${bare[@]}" "https://127.0.0.1:$secure/bench.Echo/Echo")
grpc_many=$(rate "${many[@]}" "${grpc[@]}" "http://127.0.0.1:$plain$get")
suite_many=$(rate "${many[@]}" "${grpc[@]}" "http://127.0.0.1:$suite$get")
grpc_one=$(rate "${one[@]}" "${grpc[@]}" "http://127.0.0.1:$plain$get")
grpc_tls=$(rate "${many[@]}" "${grpc[@]}" "https://127.0.0.1:$tls$get")
json=$(rate "${many[@]}" -H "$auth" "http://127.0.0.1:$plain/v1/$name")
json1=$(rate --h1 -c 32 -H "$auth" "http://127.0.0.1:$plain/v1/$name")
etcd1=$(rate --h1 -c 32 -H 'content-type: application/json' -d "$work/range.json" "http://127.0.0.1:$etcd/v3/kv/range")

row "gRPC read through the gateway, signed in, five processes, against nginx grpc_pass before an echo" "$grpc_many" "$nginx_many" calls/s 1.5
row "the same in one process (suite)" "$suite_many" "$nginx_many" calls/s 2.5
row "five processes, one caller (latency)" "$grpc_one" "$nginx_one" calls/s 0.8
row "five processes with TLS, against nginx with TLS" "$grpc_tls" "$nginx_tls" calls/s 1.5
row "JSON read through the gateway, against the same by gRPC" "$json" "$grpc_many" calls/s 0.6
row "JSON read through the gateway (HTTP/1.1), against etcd's JSON gateway" "$json1" "$etcd1" calls/s 3

# Watchers that wait, each on a connection of its own.
watchers=10000
at_most() { # NAME OURS UNIT BAR
  awk -v n="$1" -v o="$2" -v u="$3" -v b="$4" 'BEGIN { printf "%s\t%.1f\t-\t%s\t%.2f\tat most %s\n", n, o, u, b / o, b }'
}
at_most "$watchers idle watchers of the feed, each" "$("$bin/helhed_bench_watchers" "$plain" "$plain_pid" $watchers "$token")" KiB 50
at_most "the same with TLS, each" "$("$bin/helhed_bench_watchers" "$tls" "$tls_pid" $watchers "$token" tls)" KiB 50
echo "# load of the machine at the end of the gateway's rows: $(cut -d' ' -f1-3 /proc/loadavg), $(nproc) cores"
