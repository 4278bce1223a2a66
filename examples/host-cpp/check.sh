#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
build=$(dirname "$mad")/..
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
make -s build="$build" mad="$mad" out="$out" run >"$out/printed"
cat "$out/printed"
expect() { grep -q -e "$1" "$out/printed" || { echo "not printed: $1"; exit 1; }; }
expect '^( 1.0,  0.0): 0.8590 0.0705 0.0705$'
expect '^built and compiled agree: yes$'
expect '^four threads: 0.8590 0.8590$'
expect '^MAD_SHAPE_MISMATCH: .*found 3, expected 2$'
expect '^MAD_INVALID_ARGUMENT: `result` of `classify` is f32, not f64$'
