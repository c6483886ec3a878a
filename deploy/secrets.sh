#!/usr/bin/env bash
# Makes the keys, certificates and passwords of an installation in deploy/secrets (or $HELHED_SECRETS), a folder for each container, so that none sees
# another's. compose.yaml mounts them; kubernetes/secrets.sh makes Secrets of them. Nothing is overwritten: a second run makes what is
# missing.
#
#   deploy/secrets.sh [HOST NAME OF THE GATEWAY]
#
# The certificates are for trying: the one that callers see is signed by a CA made here. With certificates of your own, put them in
# place of outside-*.pem. Callers' tokens come from the OpenID Connect issuers that secrets/gateway/access.textproto names; until it
# names some, a key for demonstrations is accepted, with which anybody who has it can sign tokens (`helhed token --bearer`).
set -euo pipefail
cd "$(dirname "$0")"
name=${1:-localhost}
folder=${HELHED_SECRETS:-secrets}
helhed=${HELHED:-helhed}
umask 077
mkdir -p "$folder" && cd "$folder"

have() { [[ -s $1 ]]; }
password() { have "$1" || openssl rand -hex 24 | tr -d '\n' >"$1"; }
authority() { # FILE NAME
  have "$1.pem" || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$1.key" -out "$1.pem" 2>/dev/null
}
certificate() { # AUTHORITY CERTIFICATE KEY NAME...
  have "$2" && return
  local names
  printf -v names 'DNS:%s,' "${@:4}"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$4" -keyout "$3" -out "$2.csr" 2>/dev/null
  openssl x509 -req -in "$2.csr" -CA "$1.pem" -CAkey "$1.key" -days 825 -out "$2" \
    -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "${names%,}") 2>/dev/null
  rm "$2.csr"
}
signing_key() { # SERVICE
  have "$1/signing.key" || "$helhed" token --new-key "$1/signing.key" "$1.pub" --key-id "$1"
}

authority inside-ca 'Helhed, between the services'
authority outside-ca 'Helhed, for callers'
services=(residents funding activities communications)
mkdir -p database gateway "${services[@]}"
password database/database-password
for service in "${services[@]}"; do
  password "database/$service-password"
  cp "database/$service-password" "$service/password"
  certificate inside-ca "$service/certificate.pem" "$service/key.pem" "$service"
done
for service in residents communications; do
  have "$service/data.key" || echo "helhed-data-key 1 $(openssl rand -base64 32)" >"$service/data.key"
done
certificate inside-ca gateway/certificate.pem gateway/key.pem gateway
certificate outside-ca gateway/outside-certificate.pem gateway/outside-key.pem "$name"
cp outside-ca.pem gateway/
for signer in gateway "${services[@]:1}"; do signing_key "$signer"; done
have demonstration.key || "$helhed" token --new-key demonstration.key demonstration.pub --key-id demonstration
cp demonstration.pub gateway/
have gateway/access.textproto ||
  echo 'identity { demonstration_key_files: "/run/secrets/demonstration.pub" }' >gateway/access.textproto
for service in "${services[@]}" gateway; do
  cp inside-ca.pem "$service/"
  for signer in gateway "${services[@]:1}"; do cp "$signer.pub" "$service/"; done
done

# Private keys are refused when others can read them, so the containers' user owns them.
owner() { chown -R "$@"; }
[[ $(id -u) -eq 0 ]] || owner() { podman unshare chown -R "$@"; }
owner 65532:65532 "${services[@]}" gateway
chmod 0755 database
chmod 0644 database/*
echo "made in $PWD; callers trust $PWD/outside-ca.pem"
