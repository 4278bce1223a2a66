#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Draws a path of Lorenz's equations, seen along y: the two wings of the attractor.

usage: plot.py PATH.npy PLOT.svg

PATH.npy is an f64[N, 3], as `mad run lorenz.mad attractor -o PATH.npy` writes it. Needs nothing but Python.
"""
import ast
import struct
import sys

WIDTH, HEIGHT, MARGIN = 640, 480, 20


def read(path):
    """Rows of a .npy file of doubles (NumPy's format 1.0)."""
    with open(path, "rb") as file:
        if file.read(8) != b"\x93NUMPY\x01\x00":
            sys.exit(f"{path} is no .npy file of version 1.0")
        header = ast.literal_eval(file.read(struct.unpack("<H", file.read(2))[0]).decode())
        shape = header["shape"]
        if header["descr"] != "<f8" or header["fortran_order"] or len(shape) != 2 or shape[1] != 3:
            sys.exit(f"{path} holds {header['descr']} of shape {shape}, not <f8 of shape (N, 3)")
        rows = list(struct.iter_unpack("<3d", file.read()))
    for column in (0, 2):
        numbers = [row[column] for row in rows] or [0.0]
        if not 0 < max(numbers) - min(numbers) < float("inf"):
            sys.exit(f"{path} holds no path: x and z must vary, and be finite")
    return rows


def drawn(rows):
    """x to the right, z upwards."""
    across, up = [row[0] for row in rows], [row[2] for row in rows]
    scale = min((WIDTH - 2 * MARGIN) / (max(across) - min(across)),
                (HEIGHT - 2 * MARGIN) / (max(up) - min(up)))
    left, top = (min(across) + max(across)) / 2, (min(up) + max(up)) / 2
    points = " ".join(f"{WIDTH / 2 + scale * (x - left):.2f},{HEIGHT / 2 - scale * (z - top):.2f}"
                      for x, z in zip(across, up))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            f'<polyline fill="none" stroke="steelblue" stroke-width="0.7" points="{points}"/>\n'
            "</svg>\n")


if len(sys.argv) != 3:
    sys.exit(__doc__.split("\n\n")[1])
with open(sys.argv[2], "w") as file:
    file.write(drawn(read(sys.argv[1])))
