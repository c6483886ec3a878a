#!/usr/bin/env bash
# Installs the Debian packages of deploy/packages.list that are needed for the given purposes (build, test, run) and are missing.
#   deploy/setup.sh build test
# Needs root, or sudo; does nothing and needs neither when nothing is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

purposes=("${@:-build}")
missing=()
while read -r package needed; do
  for purpose in "${purposes[@]}"; do
    [[ " $needed " == *" $purpose "* ]] || continue
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] && break
    # Node may come from elsewhere than Debian; then Debian's npm could not be installed beside it, and need not be.
    [[ $package =~ ^(nodejs|npm)$ ]] && command -v node >/dev/null && command -v npm >/dev/null && break
    missing+=("$package")
    break
  done
done < <(sed -e 's/#.*//' -e '/^\s*$/d' deploy/packages.list)

if ((${#missing[@]})); then
  echo "installing: ${missing[*]}"
  as_root=()
  [[ $(id -u) -eq 0 ]] || as_root=(sudo)
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi
