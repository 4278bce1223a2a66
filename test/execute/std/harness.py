"""Compares functions of the standard library with NumPy, on every target.

A file of cases calls `case(...)` and at the end `main()`. All its cases become one program: an entry that
takes all inputs and gives all results. It runs for f32 and f64, interpreted (in f64, and in the declared
type) and compiled ahead of time; for f32 also in memory, and ahead of time for any CPU.

A float result is right when |got - want| <= rounds * u * (|want| + scale). u is the unit roundoff, 2^-24
or 2^-53; `rounds` bounds the roundings on the longest way through the formula, where exp, log, erf and so
on count for 4 (they are within 4 units in the last place); `scale` is what is added up where terms
cancel. For f64 the reference rounds as well, so `rounds` counts twice. NaN and infinities must be equal.
"""
import os
import subprocess
import sys
import tempfile
import warnings

import numpy as np

warnings.simplefilter("ignore")  # of means of nothing
cases = []
random = np.random.default_rng(7)


class Input:
    """An input: `shape` may hold "N", which the runs replace by several sizes."""

    def __init__(self, shape, make, kind="T"):
        self.shape, self.make, self.kind = shape, make, kind

    def type(self):
        return self.kind + (f"[{', '.join(map(str, self.shape))}]" if self.shape else "")

    def value(self, n, dtype):
        shape = [n if d == "N" else d for d in self.shape]
        value = np.asarray(self.make(shape))
        return value.astype(dtype) if self.kind == "T" else value


def normal(*shape, scale=1.0):
    return Input(shape, lambda s: scale * random.standard_normal(s))


def uniform(*shape, low=0.0, high=1.0):
    return Input(shape, lambda s: random.uniform(low, high, s))


def integers(*shape, low=0, high=10):
    return Input(shape, lambda s: random.integers(low, high, s), "i64")


def bools(*shape):
    return Input(shape, lambda s: random.random(s) < 0.7, "bool")


def given(values):
    return Input(np.shape(values), lambda s: np.array(values))


def case(expression, want, rounds=4, scale=0.0, **inputs):
    """`$T` in the expression is the element type. `want` computes the result with NumPy, `scale` is a number or computes it; both from the inputs."""
    cases.append((expression, want, rounds, scale, inputs))


def program(dtype, uses):
    """The text, and for each case the names of its inputs."""
    params, calls, types, names = [], [], [], []
    for c, (expression, want, _, _, inputs) in enumerate(cases):
        # Two sizes of N tell which dimensions of the result depend on it.
        shapes = []
        for n in (5, 7):
            values = [i.value(n, "f8") for i in inputs.values()]
            with np.errstate(all="ignore"):
                shapes.append(np.asarray(want(*values)))
        dims = ["N" if (a, b) == (5, 7) else str(a) for a, b in zip(shapes[0].shape, shapes[1].shape)]
        element = {"f": dtype, "i": "i64", "b": "bool"}[shapes[0].dtype.kind]
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


def check(label, case, got, values, unit):
    expression, want, rounds, scale, _ = case
    wide = [v.astype(np.float64) if v.dtype.kind == "f" else v for v in values]
    with np.errstate(all="ignore"):
        expected = np.asarray(want(*wide))
        size = np.asarray(scale(*wide) if callable(scale) else scale)
    at = f"{label}: {expression}"
    if got.shape != expected.shape:
        sys.exit(f"{at}: shape {got.shape}, expected {expected.shape}")
    if expected.dtype.kind != "f":
        good = got == expected
    else:
        with np.errstate(all="ignore"):
            bound = rounds * unit * (np.abs(expected) + size)
            good = np.abs(got.astype(np.float64) - expected) <= bound
            # What is smaller than normal numbers may become 0.
            tiny = np.finfo(got.dtype).tiny
            good |= (np.abs(got) <= tiny) & (np.abs(expected) <= tiny)
        good |= (got == expected) | (np.isnan(got) & np.isnan(expected))
    if not good.all():
        where = tuple(np.argwhere(~good)[0])
        sys.exit(f"{at}: at {list(map(int, where))} {got[where]!r}, expected {expected[where]!r}, "
                 f"inputs {[v.shape for v in values]}")


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command[:4])}\n{done.stdout}{done.stderr}")


def check_type(mad, dtype, uses, folder):
    text, names = program(dtype, uses)
    path = f"{folder}/p.mad"
    with open(path, "w") as f:
        f.write(text)
    run(mad, "build", path, "--name=m", "-o", folder)
    targets = {"ref64": [path, "--target=ref64"], "ref": [path, "--target=ref"],
               "aot": [folder + "/libm.so"]}
    if dtype == "f32":
        run(mad, "build", path, "--name=b", "--target=x86-64", "-o", folder)
        targets |= {"jit": [path, "--target=jit"], "baseline": [folder + "/libb.so"]}
    unit = 2.0**-24 if dtype == "f32" else 2.0**-52
    for n in (5, 0, 1):
        values, words = [], []
        for own, (_, _, _, _, inputs) in zip(names, cases):
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
                    check(f"{dtype} N={n} on {target}", one, out[name], values[c], unit)


def main(uses):
    mad = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("f32", "f64"):
            check_type(os.path.abspath(mad) if os.path.sep in mad else mad, dtype, uses, folder)
    print(f"{len(cases)} cases as NumPy has them")
