#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# From nothing to a network that reads handwritten digits: installs what is
# needed, builds the compiler, runs two examples.
set -euo pipefail
cd "$(dirname "$0")/.."
# What setup.sh installs comes before other versions of it (python3 with NumPy).
export PATH="/usr/bin:$PATH"
build=build/release
mkdir -p "$build"

step() { printf '\n== %s\n' "$*"; }
# Runs a command with its output in a log; shows the end of it on failure.
logged() {
  local log=$1
  shift
  "$@" >"$log" 2>&1 || {
    tail -n 40 "$log"
    echo "quickstart: failed: $* (all of it: $log)" >&2
    exit 1
  }
}

step "installing packages"
tools/setup.sh
step "building the compiler (the log is $build/build.log)"
logged "$build/configure.log" cmake --preset release
if [[ -t 1 ]]; then
  show() { while IFS= read -r line; do printf '\r\033[K%.100s' "$line"; done; }
  if ! cmake --build "$build" --target mad 2>&1 | tee "$build/build.log" | show; then
    printf '\n' && tail -n 40 "$build/build.log"
    echo "quickstart: the build failed (all of it: $build/build.log)" >&2
    exit 1
  fi
  echo
else
  logged "$build/build.log" cmake --build "$build" --target mad
fi
mad=$build/bin/mad

step "mad run examples/hello/hello.mad hello x=[1,2,3]"
"$mad" run examples/hello/hello.mad hello 'x=[1,2,3]'
cd examples/digits
mad=../../$mad
step "mad run examples/digits/digits.mad accuracy x=images.npy labels=labels.npy"
"$mad" run digits.mad accuracy x=images.npy labels=labels.npy
step "python3 examples/digits/show.py"
python3 show.py "$mad"
printf '\nThe compiler is %s/bin/mad. Next: README.md, docs/language.md.\n' "$build"
