#!/bin/sh
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Trains the model anew and replaces weights.safetensors. PyTorch goes into venv/ and nowhere else.
# usage: train.sh [--steps=N] [--threads=N]
set -eu
cd "$(dirname "$0")"
if ! venv/bin/python -c 'import torch' 2>/dev/null; then
  python3 -m venv venv || {
    echo "train: python3 -m venv does not work; on Debian: apt install python3-venv" >&2
    exit 1
  }
  venv/bin/pip install -q --disable-pip-version-check numpy torch==2.13.0
fi
venv/bin/python train.py -o weights.safetensors "$@"
