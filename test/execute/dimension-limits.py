#!/usr/bin/env python3
"""Sizes up to 2^47, the longest extent, in the arithmetic of dimensions, against Python's integers.

    dimension-limits.py MAD LIBRARY FILE.mad

A call gives what Python computes, or fails where a product, a sum or a quotient of it is no i64. The
tensors have no elements, so that their other dimension can be any number.
"""
import itertools
import random
import subprocess
import sys

import numpy as np

import mad

random.seed(3)
SIZES = [0, 1, 2, 3, 46341, 2**31, 2**32, 2**32 + 1, 3037000499, 3037000500, 2**46, 2**47]


def word(value):
    if not -2**63 <= value < 2**63:
        raise OverflowError
    return value


FUNCTIONS = {
    "product": lambda n, m: word(n * m),
    "quotient": lambda n, m: n // m,
    "nested": lambda n, m: n // (n // m),
    # Factors and terms are taken in the order of their names.
    "cube": lambda n, m: word(word(m * n) * n),
    "difference": lambda n, m: word(word(-m * n) + word(100000 * n)),
}


def main():
    program, library, path = sys.argv[1:]
    module = mad.load(library)
    calls = failed = 0
    for (name, function), n, m in itertools.product(FUNCTIONS.items(), SIZES, SIZES):
        try:
            want = function(n, m)
        except ArithmeticError:
            want = None
        calls += 1
        try:
            got = int(getattr(module, name)(np.zeros((n, 0), np.int8), np.zeros((m, 0), np.int8)))
        except mad.ShapeError as error:
            assert "overflows or divides by zero" in str(error), error
            got, failed = None, failed + 1
        assert got == want, f"{name} {n} {m}: {got}, expected {want}"
        if random.random() < 0.02:
            done = subprocess.run([program, "run", "--target=ref", path, name, "x=zero", "y=zero",
                                   f"--dim=N={n}", f"--dim=M={m}"], capture_output=True, text=True)
            if "no memory for the input" in done.stderr:
                continue
            again = None if done.returncode else int(done.stdout.split("=")[1])
            assert again == want, f"ref {name} {n} {m}: {again}, expected {want}\n{done.stderr}"
    assert 0 < failed < calls
    print(f"{calls} calls, {failed} of them errors")


main()
