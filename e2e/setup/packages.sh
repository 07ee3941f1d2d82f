#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The Countersign Authors
#
# Checks what the repository is built with, and installs the Debian packages of
# tests with containers, a real node or a browser where that is possible (root and
# apt-get). Without them those tests are skipped and everything else works.
set -euo pipefail

missing_programs=0

# require PROGRAM MINIMUM FOUND REMEDY
require() {
  local program="$1" minimum="$2" found="$3" remedy="$4"
  if [[ -z "$found" ]]; then
    echo "$program: missing; $remedy" >&2
    missing_programs=1
  elif [[ "$(printf '%s\n%s\n' "$minimum" "$found" | sort -V | head -n 1)" != "$minimum" ]]; then
    echo "$program: $found is older than $minimum; $remedy" >&2
    missing_programs=1
  else
    echo "$program: $found"
  fi
}

# version_of PROGRAM ARGUMENTS... prints the first version-like word, or nothing.
version_of() {
  if command -v "$1" >/dev/null; then
    "$@" 2>/dev/null </dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1 || true
  fi
}

check_programs() {
  require go 1.26 "$(version_of go version)" 'install it from https://go.dev/dl; it builds the test tools'
  require node 18.0 "$(version_of node --version)" 'install any current Node.js; npm ci brings the exact one'
  require npm 9.0 "$(version_of npm --version)" 'it comes with Node.js'
  require git 2.30 "$(version_of git --version)" 'apt-get install git'
  require make 4.0 "$(version_of make --version)" 'apt-get install make'
  require openssl 3.0 "$(version_of openssl version)" 'apt-get install openssl; it makes the test certificates'
}

packages=(docker.io containerd runc iptables containernetworking-plugins iproute2 util-linux openssl procps chromium)

missing_packages() {
  local package
  for package in "${packages[@]}"; do
    if [[ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" != 'install ok installed' ]]; then
      echo "$package"
    fi
  done
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo 'no apt-get here: tests that need a real node, containers or a browser are skipped unless their programs exist'
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  if [[ ${#missing[@]} -eq 0 ]]; then
    echo 'packages: all present'
  elif [[ $EUID -ne 0 ]]; then
    echo "packages missing: ${missing[*]}"
    echo 'not root: tests that need a real node, containers or a browser will be skipped'
  else
    echo "packages: installing ${missing[*]}"
    policy_no_services
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
  fi
}

# The daemons are started by the tests, each in its own namespaces.
policy_no_services() {
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
}

check_programs
install_packages
exit "$missing_programs"
