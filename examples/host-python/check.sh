#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" build ../digits/digits.mad -o "$out" >/dev/null
MAD_LIBRARY_DIR=$(dirname "$mad")/../lib PYTHONPATH=../../runtime/python PYTHONDONTWRITEBYTECODE=1 \
  python3 classify.py "$out/libdigits.so" ../digits/digits.mad >"$out/printed"
cat "$out/printed"
expect() { grep -q -e "$1" "$out/printed" || { echo "not printed: $1"; exit 1; }; }
expect '^signature: classify\[Batch\](x: f32\[Batch, Pixels\]) -> f32\[Batch, Classes\]$'
expect '^built and compiled agree: True$'
expect '^accuracy of [0-9]* images: 0.9[0-9]*$'
expect '^the same in our memory: True$'
expect '^the same in threads: True$'
expect '^ShapeError: .*found 63, expected 64$'
expect '^DTypeError: `x` of `classify` is float64, expected f32'
expect '^DTypeError: `x` of `classify` is not contiguous'
expect '^error\[E0[0-9]*\]: .*'
expect '^ *--> source.mad:1:'
