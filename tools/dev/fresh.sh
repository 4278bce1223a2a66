#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Runs the commands of README.md on a fresh Debian 12, in a folder of this
# machine, and prints how long each takes. Needs root and mmdebstrap.
# usage: tools/dev/fresh.sh [--keep] [--folder FOLDER] [COMMAND...]
#   COMMAND   runs in the clone; default: tools/quickstart.sh, then tools/check.sh
#   --keep    leaves the folder (default: a new one in /var/tmp) for a next run
# Only what is committed gets there. MAD_MIRROR names another Debian mirror.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
mirror=${MAD_MIRROR:-http://deb.debian.org}

fail() {
  echo "fresh: $*" >&2
  exit 1
}
keep=
folder=
commands=()
while [[ $# -gt 0 ]]; do
  case $1 in
  --keep) keep=1 ;;
  --folder) folder=${2:?} && shift ;;
  *) commands+=("$1") ;;
  esac
  shift
done
[[ ${#commands[@]} -gt 0 ]] || commands=(tools/quickstart.sh tools/check.sh)
[[ $(id -u) == 0 ]] || fail "run this as root"
command -v mmdebstrap >/dev/null || fail "the package mmdebstrap is not installed"
[[ -n $folder ]] || folder=$(mktemp -d /var/tmp/mad-fresh-XXXXXX)

# Mounts live in a name space of their own and go away with it.
if [[ ${MAD_FRESH_INSIDE:-} != 1 ]]; then
  cleanup() { [[ -n $keep ]] || rm -rf --one-file-system "$folder"; }
  trap cleanup EXIT
  args=(--keep --folder "$folder" "${commands[@]}")
  MAD_FRESH_INSIDE=1 unshare --mount --pid --fork --kill-child "$0" "${args[@]}"
  exit
fi

if [[ ! -e $folder/etc/debian_version ]]; then
  echo "== a fresh Debian 12 in $folder"
  mmdebstrap --mode=root --variant=minbase --include=ca-certificates,git \
    --aptopt='Acquire::Retries "3"' bookworm "$folder" \
    "deb $mirror/debian bookworm main" \
    "deb $mirror/debian bookworm-updates main" \
    "deb $mirror/debian-security bookworm-security main" >"$folder.log" 2>&1 ||
    { tail -n 20 "$folder.log"; fail "mmdebstrap failed (all of it: $folder.log)"; }
  rm -f "$folder.log"
fi
mount -t proc proc "$folder/proc"
mount --bind /dev "$folder/dev"
cp -L /etc/resolv.conf "$folder/etc/resolv.conf" 2>/dev/null || true
if [[ -e /etc/apt/apt.conf ]]; then cp /etc/apt/apt.conf "$folder/etc/apt/apt.conf"; fi

rm -rf "$folder/root/mad"
git -c safe.directory='*' clone -q "$source" "$folder/root/mad"
status=0
for command in "${commands[@]}"; do
  echo "== $command"
  began=$SECONDS
  chroot "$folder" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
    bash -c "cd /root/mad && $command" </dev/null || status=$?
  echo "== $command: $((SECONDS - began)) s, exit status $status"
  [[ $status == 0 ]] || break
done
exit "$status"
