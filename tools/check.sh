#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Builds everything and runs every test. The last line is `N passed, N failed`;
# the exit status is 0 only when nothing failed. Logs: build/check/.
set -uo pipefail
cd "$(dirname "$0")/.."
# What setup.sh installs comes before other versions of it (python3 with NumPy).
export PATH="/usr/bin:$PATH"
build=build/release
logs=build/check
rm -rf "$logs"
mkdir -p "$build" "$logs"
passed=0
failed=0
started=$SECONDS

# Reports one part: its name, how many passed, failed and were skipped.
report() {
  passed=$((passed + $2))
  failed=$((failed + $3))
  printf '%-24s %5d passed %3d failed %3d skipped  %4d s\n' "$1" "$2" "$3" "${4:-0}" \
    $((SECONDS - began))
  began=$SECONDS
}
# A part that is one command.
part() {
  local name=$1
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    if grep '^skipped: ' "$logs/$name.log"; then
      report "$name" 0 0 1
    else
      report "$name" 1 0
    fi
  else
    report "$name" 0 1
    echo "--- end of $logs/$name.log"
    tail -n 30 "$logs/$name.log"
    echo "---"
  fi
}
# A part whose results are in files that tools/dev/tally.py counts.
tallied() {
  local name=$1 counts
  shift
  if counts=$(python3 tools/dev/tally.py "$@" 2>"$logs/$name-failures.log"); then
    # shellcheck disable=SC2086 # three numbers
    report "$name" $counts
  else
    report "$name" 0 1
  fi
  head -n 60 "$logs/$name-failures.log"
}

began=$SECONDS
part setup tools/setup.sh
part configure cmake --preset release
part build cmake --build "$build" --target all unittests -- -k 0
part names python3 tools/dev/check-names.py
part format tools/dev/check-format.sh

# Sanitizers and locales of the caller must not change what is tested.
export LC_ALL=C.UTF-8
unit() {
  local name
  name=$(basename "$1")
  timeout 600 "$1" --gtest_output="json:$logs/unit-$name.json" >"$logs/unit-$name.log" 2>&1 ||
    echo "exit status $?" >>"$logs/unit-$name.log"
}
export -f unit
export logs
units=()
programs=()
for program in "$build"/unit/*; do
  [[ -x $program && -f $program ]] || continue
  programs+=("$program")
  units+=("$logs/unit-$(basename "$program").json")
done
printf '%s\0' "${programs[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'unit "$0"'
tallied unit gtest "${units[@]}"

lit=$(command -v lit || command -v llvm-lit || ls /usr/lib/llvm-22/bin/{lit,llvm-lit} 2>/dev/null | head -n 1)
timeout 2100 "${lit:-lit}" -sv --output "$logs/lit.json" "$build/test" >"$logs/lit.log" 2>&1
tallied lit lit "$logs/lit.json"

for example in examples/*/check.sh; do
  part "example-$(basename "$(dirname "$example")")" timeout 600 "$example" "$PWD/$build/bin/mad"
done

echo "logs are in $logs, $((SECONDS - started)) s in all"
echo "$passed passed, $failed failed"
[[ $failed == 0 && $passed -gt 0 ]]
