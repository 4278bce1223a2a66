"""Compares functions of the standard library with NumPy, on every target.

A file of cases calls `case(...)` and at the end `main()`. All its cases become one program: an entry that
takes all inputs and gives all results. It runs for f32 and f64, interpreted (in f64, and in the declared
type) and compiled ahead of time; for f32 also in memory, and ahead of time for any CPU.

A float result is right when |got - want| <= rounds * u * (|want| + scale). u is the unit roundoff, 2^-24
or 2^-53; `rounds` bounds the roundings on the longest way through the formula, where exp, log, erf and so
on count for 4 (they are within 4 units in the last place); `scale` is what is added up where terms
cancel. For f64 the reference rounds as well, so `rounds` counts twice. NaN and infinities must be equal.

Sizes of "N" are 5, 0 and 1. One more run puts NaN, infinities and zeros of both signs among the random
floats, NaN as the last one; a case says with `special` when NumPy's formula is no guide there: "taints" asks only that a result
holds something that is not finite, "differs" leaves the run out.

`--list` prints what is covered, for tools/dev/coverage.py: a line `function: what ...` a case.
"""
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.simplefilter("ignore")  # of means of nothing
cases = []
random = np.random.default_rng(7)
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0])
SIZES = (5, 0, 1, "special")


class Input:
    """An input: `shape` may hold "N", which the runs replace by several sizes."""

    def __init__(self, shape, make, kind="T", drawn=True):
        self.shape, self.make, self.kind, self.drawn = shape, make, kind, drawn

    def type(self):
        return self.kind + (f"[{', '.join(map(str, self.shape))}]" if self.shape else "")

    def value(self, n, dtype):
        shape = [d if d != "N" else 5 if n == "special" else n for d in self.shape]
        value = np.array(self.make(shape))
        if n == "special" and self.awkward():
            at = random.integers(0, value.size, max(value.size // 7, 1)) if value.size else []
            value.reshape(-1)[at] = np.resize(random.permutation(SPECIAL), len(at))
            value.reshape(-1)[value.size - 1:] = np.nan
        return value.astype(dtype) if self.kind == "T" else value

    def awkward(self):
        """Whether the run with special numbers differs."""
        return self.kind == "T" and self.drawn


def normal(*shape, scale=1.0):
    return Input(shape, lambda s: scale * random.standard_normal(s))


def uniform(*shape, low=0.0, high=1.0):
    return Input(shape, lambda s: random.uniform(low, high, s))


def integers(*shape, low=0, high=10):
    return Input(shape, lambda s: random.integers(low, high, s), "i64")


def bools(*shape):
    return Input(shape, lambda s: random.random(s) < 0.7, "bool")


def given(values):
    return Input(np.shape(values), lambda s: np.array(values), drawn=False)


def i32s(values):
    """An input of i32."""
    return Input(np.shape(values), lambda s: np.array(values, np.int32), "i32")


def case(expression, want, rounds=4, scale=0.0, special="equal", **inputs):
    """`$T` in the expression is the element type. `want` computes the result with NumPy, `scale` is a number or computes it; both from the inputs."""
    assert special in ("equal", "taints", "differs")
    cases.append((expression, want, rounds, scale, special, inputs))


def program(dtype, uses):
    """The text, and for each case the names of its inputs."""
    params, calls, types, names = [], [], [], []
    for c, (expression, want, *_, inputs) in enumerate(cases):
        # Two sizes of N tell which dimensions of the result depend on it.
        shapes = []
        for n in (5, 7):
            values = [i.value(n, "f8") for i in inputs.values()]
            with np.errstate(all="ignore"):
                shapes.append(np.asarray(want(*values)))
        dims = [{(5, 7): "N", (10, 14): "2 * N"}.get(ab, str(ab[0]))
                for ab in zip(shapes[0].shape, shapes[1].shape)]
        kind = shapes[0].dtype
        element = "i32" if kind == np.int32 else {"f": dtype, "i": "i64", "b": "bool"}[kind.kind]
        types.append(element + (f"[{', '.join(dims)}]" if dims else ""))
        own = {name: f"c{c}_{name}" for name in inputs}
        names.append(list(own.values()))
        params += [f"{own[k]}: {i.type().replace('T', dtype, 1)}" for k, i in inputs.items()]
        arguments = ", ".join(f"{k}: {i.type().replace('T', dtype, 1)}" for k, i in inputs.items())
        body = expression.replace("$T", dtype)
        generic = "[N]" if any("N" in i.shape for i in inputs.values()) else ""
        calls.append((f"fn case{c}{generic}({arguments}) -> {types[-1]} {{ {body} }}",
                      f"case{c}({', '.join(own.values())})"))
    text = "".join(f"use std.{name}\n" for name in uses)
    text += "\n".join(fn for fn, _ in calls)
    text += f"\nexport fn every[N]({', '.join(params)}) -> ({', '.join(types)}) {{\n  ("
    text += ",\n   ".join(call for _, call in calls) + ")\n}\n"
    return text, names


def check(label, case, got, values, unit, special):
    """None, or what is wrong."""
    expression, want, rounds, scale, how, inputs = case
    if special and (how == "differs" or not any(i.awkward() for i in inputs.values())):
        return None
    wide = [v.astype(np.float64) if v.dtype.kind == "f" else v for v in values]
    with np.errstate(all="ignore"):
        expected = np.asarray(want(*wide)) if not special or how == "equal" else np.zeros_like(got)
        size = np.asarray(scale(*wide) if callable(scale) else scale)
    at = f"{label}: {expression}"
    if got.shape != expected.shape:
        return f"{at}: shape {got.shape}, expected {expected.shape}"
    if special and how == "taints":
        if np.all(np.isfinite(got)) and got.dtype.kind == "f":
            return f"{at}: all is finite, though not all inputs are"
        return None
    if expected.dtype.kind != "f":
        good = got == expected
    else:
        with np.errstate(all="ignore"):
            bound = rounds * unit * (np.abs(expected) + size)
            good = np.isfinite(expected) & (np.abs(got.astype(np.float64) - expected) <= bound)
            # What is smaller than normal numbers may become 0.
            tiny = np.finfo(got.dtype).tiny
            good |= (np.abs(got) <= tiny) & (np.abs(expected) <= tiny)
        good |= (got == expected.astype(got.dtype)) | (np.isnan(got) & np.isnan(expected))
    if not good.all():
        where = tuple(np.argwhere(~good)[0])
        return (f"{at}: at {list(map(int, where))} {got[where]!r}, expected {expected[where]!r}, "
                f"inputs {[v if v.size < 40 else v.shape for v in values]}")
    return None


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command[:4])}\n{done.stdout}{done.stderr}")


def check_type(mad, dtype, uses, folder):
    text, names = program(dtype, uses)
    path = f"{folder}/p.mad"
    with open(path, "w") as f:
        f.write(text)
    run(mad, "build", path, "--name=m", "--target=x86-64-v3", "-o", folder)
    targets = {"ref64": [path, "--target=ref64"], "ref": [path, "--target=ref"],
               "aot": [folder + "/libm.so"]}
    if dtype == "f32":
        run(mad, "build", path, "--name=b", "--target=x86-64", "-o", folder)
        targets |= {"jit": [path, "--target=jit"], "baseline": [folder + "/libb.so"]}
    unit = 2.0**-24 if dtype == "f32" else 2.0**-52
    faults = []
    for n in SIZES:
        values, words = [], []
        for own, (*_, inputs) in zip(names, cases):
            values.append([i.value(n, dtype.replace("f32", "f4").replace("f64", "f8"))
                           for i in inputs.values()])
            for name, value in zip(own, values[-1]):
                np.save(f"{folder}/{name}.npy", value)
                words.append(f"{name}={folder}/{name}.npy")
        for target, where in targets.items():
            # Memory and ahead of time have the same code: once is enough.
            if target == "jit" and n != 5:
                continue
            run(mad, "run", *where, "every", *words, "-o", folder + "/out.npz")
            with np.load(folder + "/out.npz") as out:
                for c, one in enumerate(cases):
                    name = "result" if len(cases) == 1 else f"result{c}"
                    faults.append(check(f"{dtype} N={n} on {target}", one, out[name], values[c], unit,
                                        n == "special"))
    faults = [fault for fault in faults if fault]
    if faults:
        sys.exit("\n".join(faults[:20]) + f"\n{len(faults)} results differ")


def covered(inputs, special):
    """What the runs of a case show."""
    sizes = [d for i in inputs.values() for d in i.shape]
    kinds = ["f32", "f64"] if any(i.kind == "T" for i in inputs.values()) else []
    if "N" in sizes or any(d != "N" and d % 2 for d in sizes):
        kinds.append("odd")
    if "N" in sizes or 0 in sizes:
        kinds.append("empty")
    drawn = special != "differs" and any(i.awkward() for i in inputs.values())
    given_ = any(i.kind == "T" and not i.drawn and not np.all(np.isfinite(i.value(5, "f8")))
                 for i in inputs.values())
    return kinds + (["special"] if drawn or given_ else [])


def list_cases(uses):
    for expression, *_, special, inputs in cases:
        for name in dict.fromkeys(re.findall(rf"\b(?:{'|'.join(uses)})\.\w+(?=\()", expression)):
            print(f"{name}: {' '.join(covered(inputs, special))}")


def main(uses):
    if sys.argv[1] == "--list":
        return list_cases(uses)
    mad = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("f32", "f64"):
            check_type(os.path.abspath(mad) if os.path.sep in mad else mad, dtype, uses, folder)
    print(f"{len(cases)} cases as NumPy has them")
