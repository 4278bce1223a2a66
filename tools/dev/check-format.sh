#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Names the C and C++ files that clang-format would change; with --fix, changes
# them.
set -euo pipefail
cd "$(dirname "$0")/../.."
status=0
while IFS= read -r -d '' file; do
  if [[ ${1:-} == --fix ]]; then
    clang-format-22 -i "$file"
  elif ! clang-format-22 "$file" | cmp -s - "$file"; then
    echo "$file: run tools/dev/check-format.sh --fix"
    status=1
  fi
done < <(find bench dialects examples frontend passes runtime test tools \
  -path '*/venv' -prune -o \( -name '*.h' -o -name '*.c' -o -name '*.cpp' \) -print0 | sort -z)
exit "$status"
