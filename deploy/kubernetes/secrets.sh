#!/usr/bin/env bash
# Prints, as YAML, the Secrets and ConfigMaps that base/ mounts, from what deploy/secrets.sh made:
#
#   deploy/kubernetes/secrets.sh | kubectl --namespace helhed apply --filename -
#
# Where a cluster keeps its secrets elsewhere (cert-manager, External Secrets), that makes them under the same names instead.
set -euo pipefail
roles=$(cd "$(dirname "$0")/../policy" && pwd)/roles.textproto
cd "${HELHED_SECRETS:-$(dirname "$0")/../secrets}"

make() { kubectl create "$@" --dry-run=client --output yaml && echo ---; }
for service in residents funding activities communications; do
  own=(--from-file "$service/password")
  for key in data.key signing.key; do
    [[ ! -e $service/$key ]] || own+=(--from-file "$service/$key")
  done
  make secret generic "$service" "${own[@]}"
  make secret generic "$service-tls" --from-file "tls.crt=$service/certificate.pem" --from-file "tls.key=$service/key.pem" \
    --from-file ca.crt=inside-ca.pem
done
make secret generic gateway --from-file gateway/signing.key --from-file gateway/access.textproto
make secret generic gateway-tls --from-file tls.crt=gateway/certificate.pem --from-file tls.key=gateway/key.pem \
  --from-file ca.crt=inside-ca.pem
make secret generic gateway-outside-tls --from-file tls.crt=gateway/outside-certificate.pem \
  --from-file tls.key=gateway/outside-key.pem --from-file ca.crt=outside-ca.pem
make configmap signers --from-file gateway.pub --from-file funding.pub --from-file activities.pub --from-file communications.pub
make configmap roles --from-file "$roles"
