#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# usage: tools/dev/fuzz.sh [--runs=N] [--seconds=S] [--until=HH:MM] [--totals] [TARGET ...]
#
# Builds the programs of test/fuzz with the sanitizers for addresses and undefined
# behaviour and runs each for N inputs or S seconds, whichever comes first (default
# 100000 inputs, 60 s); with --until again and again until that time. What they learn
# stays in build/fuzz/corpus; an input that fails is kept in build/fuzz/findings, and
# ends the script with status 1. --totals prints how many inputs each has had so far.
# To see a finding again: build/fuzz/fuzz/fuzz-TARGET FILE
set -euo pipefail
cd "$(dirname "$0")/../.."
runs=100000 seconds=60 until="" totals="" targets=()
for word in "$@"; do
  case $word in
  --runs=*) runs=${word#*=} ;;
  --seconds=*) seconds=${word#*=} ;;
  --until=*) until=$(date -d "${word#*=}" +%s) ;;
  --totals) totals=1 ;;
  -*) sed -n '5,13s/^# \?//p' "$0"; exit 2 ;;
  *) targets+=("$word") ;;
  esac
done
build=build/fuzz
if [[ $totals ]]; then
  awk '{ n[$1] += $2; s[$1] += $3; bad[$1] += $4 }
       END { for (t in n) printf "%-12s %10d inputs %7d s  %d findings\n", t, n[t], s[t], bad[t] }' \
    $build/totals/* | sort
  exit
fi
[[ -f $build/build.ninja ]] || cmake --preset fuzz >/dev/null
cmake --build $build --target fuzzers >/dev/null
if ((${#targets[@]} == 0)); then
  for program in "$build"/fuzz/fuzz-*; do
    targets+=("${program##*/fuzz-}")
  done
fi
python3 test/fuzz/seeds.py $build/seeds
mkdir -p $build/findings $build/totals

# Files may ask for more memory than there is; that is an answer, not a crash. Short stacks
# of allocations and a short queue of freed memory take less time.
options=allocator_may_return_null=1:detect_leaks=1:malloc_context_size=2:quarantine_size_mb=4

# fuzz TARGET: false when there is a finding.
fuzz() {
  local target=$1 log=$build/findings/$1.log good=1 count limits=(-max_len=1024)
  mkdir -p "$build/corpus/$target" "$build/seeds/$target"
  [[ $target == frontend || $target == syntax ]] && limits=(-max_len=512 -dict=test/fuzz/mad.dict)
  ASAN_OPTIONS=$options nice -n 19 "$build/fuzz/fuzz-$target" -runs="$runs" \
    -max_total_time="$seconds" -timeout=60 -rss_limit_mb=3000 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$target-" "${limits[@]}" \
    "$build/corpus/$target" "$build/seeds/$target" >"$log" 2>&1 || good=0
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$target ${count:-0} $(sed -n 's/^Done .* in \(.*\) second.*/\1/p' "$log" | grep . || echo 0)" \
    $((1 - good)) >>"$build/totals/$target"
  if ((good)); then
    echo "$target: ${count:-0} inputs, no findings"
  else
    cp "$log" "$log.$(date +%H%M%S)"
    echo "$target: a finding after ${count:-?} inputs, see $log"
  fi
  ((good))
}

status=0
while :; do
  for target in "${targets[@]}"; do
    [[ $until ]] && (($(date +%s) + seconds > until)) && exit $status
    fuzz "$target" || status=1
  done
  [[ $until ]] || exit $status
done
