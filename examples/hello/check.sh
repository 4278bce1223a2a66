#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test hello.mad
"$mad" run hello.mad hello x=[1,2,3] -o "$out/y.npy"
"$mad" run hello.mad hello x=[1,2,3] --expect "$out/y.npy" --rtol 0 --atol 0 --target=ref
"$mad" build hello.mad -o "$out"
test -s "$out/libhello.so" && test -s "$out/hello.h" && test -s "$out/hello.json"
python3 - "$out/y.npy" <<'PYTHON'
import sys, numpy
assert numpy.load(sys.argv[1]).tolist() == [3, 5, 7]
PYTHON
