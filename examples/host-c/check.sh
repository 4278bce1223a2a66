#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
build=$(dirname "$mad")/..
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
"$mad" test model.mad
make -s build="$build" mad="$mad" out="$out" run >"$out/printed"
cat "$out/printed"
expect() { grep -q -e "$1" "$out/printed" || { echo "not printed: $1"; exit 1; }; }
expect '^( 1.0,  0.0): 0.8590 0.0705 0.0705$'
expect '^(-1.0,  1.0): 0.0064 0.9465 0.0471$'
expect '^(-1.0, -1.0): 0.0064 0.0471 0.9465$'
expect '^`classify` takes `x` of rank 2: Batch x 2$'
expect '^MAD_SHAPE_MISMATCH: .*found 3, expected 2$'
expect '^`first` will give 2 x 3$'
expect '^the model asked for 32 bytes; 1 point lies right; 0.0064 0.8590$'
expect '^after 3 steps: 0.2906 0.3547 0.3547$'
expect '^4 threads: 0.9465 0.9465$'
expect '^with other weights:$'
expect '^(-1.0, -1.0): 0.7214 0.2654 0.0132$'
expect '^MAD_FILE_ERROR: cannot open `missing.so`: No such file or directory$'
expect '^compiled: 0.8590 0.0705 0.0705$'
expect '^error\[E0201\]: .*`y`'
expect '^ *--> text.mad:1:39$'
