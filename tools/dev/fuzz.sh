#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: tools/dev/fuzz.sh [--runs=N] [--seconds=S] [TARGET ...]
#
# Builds the programs of test/fuzz with the sanitizers for addresses and undefined
# behaviour and runs each for N inputs or S seconds, whichever comes first (default
# 100000 inputs, 60 s). What they learn stays in build/fuzz/corpus; an input that
# fails is kept in build/fuzz/findings, and ends the script with status 1.
# To see a finding again: build/fuzz/fuzz/fuzz-TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=100000 seconds=60 targets=()
for word in "$@"; do
  case $word in
  --runs=*) runs=${word#*=} ;;
  --seconds=*) seconds=${word#*=} ;;
  -*) sed -n '5,12s/^# \?//p' "$0"; exit 2 ;;
  *) targets+=("$word") ;;
  esac
done
build=build/fuzz
[[ -f $build/build.ninja ]] || cmake --preset fuzz >/dev/null
cmake --build $build --target fuzzers >/dev/null
if ((${#targets[@]} == 0)); then
  for program in "$build"/fuzz/fuzz-*; do
    targets+=("${program##*/fuzz-}")
  done
fi
python3 test/fuzz/seeds.py $build/seeds
mkdir -p $build/seeds/frontend
find test/execute test/Frontend examples frontend/std -name '*.mad' -size -8k \
  -exec cp --parents -t $build/seeds/frontend {} +

status=0
for target in "${targets[@]}"; do
  mkdir -p "$build/corpus/$target" "$build/findings" "$build/seeds/$target"
  limits=(-max_len=4096)
  [[ $target == frontend ]] && limits=(-max_len=2048 -dict=test/fuzz/mad.dict)
  log=$build/findings/$target.log
  # Files may ask for more memory than there is; that is an answer, not a crash.
  ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 \
    nice -n 19 "$build/fuzz/fuzz-$target" -runs="$runs" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=3000 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
    "${limits[@]}" "$build/corpus/$target" "$build/seeds/$target" >"$log" 2>&1 && good=1 || good=0
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if ((good)); then
    echo "$target: ${count:-0} inputs, no findings"
  else
    echo "$target: a finding after ${count:-?} inputs, see $log"
    status=1
  fi
done
exit $status
