#!/bin/bash
# Puts what a machine with a GPU needs to run the programs of test/execute into one folder: the
# programs compiled for CUDA, their inputs and expected results, the runtime and the Python
# package. No compiler is needed there.
#
# A program that cannot be packed is told at the end, with exit status 1; the folder then holds the
# others, and run.sh there says which ones are missing.
#
#   pack.sh FOLDER [--filter=REGEX] [--target=LIST]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$root/bench/gpu/pack.py" "$@"
