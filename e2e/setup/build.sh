#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The Countersign Authors
#
# Builds the programs the end-to-end tests run, each Go module once, into
#   ${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-~/.cache}/countersign}/<module>-<hash of its sources>/
# A folder appears there complete or not at all.
#
#   build.sh                      build what is missing
#   build.sh controlplane tools   only these modules
#   build.sh --print              print where they are, as KEY=VALUE, built or not
set -euo pipefail
shopt -s inherit_errexit

e2e_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}"
modules=(controlplane tools kwok syft flux)
kubernetes_programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl kubelet kube-proxy)

export CGO_ENABLED=0 GOWORK=off

source_hash() {
  (
    cd "$e2e_dir/$1"
    find . -type f \( -name go.mod -o -name go.sum -o -name '*.go' \) | LC_ALL=C sort | xargs sha256sum
  ) | sha256sum | cut -c1-16
}

module_dir() {
  printf '%s/%s-%s\n' "$cache" "$1" "$(source_hash "$1")"
}

print_paths() {
  local module
  for module in "${modules[@]}"; do
    printf '%s=%s\n' "${module^^}" "$(module_dir "$module")"
  done
}

go_build() {
  go build -trimpath -buildvcs=false -mod=readonly "$@"
}

# The version kubectl and the API server report comes from the linker.
kubernetes_ldflags() {
  local version minor
  version="$(go list -mod=readonly -m -f '{{.Version}}' k8s.io/kubernetes)"
  minor="${version#v1.}"
  minor="${minor%%.*}"
  local package flags='-s -w'
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
    flags+=" -X $package.gitTreeState=clean"
  done
  printf '%s\n' "$flags"
}

build_controlplane() {
  go_build -ldflags "$(kubernetes_ldflags)" -o "$1/controlplane" .
  go_build -ldflags '-s -w' -o "$1/pause" ./pause
  local program
  for program in "${kubernetes_programs[@]}"; do
    ln -s controlplane "$1/$program"
  done
}

build_tools() {
  go_build -ldflags '-s -w' -o "$1/" tool
  mv "$1/posix" "$1/rekor-server" # go names a program after its folder
}

build_kwok() {
  go_build -ldflags '-s -w' -o "$1/" tool
}

build_syft() {
  go_build -ldflags '-s -w' -o "$1/" tool
}

build_flux() {
  (cd source-definitions && go mod download) # read where they lie
  go_build -ldflags '-s -w' -o "$1/" tool
}

build_module() {
  local module="$1" target partial started=$SECONDS
  target="$(module_dir "$module")"
  if [[ -d "$target" ]]; then
    echo "$module: present"
    return
  fi
  echo "$module: building (minutes when nothing is cached)"
  partial="$(mktemp -d "$cache/.partial-$module-XXXXXX")"
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$partial'" EXIT
  (cd "$e2e_dir/$module" && "build_$module" "$partial")
  chmod 755 "$partial"
  mv -T "$partial" "$target"
  trap - EXIT
  echo "$module: built in $((SECONDS - started)) s"
}

main() {
  if [[ "${1:-}" == --print ]]; then
    print_paths
    return
  fi
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  local module
  for module in "${@:-${modules[@]}}"; do
    if [[ ! -f "$e2e_dir/$module/go.mod" ]]; then
      echo "no module $module under $e2e_dir" >&2
      return 64
    fi
    build_module "$module"
  done
}

main "$@"
