#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the model with what PyTorch made of the sentences: test.py LIBRARY

expected.npz holds tokens and vectors of sentences.txt, see reference.py.
"""
import os
import sys

import numpy as np

import mad
from wordpiece import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    expected = np.load(HERE + "/expected.npz")
    with open(HERE + "/sentences.txt", encoding="utf-8", newline="\n") as f:
        sentences = f.read().split("\n")[:-1]
    tokenizer = Tokenizer(HERE + "/model/vocab.txt")
    model = mad.load(sys.argv[1])

    starts = np.cumsum(expected["lengths"])
    for sentence, ids in zip(sentences, np.split(expected["ids"], starts[:-1])):
        found = tokenizer.ids(sentence)
        assert found == ids.tolist(), "%r: tokens %s, expected %s" % (sentence, found, ids.tolist())
    print("%d sentences have the tokens of the reference" % len(sentences))

    # Batches of all sizes and lengths: sentences of like length together, filled up at the end.
    order = np.argsort(expected["lengths"], kind="stable")
    vectors = np.empty((len(sentences), 384), np.float32)
    start, size = 0, 0
    while start < len(order):
        size = size % 16 + 1
        part = order[start:start + size]
        vectors[part] = model.embed(*tokenizer.rows([sentences[i] for i in part]))
        start += size
    wanted = expected["vectors"].astype(np.float64)
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    cosines = (vectors * wanted).sum(1)
    worst = int(np.argmin(cosines))
    # Both vectors have length 1. The stored ones are f16, which takes 1.2e-7 at most from a cosine;
    # f32 through six layers takes some 1e-10.
    assert cosines[worst] >= 0.99999, "%r: cosine %f" % (sentences[worst], cosines[worst])
    print("the least cosine to the reference is at least 0.99999")

    # A text alone, and beside the longest: what fills up its row counts for nothing. 20 layers of
    # sums in f32 in another order: some 1e-6 on elements of 0.05.
    picked = [int(order[i]) for i in (0, 60, 120, 180, 199)]
    together = model.embed(*tokenizer.rows([sentences[i] for i in picked]))
    for row, i in zip(together, picked):
        alone = model.embed(*tokenizer.rows([sentences[i]]))[0]
        assert np.abs(row - alone).max() < 1e-5, sentences[i]
    print("what fills up a row counts for nothing")

    assert model.embed(*tokenizer.rows([])).shape == (0, 384)
    try:
        model.embed(np.zeros((1, 513), np.int32), np.ones((1, 513), bool))
    except mad.ShapeError as error:
        print("ShapeError:", error)
    try:
        model.embed(np.full((1, 2), 30522, np.int32), np.ones((1, 2), bool))
    except mad.OutOfRangeError as error:
        print("OutOfRangeError:", error)


main()
