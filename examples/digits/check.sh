#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test digits.mad
"$mad" run digits.mad classify x=images.npy -o "$out/p.npy"
"$mad" run digits.mad predict x=images.npy -o "$out/d.npy"
"$mad" run digits.mad accuracy x=images.npy labels=labels.npy -o "$out/a.npy"
python3 reference.py "$out/p.npy" "$out/d.npy" "$out/a.npy"
python3 show.py "$mad"
