#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs digits.mad on the held-out images and draws some of them.

usage: show.py MAD [--target=jit|ref|ref64]     MAD is the compiler, a path
"""
import os
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
SHADES = " ░▒▓█"
ACROSS = 6


def predict(mad, flags):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.npy")
        subprocess.run(
            [mad, "run", f"{HERE}/digits.mad", "predict", f"x={HERE}/images.npy", "-o", out, *flags],
            check=True, stdout=subprocess.DEVNULL)
        return np.load(out)


def draw(images, captions):
    """Images side by side, two letters a pixel, the caption below each."""
    for row in range(8):
        print("   ".join(
            "".join(2 * SHADES[int(round(v / 4))] for v in image.reshape(8, 8)[row])
            for image in images))
    print("   ".join(caption.center(16) for caption in captions), end="\n\n")


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    images = np.load(f"{HERE}/images.npy")
    labels = np.load(f"{HERE}/labels.npy")
    answers = predict(sys.argv[1], sys.argv[2:])
    wrong = np.flatnonzero(answers != labels)
    shown = [int(np.flatnonzero(labels == digit)[0]) for digit in range(10)]
    shown += [int(i) for i in wrong[:2]]
    for at in range(0, len(shown), ACROSS):
        pick = shown[at : at + ACROSS]
        draw(images[pick], [
            f"{answers[i]}" if answers[i] == labels[i] else f"{answers[i]}, but is {labels[i]}"
            for i in pick])
    right = len(labels) - len(wrong)
    print(f"{right} of {len(labels)} held-out images recognised: {100 * right / len(labels):.2f} %")


if __name__ == "__main__":
    main()
