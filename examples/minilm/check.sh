#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
mad=$1
build=$(dirname "$mad")/..
if ! ./fetch.sh; then
  echo "skipped: minilm: its weights are not here and cannot be fetched"
  exit 0
fi
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
export MAD_LIBRARY_DIR="$build/lib" PYTHONPATH=../../runtime/python PYTHONDONTWRITEBYTECODE=1
make -s build="$build" mad="$mad" out="$out" run >"$out/c.txt"
python3 search.py --library="$out/libminilm.so" \
  "Where do kids get lessons?" "injuries and medicine" "animals of the sea" >"$out/python.txt"
python3 test.py "$out/libminilm.so" >"$out/printed"
cat "$out/c.txt" "$out/printed"
expect() { grep -q -e "$1" "$out/$2" || { echo "not printed: $1"; exit 1; }; }
sed -n '/^Where/,$p' "$out/c.txt" | cmp - "$out/python.txt"
expect '^  0.498  On Saturdays the children learn to sail' c.txt
expect '^  0.405  The doctor visits once a month' c.txt
expect '^  0.438  Seals lie on the sandbank' c.txt
expect '^200 sentences have the tokens of the reference$' printed
expect '^the least cosine to the reference is at least 0.99999$' printed
expect '^what fills up a row counts for nothing$' printed
expect '^ShapeError: .*513' printed
expect '^OutOfRangeError: ' printed
