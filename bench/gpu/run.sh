#!/bin/bash
# Runs a folder that pack.sh made, on a machine with a GPU: Python 3 with NumPy, and the driver.
# Prints a line a program, then how many cases passed and failed; writes results.json.
#
#   run.sh [--device=cuda:N|cpu] [--filter=REGEX] [--json=FILE] [-v]
here=$(cd "$(dirname "$0")" && pwd)
export PYTHONPATH="$here/python" MAD_LIBRARY_DIR="$here/lib" PYTHONDONTWRITEBYTECODE=1
exec python3 "$here/run.py" "$@"
