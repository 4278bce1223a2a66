#!/usr/bin/env python3
"""Indices around 0, the extent and the ends of i64, against Python's integers.

    extreme-indices.py MAD LIBRARY FILE.mad

Every call of the compiled library gives the values that Python computes from exact positions, or
fails with "index out of range" where one lies outside; some of the calls are made on `--target=ref`
too. The arrays lie in the middle of a larger one: an access outside would read or change a guard.
"""
import random
import re
import subprocess
import sys

import numpy as np

import mad

random.seed(7)
GUARD = -777.0
ENDS = [0, 1, -1, 2**31, -2**31, 2**61, 2**62, -2**62, 2**63 - 1, -2**63]
VALUES = {"put": [1, 2, 3, 4], "put_step": [1, 2], "put_one": [1], "scatter": [1, 2]}


def number(n):
    near = random.choice(ENDS + [n, n, 0, 0]) + random.randint(-5, 5)
    return min(max(near, -2**63), 2**63 - 1)


def positions(name, i, j):
    if name.startswith("times"):
        return [4 * i - j + k for k in range(2)]
    if name.startswith("down"):
        return [i - 2 * k for k in range(3)]
    return {"one": [i], "put_one": [i], "slice": [i + k for k in range(4)],
            "put": [i + k for k in range(4)], "step": [i, i + 2], "put_step": [i, i + 2],
            "gather": [i, j], "scatter": [i, j]}[name]


def read(x, at, boundary):
    n = len(x)
    if 0 <= at < n:
        return x[at]
    if boundary == "zero" or n == 0 and boundary != "checked":
        return 0.0
    if boundary == "periodic":
        return x[at % n]
    if boundary == "clamp":
        return x[0 if at < 0 else n - 1]
    raise IndexError


def expected(name, x, i, j):
    """The result, or None for an error."""
    boundary = name.split("_")[1] if name.startswith(("times_", "down_")) else "checked"
    try:
        if name == "matrix":
            return [read(read(x, i + k, boundary), j, boundary) for k in range(2)]
        values = [read(x, at, boundary) for at in positions(name, i, j)]
    except IndexError:
        return None
    if name not in VALUES:
        return values
    result = list(x)
    for at, value in zip(positions(name, i, j), VALUES[name]):
        result[at] = result[at] + value if name == "scatter" else value
    return result


def arguments(name, i, j):
    if name in ("gather", "scatter"):
        return [np.array([i, j], np.int64)]
    return [i, j] if name.startswith(("times", "matrix")) else [i]


def reference(program, path, name, x, values):
    tensor = "s" if name in VALUES and name != "scatter" else "x"
    words = [f"{tensor}={x.tolist()}".replace(" ", "")]
    for key, value in zip("ij", values):
        words.append(f"{key}={value.tolist() if isinstance(value, np.ndarray) else value}")
    done = subprocess.run([program, "run", "--target=ref", path, name, *words],
                          capture_output=True, text=True)
    if done.returncode:
        assert "index out of range" in done.stderr, done.stderr
        return None
    return [float(v) for v in re.findall(r"[-\d.]+", done.stdout.split("=", 1)[1])]


def main():
    program, library, path = sys.argv[1:]
    module = mad.load(library)
    with open(path) as f:
        names = re.findall(r"^export fn (\w+)", f.read(), re.M)
    names.remove("steep")
    failed = calls = 0
    for name in names:
        for case in range(150):
            n = random.choice([0, 1, 3, 4, 7])
            shape = (n, 2) if name == "matrix" else (n,)
            i, j = number(n), number(random.choice([n, 2]))
            if name.startswith("times") and random.random() < 0.5:
                j = min(max(4 * i + random.randint(-9, 2), -2**63), 2**63 - 1)  # cancels
            memory = np.full((n + 16, *shape[1:]), GUARD, np.float32)
            x = memory[8:n + 8]
            x[...] = np.arange(1, x.size + 1).reshape(shape)
            want = expected(name, x.tolist(), i, j)
            values = arguments(name, i, j)
            where = f"{name} {x.tolist()} {i} {j}"
            calls += 1
            try:
                given = x
                result = getattr(module, name)(given, *values)
                got = np.asarray(x if name.startswith("put") else result).reshape(-1).tolist()
            except mad.OutOfRangeError:
                got, failed = None, failed + 1
            assert got == want, f"{where}: {got}, expected {want}"
            assert (memory[:8] == GUARD).all() and (memory[n + 8:] == GUARD).all(), where
            if case % 30 == 0 and n:
                again = reference(program, path, name, x if want is None else np.arange(
                    1, x.size + 1, dtype=np.float32).reshape(shape), values)
                assert again == want, f"ref {where}: {again}, expected {want}"
    assert 0 < failed < calls
    print(f"{calls} calls, {failed} of them errors")


main()
