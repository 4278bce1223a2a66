#!/usr/bin/env python3
"""Stores weights in every format and compares with NumPy: formats.py MAD

NumPy rounds by the formulas of dialects/Lut/README.md, in f32 as they say, and knows nothing of how
codes are packed. All targets must give its values to the bit, and the library be as small as the
format says. Products are compared within gamma(K + 4) = (K + 4) u / (1 - (K + 4) u) times the sum of the
absolute values (Higham 2002, section 3.1): groups may be scaled after they are summed up, and zero points taken
off a sum, so that there the range of a group stands for the values.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

f32 = np.float32
SHAPES = [(16, 5), (37, 3), (1, 4), (130, 2), (2, 3, 21, 4)]


def formats():
    """Arguments in the language, and what they mean."""
    for bits in range(1, 9):
        for group in (0, 5, 16):
            for affine in (False, True):
                for half in (False, True):
                    yield "int", dict(bits=bits, group=group, affine=affine, half=half)
    for group in (-1, 0, 16):
        for base3 in (False, True):
            yield "ternary", dict(group=group, base3=base3, half=base3)
    for bits in (1, 2, 4, 8):
        for group in (-1, 0):
            yield "codebook", dict(bits=bits, group=group)


def text(family, o):
    words = [f"bits = {o['bits']}"] if "bits" in o else []
    words += ["group = " + {-1: "tensor", 0: "row"}.get(o["group"], str(o["group"]))]
    words += ["zero = affine"] if o.get("affine") else []
    words += ["scale = f16"] if o.get("half") else []
    words += ["packing = base3"] if o.get("base3") else []
    return f"lut.{family}({', '.join(words)})"


def call(family, o, raw):
    """The same rounding by std.quant, or None."""
    options = f"group = {max(o['group'], 0)}" + (", half = true" if o.get("half") else "")
    if family == "int":
        return f"quant.rtn({raw}, {o['bits']}, {options}{', affine = true' if o['affine'] else ''})"
    if family == "ternary" and o["group"] != 0:
        return f"quant.ternary({raw}, {options})"
    return f"quant.codebook({raw}, {o['bits']})" if family == "codebook" and o["group"] < 0 else None


def scale16(s, half):
    """The scale as it is stored: f16, or 16 significant bits."""
    with np.errstate(over="ignore"):
        return f32(np.float16(s)) if half else f32(f32(257) * s) - f32(f32(f32(257) * s) - s)


def groups(w, group):
    """The elements that share a scale, as views of one copy."""
    out = w.copy()
    k, m = w.shape
    size = k if group <= 0 else group
    if group < 0:
        return out, [out]
    return out, [out[i:i + size, j] for j in range(m) for i in range(0, k, size)]


def integer(v, bits, affine, half, **_):
    last = 2 ** bits - 1
    if affine:
        low, high = min(v.min(), f32(0)), max(v.max(), f32(0))
        s = scale16((high - low) / f32(last), half)
        z = np.clip(np.rint(-low / s), 0, last) if s > 0 else f32(0)
    elif bits == 1:
        s = scale16(f32(np.abs(v).astype(np.float64).cumsum()[-1]) / f32(v.size), half)
        return s * np.where(v >= 0, f32(1), f32(-1)), s
    else:
        z = f32(2 ** (bits - 1))
        s = scale16(np.abs(v).max() / (z - f32(1)), half)
    if not s > 0:
        return v * 0, s
    code = np.clip(np.rint(v / s) + z, 0, last)
    return s * (code - z).astype(f32), s


def ternary(v, half, **_):
    total = np.abs(v).astype(np.float64).ravel().cumsum()[-1]
    s = f32(total) / f32(v.size)
    s = f32(np.float16(s)) if half else s
    return s * np.clip(np.rint(v / s), -1, 1).astype(f32) if s > 0 else v * 0, s


def codebook(v, bits, **_):
    x = np.sort(v.ravel()).astype(np.float64)
    distinct = np.unique(x)
    if len(distinct) > 2 ** bits:
        n, sums = 2 ** bits, np.concatenate([[0.0], x.cumsum()])
        centres, ends, before = x[(2 * np.arange(n) + 1) * len(x) // (2 * n)].copy(), None, [None]
        for _ in range(100):
            if np.array_equal(ends, before):
                break
            before = ends
            ends = np.append(np.searchsorted(x, (centres[:-1] + centres[1:]) / 2, side="right"), len(x))
            for j, (a, b) in enumerate(zip(np.append(0, ends[:-1]), ends)):
                if b > a:
                    centres[j] = (sums[b] - sums[a]) / (b - a)
        distinct = np.unique(centres.astype(f32)).astype(np.float64)
    place = np.searchsorted((distinct[:-1] + distinct[1:]) / 2, v.astype(np.float64), side="left")
    return distinct.astype(f32)[place], None


def rounded(w, family, o):
    """What the format makes of a tensor, and a check of the bound of each element."""
    if w.ndim > 2:
        return np.stack([rounded(part, family, o) for part in w])
    out, parts = groups(w, o["group"])
    for part in parts:
        values, s = {"int": integer, "ternary": ternary, "codebook": codebook}[family](part, **o)
        if family == "int" and (o["bits"] > 1 or o["affine"]):
            # Half a step; where the range begins at a zero point, its ends move with the scale's rounding.
            move = 2.0 ** o["bits"] * (2.0 ** -11 if o["half"] else 2.0 ** -16) if o["affine"] else 2.0 ** -14
            # An f16 below 2^-14 is a multiple of 2^-24.
            least = 2.0 ** o["bits"] * 2.0 ** -25 if o["half"] else 0.0
            far = np.abs(values.astype(np.float64) - part)
            assert (far <= float(s) * (0.5 + move) + least).all(), (family, o)
        part[...] = values
    return out


def bitsOf(family, o, shape):
    k, m = shape[-2:]
    batch = int(np.prod(shape[:-2]))
    rows = -(-k // 5) if o.get("base3") else sum(
        -(-k // (8 // width)) for width in (8, 4, 2, 1) if o.get("bits", 2) & width)
    columns = 1 if o["group"] < 0 else m
    count = 1 if o["group"] <= 0 else -(-k // o["group"])
    if family == "codebook":
        return batch * (rows * m + 4 * 2 ** o["bits"] * columns)
    return batch * (rows * m + count * columns * ((2 if o.get("half") else 4) + bool(o.get("affine"))))


def elements(rng, shape):
    w = rng.normal(size=shape).astype(f32)
    w[rng.random(shape) < 0.1] = 0.0
    w[..., 0, 0] = -0.0
    w[..., :, -1] *= rng.choice([0.0, 1e-3, 1e4])  # a column of zeros is a case of its own
    return w


def checkReport(mad, path, entries, weights, expected):
    """What `mad explain --formats` says of each weight."""
    told = subprocess.run([mad, "explain", "--formats", path], capture_output=True, text=True, check=True).stdout
    lines = {m[1]: m for m in re.finditer(r"^`(\w+)` .*: (\d+) bytes, (\S+) bits an element; (.*)$", told, re.M)}
    for i, (family, o, shape) in enumerate(entries):
        _, _, size, bits, error = (lines[f"w{i}"][j] for j in range(5))
        values, stored = weights[f"w{i}"].astype(np.float64), expected[f"value.w{i}"].astype(np.float64)
        if weights[f"w{i}"].dtype != f32:
            continue
        far = np.abs(values - stored)
        want = "exact"
        if far.max() > 0:
            db = 10 * np.log10((values ** 2).sum() / (far ** 2).sum())
            want = f"off by at most {far.max():.3g}, rms {np.sqrt((far ** 2).mean()):.3g}, SQNR {db:.1f} dB"
        ours = bitsOf(family, o, shape)
        if error != want or int(size) != ours or float(bits) != float(f"{8 * ours / values.size:.4g}"):
            sys.exit(f"{lines[f'w{i}'][0]}\nexpected {ours} bytes, {want}")


def main():
    mad = os.path.abspath(sys.argv[1])
    rng = np.random.default_rng(5)
    entries = [(family, o, SHAPES[i % len(SHAPES)]) for i, (family, o) in enumerate(formats())
               if o["group"] <= SHAPES[i % len(SHAPES)][-2]]
    inLanguage = 0
    with tempfile.TemporaryDirectory() as folder:
        weights, expected, types, program = {}, {}, [], "use std.quant\n"
        for i, (family, o, shape) in enumerate(entries):
            w = weights[f"w{i}"] = elements(rng, shape)
            expected[f"value.w{i}"] = rounded(w, family, o)
            sizes = ", ".join(map(str, shape))
            made = call(family, o, f"raw{i}") if len(shape) == 2 or family != "codebook" else None
            kind = "f32" if i % 3 and made else {3: "f16", 4: "f64"}.get(i % 9, "f32")
            if kind != "f32":  # rounded to f32, and the result to the type
                dtype = np.float16 if kind == "f16" else np.float64
                w = weights[f"w{i}"] = np.minimum(w, 1000).astype(dtype)
                expected[f"value.w{i}"] = rounded(w.astype(f32), family, o).astype(dtype)
            types.append(f"{kind}[{sizes}]")
            source = f'weight {{}}: {types[-1]} from "w.npz" : "w{i}"'
            if i % 3 and made:  # rounded in the language, and held exactly
                program += source.format(f"raw{i}") + f"\nweight w{i} = {made} as {text(family, o)}\n"
                inLanguage += 1
                weights[f"raw{i}"] = w
            else:
                program += source.format(f"w{i}") + f" as {text(family, o)}\n"
        # What hoists and merges factors must not make f32 of it again.
        k, m = entries[0][2]
        program += f"export fn scaled[N](x: f32[N, {k}]) -> f32[N, {m}] {{ (x @ (w0 * 2.0)) * 0.5 + x @ (0.0 * w0) }}\n"
        names = [f"w{i}" for i in range(len(entries))]
        program += "record All {\n" + "".join(
            f"  {n}: {type}\n" for n, type in zip(names, types)) + "}\n"
        program += f"export fn value() -> All {{ All({', '.join(names)}) }}\n"
        flat = [i for i, e in enumerate(entries) if len(e[2]) == 2 and types[i].startswith("f32")][:40:3]
        for i in flat:
            k, m = entries[i][2]
            program += f"export fn times{i}[N](x: f32[N, {k}]) -> f32[N, {m}] {{ x @ w{i} }}\n"
        np.savez(f"{folder}/w.npz", **weights)
        path = f"{folder}/m.mad"
        with open(path, "w") as f:
            f.write(program)

        def run(*words):
            done = subprocess.run([mad, *words], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"{' '.join(words)}: {done.stderr[:2000]}")

        run("build", path, "--name=m", "-o", folder)
        run("build", path, "--name=b", "--target=x86-64", "-o", folder)
        with open(f"{folder}/m.json") as f:
            stored = {w["name"]: w["bytes"] for w in json.load(f)["weights"]}
        if more := [n for n in stored if n.split(".")[0] not in names]:
            sys.exit(f"other weights than parts of formats: {more}")
        for name, (family, o, shape) in zip(names, entries):
            size = sum(b for n, b in stored.items() if n.startswith(name + "."))
            if size != bitsOf(family, o, shape) or name in stored:
                sys.exit(f"{text(family, o)} of {shape}: {size} bytes, expected {bitsOf(family, o, shape)}")
        checkReport(mad, path, entries, weights, expected)
        targets = [[path, "--target=ref"], [path, "--target=ref64"], [path, "--target=jit"],
                   [path, "--target=simt"], [f"{folder}/libm.so"], [f"{folder}/libb.so"]]
        for target in targets:
            run("run", *target, "value", "-o", f"{folder}/o.npz")
            in64 = target[-1].endswith("ref64")
            with np.load(f"{folder}/o.npz") as got:
                for name, (family, o, shape), type in zip(names, entries, types):
                    if in64 and type.startswith("f16"):  # not rounded there
                        continue
                    a, b = got[f"result.{name}"].astype(f32) + f32(0), expected[f"value.{name}"].astype(f32) + f32(0)
                    if a.tobytes() != b.tobytes():
                        at = tuple(np.argwhere(a != b)[0])
                        sys.exit(f"{target[-1]}: {text(family, o)} of {shape} at {at}: {a[at]!r}, "
                                 f"expected {b[at]!r}")
            for i in flat[::4] if "simt" in target[-1] else flat:
                w = expected[f"value.w{i}"].astype(np.float64)
                x = rng.normal(size=(3, w.shape[0])).astype(f32)
                np.save(f"{folder}/x.npy", x)
                run("run", *target, f"times{i}", f"x={folder}/x.npy", "-o", f"{folder}/o.npz")
                got = np.load(f"{folder}/o.npz")["result"]
                k, u = w.shape[0] + 4, 2.0 ** -24
                size = np.abs(w)
                if entries[i][1].get("affine"):
                    size, parts = groups(w, entries[i][1]["group"])
                    for part in parts:
                        part[...] = 2.01 * (max(part.max(), 0) - min(part.min(), 0)) + np.abs(part)
                bound = k * u / (1 - k * u) * (np.abs(x) @ size)
                if not (np.abs(got - x @ w) <= bound + 1e-30).all():
                    sys.exit(f"{target[-1]}: x @ w{i} is off by {np.abs(got - x @ w).max()}")
        print(f"{len(entries)} weights, {inLanguage} rounded by std.quant, on {len(targets)} targets agree with NumPy")


main()
