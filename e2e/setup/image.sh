#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The Countersign Authors
#
# Stages everything the image consists of in out/image:
#   app/   context of the Dockerfile: dist/, production dependencies, package.json
#   base/  context of a base made of this machine's node and its libraries, where none can be pulled
# and builds the image with docker where a daemon answers (BASE=… chooses the base, IMAGE=… the name).
# `image.sh --stage` only stages.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out="$root/out/image"
cache="${COUNTERSIGN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/countersign}"
image=${IMAGE:-countersign:dev}

production_modules() {
  local key modules staging
  key=$(cat "$root/package-lock.json" "$root/.npmrc" "${BASH_SOURCE[0]}" | sha256sum | cut -c1-16)
  modules="$cache/modules-$key"
  if [ ! -d "$modules" ]; then
    mkdir -p "$cache"
    staging=$(mktemp -d "$cache/modules.XXXXXX")
    cp "$root/package.json" "$root/package-lock.json" "$root/.npmrc" "$staging/"
    (cd "$staging" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    # Neither types nor maps nor prose is needed to run.
    find "$staging/node_modules" -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.cts' -o -name '*.d.mts' -o -name '*.md' \) -delete
    mv -T "$staging" "$modules" 2>/dev/null || rm -rf "$staging"
  fi
  printf '%s\n' "$modules/node_modules"
}

stage_app() {
  rm -rf "$out/app" "$root/dist"
  mkdir -p "$out/app"
  (cd "$root" && node_modules/.bin/tsc -p tsconfig.build.json)
  cp -r "$root/dist" "$root/package.json" "$out/app/"
  cp "$root/Dockerfile" "$out/app/Dockerfile"
  cp -r "$(production_modules)" "$out/app/node_modules"
}

stage_base() {
  local rootfs="$out/base/rootfs" node library
  rm -rf "$out/base"
  mkdir -p "$rootfs/usr/local/bin" "$rootfs/etc/ssl/certs" "$rootfs/tmp"
  chmod 1777 "$rootfs/tmp"
  node=$(readlink -f "$root/node_modules/.bin/node")
  cp "$node" "$rootfs/usr/local/bin/node"
  for library in $(ldd "$node" | grep -o '/[^ ]*'); do
    mkdir -p "$rootfs$(dirname "$library")"
    cp -L "$library" "$rootfs$library"
  done
  [ -f /etc/ssl/certs/ca-certificates.crt ] && cp -L /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/"
  printf 'root:x:0:0::/:/nologin\nnonroot:x:65532:65532::/:/nologin\n' >"$rootfs/etc/passwd"
  printf 'FROM scratch\nCOPY rootfs/ /\n' >"$out/base/Dockerfile"
}

stage_app
stage_base
[ "${1:-}" = --stage ] && exit 0

if ! docker version >/dev/null 2>&1; then
  echo "staged in out/image; no docker daemon answers, so no image was built" >&2
  exit 0
fi
if [ -z "${BASE:-}" ]; then
  docker build -q -t countersign-base:dev "$out/base"
  BASE=countersign-base:dev
fi
docker build -q --build-arg "BASE=$BASE" -t "$image" "$out/app"
echo "built $image on $BASE"
