#!/bin/sh
# usage: check.sh MAD
set -e
cd "$(dirname "$0")"
"$1" test kepler.mad
