#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the model of examples/digits from Python.

usage: classify.py LIBRARY MODEL     libdigits.so, and digits.mad to compile in memory
"""
import concurrent.futures
import os
import sys

import numpy as np

import mad

library, source = sys.argv[1:3]
data = os.path.dirname(source)
images = np.load(os.path.join(data, "images.npy")).astype(np.float32)
labels = np.load(os.path.join(data, "labels.npy")).astype(np.int64)

# A library that was built before, and the same model compiled here.
built = mad.load(library)
fresh = mad.compile(source)
print("signature:", built.classify.entry)
p = built.classify(images)
print("built and compiled agree:", bool((p == fresh.classify(images)).all()))
print("accuracy of %d images: %.3f" % (len(images), built.accuracy(images, labels=labels)))

# Memory of our own; nothing is copied on the way in or out.
out = np.empty_like(p)
built.classify(images, out=out)
print("the same in our memory:", bool((p == out).all()))

# Threads share the module; the interpreter lock is not held while it runs.
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    parts = list(pool.map(built.predict, np.array_split(images, 8)))
print("the same in threads:", bool((np.concatenate(parts) == built.predict(images)).all()))

# What does not fit is an exception that says why.
for wrong in images[:, :63].copy(), images.astype(float), images.T:
    try:
        built.classify(wrong)
    except mad.Error as error:
        print("%s: %s" % (type(error).__name__, error))
try:
    mad.compile(source="export fn f(x: f32[2]) -> f32[3] { x }")
except mad.CompileError as error:
    print(error)
