#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares results of digits.mad with the same network in NumPy.

usage: reference.py PROBABILITIES.npy DIGITS.npy ACCURACY.npy
"""
import json
import struct
import sys

import numpy as np

from train import HERE, forward


def weights():
    data = open(f"{HERE}/weights.safetensors", "rb").read()
    (length,) = struct.unpack("<Q", data[:8])
    tensors = {}
    for name, info in json.loads(data[8 : 8 + length]).items():
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        tensors[name] = np.frombuffer(data[begin:end], "<f4").reshape(info["shape"])
    return tensors


def main():
    images = np.load(f"{HERE}/images.npy")
    labels = np.load(f"{HERE}/labels.npy")
    # In f64, so that what differs is the rounding of the model alone.
    wide = {name: tensor.astype(np.float64) for name, tensor in weights().items()}
    expected, _ = forward(wide, images.astype(np.float64))
    found, digits, accuracy = (np.load(path) for path in sys.argv[1:4])

    # Sums of at most 1024 products of size about 1 in f32, then exp.
    error = np.abs(found - expected).max()
    assert found.shape == (360, 10) and error < 1e-4, f"probabilities differ by {error}"
    assert (digits == expected.argmax(1)).all(), "digits differ"
    right = (digits == labels).mean()
    assert right >= 0.98, f"only {right} of the digits are right"
    assert abs(float(accuracy) - right) < 1e-6, f"accuracy is {accuracy}, expected {right}"
    print(f"digits: probabilities within {error:.1e} of NumPy, {100 * right:.2f} % right")


if __name__ == "__main__":
    main()
