#!/bin/bash
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Names the C and C++ files that clang-format would change; with --fix, changes
# them.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Many files a call: a start takes longer than a file.
files() {
  find bench dialects examples frontend passes runtime test tools -path '*/venv' -prune -o \
    \( -name '*.h' -o -name '*.c' -o -name '*.cpp' \) -print0 | sort -z
}
if [[ ${1:-} == --fix ]]; then
  files | xargs -0 -n 100 -P "$(nproc)" clang-format-22 -i
elif ! files | xargs -0 -n 100 -P "$(nproc)" clang-format-22 --dry-run -Werror; then
  echo "run tools/dev/check-format.sh --fix"
  exit 1
fi
