#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the model with NumPy in f64, and with itself without a cache: test.py LIBRARY GENERATE

GENERATE is the program made of generate.c.
"""
import json
import os
import struct
import subprocess
import sys

import numpy as np

import mad

HERE = os.path.dirname(os.path.abspath(__file__))
LAYERS, HEADS, SIZE = 4, 4, 32
TEXT = b"Return a new list with the items of the iterable; raise ValueError if it is empty.\n\n    "

# The greatest difference of a score between two orders of computing it in f32. A score is a sum of 128
# products; what goes in has passed four layers of two halves, each with sums of at most 352 products in a
# row of three. One rounding is 2^-24; n of them in a sum add up to about sqrt(n) (Higham and Mary,
# 2019): 2^-24 * sqrt(8 * 3 * 352) = 5.5e-6 of the sum of the sizes of the 128 products, which is below
# 100: 5.5e-4.
TOLERANCE = 1e-3


def read_weights():
    with open(HERE + "/weights.safetensors", "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header, data = json.loads(f.read(size)), f.read()
    return {name: np.frombuffer(data[slice(*t["data_offsets"])], np.float16).reshape(t["shape"])
            .astype(np.float64) for name, t in header.items() if name != "__metadata__"}


def reference(text):
    """Scores of the byte behind each one, in f64."""
    w, n = read_weights(), len(text)

    def norm(x, name):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * w[name]

    def turned(x):
        angle = np.arange(n)[:, None] * 10000.0 ** (-2.0 * np.arange(SIZE // 2) / SIZE)
        low, high = x[..., :SIZE // 2], x[..., SIZE // 2:]
        c, s = np.cos(angle), np.sin(angle)
        return np.concatenate([low * c - high * s, low * s + high * c], axis=-1)

    x = w["embed.weight"][np.frombuffer(text, np.uint8)]
    for i in range(LAYERS):
        layer = "layers.%d." % i
        q, k, v = ((norm(x, layer + "norm1.weight") @ w[layer + m + ".weight"].T)
                   .reshape(n, HEADS, SIZE).transpose(1, 0, 2) for m in ("query", "key", "value"))
        products = turned(q) @ turned(k).transpose(0, 2, 1) / np.sqrt(SIZE)
        products[:, np.triu(np.ones((n, n), bool), 1)] = -np.inf
        shares = np.exp(products - products.max(-1, keepdims=True))
        y = shares / shares.sum(-1, keepdims=True) @ v
        x = x + y.transpose(1, 0, 2).reshape(n, -1) @ w[layer + "join.weight"].T
        h = norm(x, layer + "norm2.weight")
        g = h @ w[layer + "gate.weight"].T
        x = x + (g / (1 + np.exp(-g)) * (h @ w[layer + "up.weight"].T)) @ w[layer + "down.weight"].T
    return norm(x, "norm.weight") @ w["embed.weight"].T


def cache_of(room):
    return np.zeros((LAYERS, 2, HEADS, room, SIZE), np.float32)


def same(found, expected, what):
    assert np.abs(found - expected).max() < TOLERANCE, what
    assert (found.argmax(-1) == expected.argmax(-1)).all(), what


def scores_agree(model):
    ids = np.frombuffer(TEXT, np.uint8).astype(np.int32)
    expected = reference(TEXT)
    whole = model.scores(ids)
    same(whole, expected, "scores")

    # Byte after byte; the prompt at once; the prompt in parts.
    for first in ([], [40], [1, 2, 30, 7]):
        cache, at = cache_of(len(ids) + 3), 0
        for part in first:
            last = model.prompt(ids[at:at + part], at, cache)
            at += part
            same(last, whole[at - 1], "prompt of %d" % part)
        for at in range(at, len(ids)):
            same(model.step(ids[at], at, cache), whole[at], "step %d" % at)
    print("scores with the cache, without it and in NumPy agree")


def written(model, prompt, count, temperature=0.0, seed=1):
    room = len(prompt) + count
    cache = cache_of(room)
    text = bytearray(prompt)
    scores = model.prompt(np.frombuffer(prompt, np.uint8).astype(np.int32), 0, cache)
    for at in range(len(prompt), room):
        text.append(int(model.choose(scores, temperature, seed, at)))
        scores = model.step(text[-1], at, cache)
    return bytes(text)


def texts_agree(model, library, program):
    prompt = b"Return a new "
    greedy = written(model, prompt, 80)
    for at in range(len(prompt), len(greedy)):
        scores = model.scores(np.frombuffer(greedy[:at], np.uint8).astype(np.int32))[-1]
        best = np.sort(scores)[-2:]
        # Two bytes may only change places where they are as good as equal.
        assert scores.argmax() == greedy[at] or best[1] - best[0] < TOLERANCE, greedy[:at + 1]
    chance = written(model, prompt, 80, 0.8, 3)
    assert chance == written(model, prompt, 80, 0.8, 3) != written(model, prompt, 80, 0.8, 4)
    for expected, options in ((greedy, ["80"]), (chance, ["80", "0.8", "3"])):
        command = [program, library, prompt.decode()] + options
        assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == expected + b"\n"
    print("texts from C and Python agree, with and without the cache")
    print(greedy.decode("ascii", "replace"))


def choices(model):
    scores = np.full(256, -20.0, np.float32)
    scores[[65, 66]] = np.log([0.75, 0.25])
    drawn = [model.choose(scores, 1.0, 5, at) for at in range(2000)]
    # Five standard deviations of a share of 2000: 5 * sqrt(0.75 * 0.25 / 2000) = 0.048.
    assert set(drawn) == {65, 66} and abs(drawn.count(65) / 2000 - 0.75) < 0.048
    assert model.choose(scores, 0.0, 5, 0) == 65
    # Only the best 40 are ever taken.
    level = np.zeros(256, np.float32)
    level[100:140] = 1e-3
    assert all(100 <= model.choose(level, 1.0, 6, at) < 140 for at in range(200))
    print("choices have their probabilities")


def main():
    library, program = sys.argv[1:3]
    model = mad.load(library, threads=1)
    scores_agree(model)
    texts_agree(model, library, program)
    choices(model)
    try:
        model.step(65, 8, cache_of(8))
    except mad.OutOfRangeError as error:
        print("OutOfRangeError:", error)


main()
