#!/bin/bash
# Puts what a machine with a GPU needs to run the programs of test/execute into one folder: the
# programs compiled for CUDA, their inputs and expected results, the runtime and the Python
# package. No compiler is needed there.
#
#   pack.sh FOLDER [--filter=REGEX] [--target=LIST]
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
exec python3 "$root/bench/gpu/pack.py" "$@"
