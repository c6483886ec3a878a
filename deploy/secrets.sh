#!/usr/bin/env bash
# Makes the keys, certificates and passwords of an installation in deploy/secrets (or $HELHED_SECRETS), a folder for each container, so
# that none sees another's. Nothing is overwritten: a second run makes what is missing.
#
#   deploy/secrets.sh [HOST NAME OF THE GATEWAY]    as anybody; needs openssl, and `helhed` in PATH or named by $HELHED
#   deploy/secrets.sh --own                         then, for containers on this machine (compose.yaml mounts the folders): gives them to
#                                                   the user that the containers run as; needs root, or podman without root
#
# For a cluster the second step is not needed: kubernetes/secrets.sh makes Secrets of what the first has made.
#
# The certificates are for trying: the one that callers see is signed by a CA made here. With certificates of your own, put them in
# place of outside-*.pem. Callers' tokens come from the OpenID Connect issuers that secrets/gateway/access.textproto names; it names none
# to begin with. compose.yaml has the gateway believe demonstration.key besides, with which anybody who has it can sign tokens for
# anybody (`helhed token --bearer`).
set -euo pipefail
services=(residents funding activities communications)
folder=$(realpath -m "${HELHED_SECRETS:-$(dirname "$0")/secrets}")
helhed=${HELHED:-helhed}
[[ $helhed != */* ]] || helhed=$(realpath -m "$helhed")

# Private keys are refused when others can read them, so the containers' user (deploy/images/Containerfile) has to own them.
if [[ ${1:-} == --own ]]; then
  cd "$folder"
  own=(chown -R 65532:65532 "${services[@]}" gateway)
  if [[ $(id -u) -eq 0 ]]; then
    exec "${own[@]}"
  elif command -v podman >/dev/null; then
    exec podman unshare "${own[@]}"
  fi
  echo "$0: --own needs root, or podman" >&2
  exit 1
fi

# What podman's users own already is reached from among them.
if [[ -d $folder/gateway && ! -O $folder/gateway && $(id -u) -ne 0 ]]; then
  exec podman unshare "$0" "$@"
fi
command -v "$helhed" >/dev/null || { echo "$0: no helhed in PATH: name it by HELHED" >&2; exit 1; }
name=${1:-localhost}
umask 077
mkdir -p "$folder"
cd "$folder"

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
  echo '# Issuers of tokens, systems and limits: helhed.gateway.v1.GatewayConfig.' >gateway/access.textproto
for service in "${services[@]}" gateway; do
  cp inside-ca.pem "$service/"
  for signer in gateway "${services[@]:1}"; do cp "$signer.pub" "$service/"; done
done
# PostgreSQL's image has a user of its own.
chmod 0755 database
chmod 0644 database/*
echo "made in $folder; callers trust $folder/outside-ca.pem"
