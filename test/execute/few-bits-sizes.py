#!/usr/bin/env python3
"""Multiplies with weights of few bits and compares with NumPy: few-bits-sizes.py MAD LIBRARIES

Each format, with sizes that are multiples of what kernels read together or not, of few rows, which
kernels multiply with codes, and of more, for which they decode. On all levels of CPUs. Weights that
something else reads, too, every other one here, are not packed in panels.

What a weight holds is taken from the program (formats.py compares that with NumPy). A sum of K products goes
through at most K additions and 4 roundings more: of the product, of its scale, and where a zero
point is taken off. Terms are x w, and with a zero point z of codes q with the middle c, s (q - c) x and s (c - z) x, each below
s 2^(b-1) |x|, where s (2^b - 1) is the range of a group (Higham 2002, section 3.1).
"""
import sys
import tempfile

import numpy as np

from compiled import variants

SHAPES = [(64, 64), (203, 77), (37, 3), (130, 130), (8, 200), (1, 4), (40, 129), (2090, 33)]
ROWS = [1, 2, 3, 4, 6, 12, 21, 66]


def formats():
    groups = [0, 32, 64, 12, 8, 0, 200]
    for bits in range(1, 9):
        for affine in (False, True):
            group = groups[(bits + 3 * affine) % len(groups)]
            words = f"bits = {bits}, group = {group or 'row'}"
            words += ", zero = affine" if affine else ""
            words += ", scale = f16" if bits % 3 == 0 else ""
            yield f"lut.int({words})", group, affine
    yield "lut.ternary", 0, False
    yield "lut.ternary(group = row)", 0, False
    yield "lut.ternary(packing = base3)", 0, False
    yield "lut.ternary(group = 40, packing = base3)", 40, False
    yield "lut.ternary(group = 16, packing = base3)", 16, False
    # Groups that end inside of what is read together.
    for bits in range(1, 9):
        group, affine = (36, 52, 100, 33)[bits % 4], bits % 3 == 0
        yield f"lut.int(bits = {bits}, group = {group}{', zero = affine' if affine else ''})", group, affine
    for group in (32, 128, 256):
        yield f"lut.ternary(group = {group}, packing = base3, scale = f16)", group, False
    for bits in range(1, 9):
        yield f"lut.codebook(bits = {bits})", 0, False
    for bits in (1, 2, 3, 4, 5, 8, 6):
        yield f"lut.codebook(bits = {bits}, group = row)", 0, False


def ranges(w, group):
    """Of the group of each element."""
    out, size = np.empty_like(w), group or len(w)
    for i in range(0, len(w), size):
        part = w[i:i + size]
        out[i:i + size] = np.maximum(part.max(0), 0) - np.minimum(part.min(0), 0)
    return out.astype(np.float64)


def main():
    rng = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        weights, cases, values, products = {}, [], "", ""
        for i, (text, group, affine) in enumerate(formats()):
            # Two shapes for each, of which one lets kernels be without a rest.
            shapes = SHAPES[i % len(SHAPES)], SHAPES[(i + 1 + i // 8) % len(SHAPES)]
            if group % 8 and group > 32 or group > 200:
                shapes = (300, 70), (512, 33)
            for part, (k, m) in enumerate(shapes):
                if group > k:
                    continue
                name = f"w{i}_{part}"
                weights[name] = rng.normal(size=(k, m)).astype(np.float32)
                weight = f'weight {name}: f32[{k}, {m}] from "{folder}/w.npz" : "{name}" as {text}\n'
                value = f"export fn value_{name}() -> f32[{k}, {m}] {{ {name} }}\n"
                values += weight + value
                products += weight + (value if i % 2 else "")
                products += f"export fn times_{name}[T](x: f32[T, {k}]) -> f32[T, {m}] {{ x @ {name} }}\n"
                # Of so many rows some CPUs decode, and others read codes.
                products += f"export fn three_{name}(x: f32[3, {k}]) -> f32[3, {m}] {{ x @ {name} }}\n" if part and i % 5 == 0 else ""
                cases.append((name, text, group, affine))
        np.savez(f"{folder}/w.npz", **weights)
        count, stored = 0, {}
        for _, model in variants(*sys.argv[1:3], values):
            stored = {c[0]: getattr(model, f"value_{c[0]}")().astype(np.float64) for c in cases}
            break
        for target, model in variants(*sys.argv[1:3], products):
            for name, text, group, affine in cases:
                w = stored[name]
                # A scale is rounded by up to 2^-11.
                size = 2.01 * ranges(weights[name], group) if affine else np.abs(w)
                K, u = len(w) + 4, 2.0 ** -24
                for T in ROWS:
                    x = rng.normal(size=(T, len(w))).astype(np.float32)
                    got = getattr(model, f"times_{name}")(x)
                    three = getattr(model, f"three_{name}", None)
                    if T == 3 and three and not np.array_equal(three(x), got):
                        sys.exit(f"{target}: 3 rows times {text} of {w.shape} are other ones where their number is known")
                    bound = K * u / (1 - K * u) * (np.abs(x).astype(np.float64) @ size)
                    off = np.abs(got - x.astype(np.float64) @ w)
                    if got.shape != off.shape or not (off <= bound).all():
                        at = tuple(map(int, np.argwhere(~(off <= bound))[0]))
                        sys.exit(f"{target}: {T} rows times {text} of {w.shape} at {at}: off by {off[at]}, more than {bound[at]}")
                    count += 1
        if not count:
            sys.exit("no variant ran")
        print(f"{count} products are right")


main()
