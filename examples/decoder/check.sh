#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
build=$(dirname "$mad")/..
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export MAD_LIBRARY_DIR="$build/lib" PYTHONPATH=../../runtime/python PYTHONDONTWRITEBYTECODE=1
"$mad" test decoder.mad
make -s build="$build" mad="$mad" out="$out" run
python3 test.py "$out/libdecoder.so" "$out/generate" >"$out/printed"
cat "$out/printed"
expect() { grep -q -e "$1" "$out/printed" || { echo "not printed: $1"; exit 1; }; }
for wrong in 0 5x ""; do
  ! "$out/generate" "$out/libdecoder.so" "The" "$wrong" 2>"$out/wrong"
  grep -q "^generate: $wrong: expected a number of bytes from 1 to 100000$" "$out/wrong"
done
expect '^scores with the cache, without it and in NumPy agree$'
expect '^texts from C and Python agree, with and without the cache$'
expect '^choices have their probabilities$'
expect '^OutOfRangeError: '
