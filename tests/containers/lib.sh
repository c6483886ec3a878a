# shellcheck shell=bash
# Containers on a machine without a registry or Docker's engine: what the scripts of this folder share. To be read by bash.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot CONTAINERS_CONF=$PWD/build/containers/containers.conf

# Says that this machine cannot, and why, and ends with the code that ctest takes for skipped.
skip() {
  echo "SKIPPED: $1"
  exit 77
}

need_podman() {
  local tool
  for tool in podman buildah runc debootstrap; do
    command -v "$tool" >/dev/null || skip "$tool is not installed (deploy/setup.sh containers)"
  done
  [[ $(id -u) -eq 0 ]] || skip 'debootstrap needs root'
  mkdir -p build/containers
  # runc with cgroupfs and low limits starts also where systemd does not run and limits cannot be raised.
  cat >"$CONTAINERS_CONF" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
CONF
}

# The base image, from the mirror that this machine installs from.
make_base() { # TAG
  buildah inspect --type image "$1" >/dev/null 2>&1 && return
  local mirror root=$PWD/build/containers/base
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | awk '$2 == "bookworm" {print $1; exit}')
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root" "$mirror"
  cp --recursive /etc/apt/sources.list.d /etc/apt/apt.conf.d "$root/etc/apt/"
  [[ -z $(ls -A /etc/apt/sources.list.d) ]] || rm -f "$root/etc/apt/sources.list"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$root" /
  buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
  buildah commit --quiet "$container" "$1"
  buildah rm "$container" >/dev/null
  rm -rf "$root"
}

# The images, of programs that are built already.
make_images() { # DIR WITH out/
  local target
  for target in residents funding activities communications gateway suite helhed; do
    buildah bud --quiet --layers --build-arg BASE=localhost/debian:bookworm-slim --build-context "binaries=$1" \
      --file deploy/images/Containerfile --target "$target" --tag "localhost/helhed/$target" .
  done
}
