#!/usr/bin/env python3
"""Runs every op on every element type and compares all targets with NumPy.

    sweep.py MAD [TYPE ...]

One program an element type: its entry takes vectors of awkward numbers (NaN, infinities, -0,
denormal and large ones), a tensor for reductions and two matrices, and gives the result of one op
each. It runs in f64, in declared types, in memory, ahead of time and for any CPU, for sizes around
those of vectors. What is expected is computed here, with NumPy in f64 or with Python's integers.

Bounds, in units of the last place (ulp) of the element type:
- arithmetic, roots, roundings and casts give the nearest number, to the bit;
- functions of f32 and f64 are within 4, which docs/performance/functions.md states; those of f16 and bf16 are
  computed in f32 and rounded once: 1/2 and what 4 ulp of f32 are of theirs, 4 * 2^-13 at most;
- a sum of n products accumulated in f32 (f64): each of at most n + 1 roundings is 2^-24 (2^-53) of
  the sum of the magnitudes; then the rounding to the type.
In f64 the oracle of f16, bf16 and f32 is not rounded: 4 ulp of f64.
"""
import math
import os
import subprocess
import sys
import tempfile
from fractions import Fraction

import numpy as np

import numbers_of_mad as nm
from sweep_data import Case, bools, data

SIZES = (0, 1, 17, 33)
TYPES = nm.TYPES + ("bool",)


# ---------------------------------------------------------------------------------------------
# Inputs
# ---------------------------------------------------------------------------------------------


def awkward(element):
    if element in nm.INTEGERS:
        low, high = nm.limits(element)
        near = [0, 1, 2, 3, 7, 10, 100, high, high - 1, low, low + 1, high // 2, high // 2 + 1]
        return near + ([] if element == "u8" else [-1, -2, -3, -7, -10, -100])
    precision, least, greatest = nm.LAYOUT[element]
    tiny, top = 2.0 ** (least - precision + 1), (2 - 2.0 ** (1 - precision)) * 2.0**greatest
    return [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 2.0, 3.0, -3.0, np.nan, np.inf, -np.inf,
            tiny, -tiny, 3 * tiny, 2.0**least, top, -top, 0.1, -0.3, 0.7, 10.3, -17.9, 88.5, 127.5,
            254.9, -128.9, 300.0, 0.999, 1.001, -0.001]


def vector(element, n, step):
    """Numbers of `awkward`, in another order for each `step`."""
    if element == "bool":
        return np.arange(n) * 7 * step % 11 < 5
    pool = awkward(element)
    values = [pool[(step * i * 7 + i // len(pool) + 5 * step) % len(pool)] for i in range(n)]
    if element in nm.INTEGERS:
        return np.array(values, nm.NUMPY[element])
    return nm.rounded(element, np.array(values, np.float64)).astype(nm.NUMPY[element])


def moderate(element, shape, seed):
    """Floats of both signs below 2; integers of all sizes."""
    generator = np.random.default_rng(seed)
    if element == "bool":
        return generator.random(shape) < 0.7
    if element in nm.INTEGERS:
        low, high = nm.limits(element)
        return generator.integers(low, high, shape, nm.NUMPY[element], endpoint=True)
    values = generator.uniform(-2, 2, shape)
    return nm.rounded(element, values).astype(nm.NUMPY[element])


def inputs(element, n):
    count = np.arange(n, dtype=np.int64)
    return {"x": vector(element, n, 1), "y": vector(element, n, 2),
            "e": moderate(element, (2, n, 3), 1), "g": moderate(element, (5, n), 2),
            "h": moderate(element, (n, 4), 3), "s": moderate(element, (), 4),
            "b": moderate(element, (5,), 5), "d": np.resize(vector(element, 3 * n + 7, 4), (3, n)),
            "i": (count * 7 + 3) % max(n, 1), "q": count * count % 5}


# ---------------------------------------------------------------------------------------------
# What is expected
# ---------------------------------------------------------------------------------------------


def exact(array):
    return array.astype(np.float64)


def maximum(a, b):
    zeros = (a == 0) & (b == 0)
    return np.where(zeros, np.where(np.signbit(a), b, a), np.maximum(a, b))


def minimum(a, b):
    return -maximum(-a, -b)


def remainder(a, b):
    r = np.fmod(a, b)
    r = np.where((r != 0) & ((r < 0) != (b < 0)), r + b, r)
    return np.where(r == 0, np.copysign(0.0, b), r)


def sign(a):
    return np.where((a == 0) | np.isnan(a), a, np.sign(a))


def by_math(f):
    return lambda a: np.array([f(v) for v in a.tolist()], np.float64)


def by_long_double(f):
    """In 64 bits: NumPy's f64 functions may be off by several ulp."""
    return lambda *a: f(*(v.astype(np.longdouble) for v in a)).astype(np.float64)


FUNCTIONS = {name: by_long_double(getattr(np, name))
             for name in ("exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "sin", "cos",
                          "tan", "sinh", "cosh", "tanh", "cbrt")}
FUNCTIONS |= {"a" + name: by_long_double(getattr(np, "arc" + name))
              for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")}
FUNCTIONS |= {"erf": by_math(math.erf), "erfc": by_math(math.erfc)}
EXACT = {"abs": np.abs, "sign": sign, "sqrt": np.sqrt, "floor": np.floor, "ceil": np.ceil,
         "round": np.rint, "trunc": np.trunc}
PREDICATES = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}
COMPARISONS = {"==": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal,
               ">": np.greater, ">=": np.greater_equal}


def function_bound(element):
    return 4.0 if element in ("f32", "f64") else 0.5 + 4 * 2.0**-13


def float_elements(t, v):
    x, y = exact(v["x"]), exact(v["y"])
    for name, f in FUNCTIONS.items():
        yield Case(name, f"{name}(x)", t, f(x), function_bound(t))
    for name, f in EXACT.items():
        yield Case(name, f"{name}(x)", t, f(x))
    # Two roundings.
    yield Case("rsqrt", "rsqrt(x)", t, 1 / np.sqrt(x), function_bound(t))
    yield Case("neg", "-x", t, -x)
    for op, f in {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}.items():
        yield Case(op, f"x {op} y", t, f(x, y))
    # The remainder is exact in f64 but for the sum with y.
    yield Case("%", "x % y", t, remainder(x, y), 1.0)
    yield Case("^", "x ^ y", t, by_long_double(np.power)(x, y), function_bound(t))
    yield Case("min", "min(x, y)", t, minimum(x, y))
    yield Case("max", "max(x, y)", t, maximum(x, y))
    yield Case("scalar", "x * s", t, x * exact(v["s"]))
    yield Case("atan2", "atan2(x, y)", t, by_long_double(np.arctan2)(x, y), function_bound(t))
    yield Case("fma", "fma(x, y, reversed_)", t, *fused(t, x, y, exact(v["x"][::-1])))
    for name, f in PREDICATES.items():
        yield Case(name, f"{name}(x)", "bool", f(x))


def fused(t, x, y, z):
    """x * y + z, rounded once: by fractions, to the type and as far as f64 goes."""
    def one(element, a, b, c):
        if not (np.isfinite(a) and np.isfinite(b) and np.isfinite(c)) or a * b == 0 and (a == 0 or b == 0):
            return a * b + c
        total = Fraction(a) * Fraction(b) + Fraction(c)
        if total == 0 and c == 0:
            return a * b + c  # the product is below all numbers, but has its sign
        return nm.round_one(element, total)
    triples = list(zip(x, y, z))
    nearest, oracle = (np.array([one(e, *t_) for t_ in triples], np.float64) for e in (t, "f64"))
    return nearest, 0, None, oracle


def power(t, a, b):
    if b < 0:
        return {1: 1, -1: -1 if b % 2 else 1}.get(a, 0)
    return pow(a, b, 2 ** nm.bits_of(t))


def integer_elements(t, v):
    pairs = [(int(a), int(b)) for a, b in zip(v["x"], v["y"])]

    def each(f):
        return nm.integers(t, [f(a, b) for a, b in pairs])

    yield Case("neg", "-x", t, each(lambda a, b: -a))
    yield Case("abs", "abs(x)", t, each(lambda a, b: abs(a)))
    yield Case("sign", "sign(x)", t, each(lambda a, b: (a > 0) - (a < 0)))
    yield Case("+", "x + y", t, each(lambda a, b: a + b))
    yield Case("-", "x - y", t, each(lambda a, b: a - b))
    yield Case("*", "x * y", t, each(lambda a, b: a * b))
    yield Case("/", "x / y", t, each(lambda a, b: a // b if b else 0))
    yield Case("%", "x % y", t, each(lambda a, b: a % b if b else 0))
    yield Case("^", "x ^ y", t, each(lambda a, b: power(t, a, b)))
    yield Case("min", "min(x, y)", t, each(min))
    yield Case("max", "max(x, y)", t, each(max))
    yield Case("scalar", "x * s", t, each(lambda a, b: a * int(v["s"])))
    width = nm.bits_of(t)
    yield Case("bit_and", "bit_and(x, y)", t, each(lambda a, b: a & b))
    yield Case("bit_or", "bit_or(x, y)", t, each(lambda a, b: a | b))
    yield Case("bit_xor", "bit_xor(x, y)", t, each(lambda a, b: a ^ b))
    yield Case("bit_not", "bit_not(x)", t, each(lambda a, b: ~a))
    yield Case("shift_left", "shift_left(x, y)", t,
               each(lambda a, b: a << b if 0 <= b < width else 0))
    yield Case("shift_right", "shift_right(x, y)", t,
               each(lambda a, b: a >> b if 0 <= b < width else -(a < 0)))


def casts(t, v):
    x, values = v["x"], v["x"].tolist()
    for to in nm.FLOATS:
        yield Case(f"cast {to}", f"{to}(x)", to, nm.rounded(to, x), oracle=exact(x))
    for to in nm.INTEGERS:
        f = nm.saturate if t in nm.FLOATS else nm.wrap
        yield Case(f"cast {to}", f"{to}(x)", to,
                   np.array([f(to, a) for a in values], nm.NUMPY[to]))
    yield Case("cast bool", "bool(x)", "bool", x != 0)
    yield Case("of bool", f"{t}(x < y)", t, (x < v["y"]).astype(nm.NUMPY[t]))


def argmax(array, axis):
    """The first of the largest, NaN above all; 0 of none."""
    if array.shape[axis] == 0:
        return np.zeros(array.shape[:axis] + array.shape[axis + 1 :], np.int64)
    return np.argmax(array, axis)


def reductions(t, v):
    e, floats = v["e"], t in nm.FLOATS
    wide = exact(e) if floats else e.astype(object)
    unit = 2.0**-53 if t == "f64" else 2.0**-24
    low, high = (-np.inf, np.inf) if floats else nm.limits(t)
    for axis in (0, 1, 2, None):
        where = "" if axis is None else f", axis = {axis}"
        count = e.size if axis is None else e.shape[axis]

        def made(value, slack=None):
            if floats:
                return np.asarray(value, np.float64), slack
            value = np.asarray(value, object)
            return nm.integers(t, value.reshape(-1), value.shape), None

        total, slack = made(np.sum(wide, axis=axis),
                            floats and (count + 1) * unit * np.sum(np.abs(wide), axis=axis))
        yield Case(f"sum {axis}", f"sum(e{where})", t, total, slack=slack)
        total, slack = made(np.prod(wide, axis=axis),
                            floats and (count + 1) * unit * np.abs(np.prod(wide, axis=axis)))
        yield Case(f"prod {axis}", f"prod(e{where})", t, total, slack=slack)
        for name, f, start in (("max", np.max, low), ("min", np.min, high)):
            value = f(wide, axis=axis, initial=start) if count else np.full(
                wide.shape[:axis] + wide.shape[axis + 1 :] if axis is not None else (), start)
            yield Case(f"{name} {axis}", f"{name}(e{where})", t, made(value)[0])
        if axis is not None:
            yield Case(f"argmax {axis}", f"argmax(e{where})", "i64", argmax(e, axis))
        if floats:
            with np.errstate(all="ignore"):
                value = np.sum(wide, axis=axis) / np.float64(count)
                slack = (count + 2) * unit * np.sum(np.abs(wide), axis=axis) / max(count, 1)
            yield Case(f"mean {axis}", f"mean(e{where})", t, value, slack=slack)
    x = v["x"]
    if floats:
        start = np.array(-np.inf)
        yield Case("max with NaN", "max(x)", t,
                   np.max(exact(x)) if x.size else start)
        yield Case("min with NaN", "min(x)", t, np.min(exact(x)) if x.size else -start)
        yield Case("argmax with NaN", "argmax(x)", "i64", argmax(exact(x), 0))
    yield Case("all", "all(x == x)", "bool", np.all(x == x))
    yield Case("any", "any(x < y)", "bool", np.any(x < v["y"]))


def contractions(t, v):
    g, h = v["g"], v["h"]
    n = g.shape[1]
    if t in nm.FLOATS:
        unit = 2.0**-53 if t == "f64" else 2.0**-24
        a, b = exact(g), exact(h)
        product, slack = a @ b, (n + 1) * unit * (np.abs(a) @ np.abs(b))
        square, half = a @ a.T, (n + 1) * unit * (np.abs(a) @ np.abs(a.T))
        dot = (a[0] @ b[:, 1], (n + 1) * unit * (np.abs(a[0]) @ np.abs(b[:, 1])))
    else:
        # By hand: of no terms, the product of arrays of Python's integers is None.
        def sums(a, b):
            return nm.integers(t, [sum(x * y for x, y in zip(row, column))
                                   for row in a.tolist() for column in b.T.tolist()],
                               (a.shape[0], b.shape[1]))

        product, square = sums(g, h), sums(g, g.T)
        dot = (product[0, 1], None)
        slack = half = None
    yield Case("matrix product", "g @ h", t, product, slack=slack)
    yield Case("with itself", "g @ transpose(g)", t, square, slack=half)
    yield Case("dot product", "g[0] @ h[:, 1]", t, dot[0], slack=dot[1])


def movements(t, v):
    x, y, e, i = v["x"], v["y"], v["e"], v["i"]
    n = x.size
    for boundary in ("zero", "periodic", "clamp"):
        value = x.copy()
        for d in range(n):
            at = d - 2
            if boundary == "periodic":
                at %= n
            if boundary == "clamp":
                at = max(at, 0)
            value[d] = x[at] if at >= 0 else 0
        yield Case(boundary, f"{boundary}_", t, value)
    yield Case("reversed", "reversed_", t, x[::-1])
    yield Case("every second", "x[0..N by 2]", t, x[::2])
    yield Case("gather", "gathered_", t, x[i] if n else x)
    yield Case("concat", "concat(x, y, axis = 0)", t, np.concatenate([x, y]))
    yield Case("reshape", "reshape(e, [N * 2, 3])", t, e.reshape(n * 2, 3))
    yield Case("transpose", "turned_", t, np.transpose(e, (2, 0, 1)))
    if t == "bool":
        return
    yield Case("rank 4", "reshape(e, [2, N, 1, 3])[:, :, :, 0..2] + s", t,
               add(t, e.reshape(2, n, 1, 3)[..., :2], v["s"]))
    yield Case("rank 0", "s + s", t, add(t, v["s"], v["s"]))
    yield Case("select", "select(x < y, x, y)", t, np.where(x < y, x, y))
    for op, f in COMPARISONS.items():
        yield Case(op, f"x {op} y", "bool", f(x, y))


def add(t, a, b):
    if t in nm.FLOATS:
        return exact(a) + exact(b)
    total = np.asarray(a).astype(object) + int(b)
    return nm.integers(t, np.asarray(total, object).reshape(-1), np.shape(total))


def cases(t, v):
    elements = float_elements if t in nm.FLOATS else integer_elements
    groups = (elements, casts, reductions, contractions, movements, data)
    with np.errstate(all="ignore"):
        return [case for group in ((bools, movements, data) if t == "bool" else groups)
                for case in group(t, v)]


# ---------------------------------------------------------------------------------------------
# Programs
# ---------------------------------------------------------------------------------------------


EXTENTS = {17: "(N + 1) / 2", 33: "N", 37: "N + 4", 66: "2 * N", 198: "6 * N"}


def dims(shape):
    """The type of a result, of which the extents are those for N = 33."""
    return "[" + ", ".join(EXTENTS.get(s, str(s)) for s in shape) + "]" if shape else ""


def program(t):
    made = cases(t, inputs(t, 33))
    results = ",\n    ".join(c.element + dims(np.shape(c.expected)) for c in made)
    values = ",\n   ".join(c.text for c in made)
    return f"""export fn all_ops[N](x: {t}[N], y: {t}[N], e: {t}[2, N, 3], g: {t}[5, N], h: {t}[N, 4],
    s: {t}, b: {t}[5], d: {t}[3, N], i: i64[N], q: i64[N]) -> (
    {results}) {{
  let zero_[d in 0..N] = x[d - 2]  with boundary = zero
  let periodic_[d in 0..N] = x[d - 2]  with boundary = periodic
  let clamp_[d in 0..N] = x[d - 2]  with boundary = clamp
  let reversed_[d in 0..N] = x[N - 1 - d]
  let gathered_[d] = x[i[d]]
  let turned_[k, l, m] = e[l, m, k]
  let padded_[k in 0..N + 4] = x[k - 2]  with boundary = zero
  let diagonal_[k in 0..N] = e[k % 2, k, k % 3]
  let (best_, places_) = top_k(d, 2, axis = 0)
  let (least_, _) = top_k(d, 1, axis = 0, largest = false)
  ({values})
}}
"""


# ---------------------------------------------------------------------------------------------
# Comparison
# ---------------------------------------------------------------------------------------------


def complain(where, case, at, found, expected, inputs_at):
    return f"{where}: {case.name} ({case.text})[{at}] is {found!r}, expected {expected!r}{inputs_at}"


def compare(where, case, found, oracle, v):
    """None, or what differs."""
    element, array = found
    expected = np.asarray(case.oracle if oracle else case.expected)
    wanted = "f64" if oracle and case.element in nm.FLOATS else case.element
    if element != wanted or array.shape != expected.shape:
        return f"{where}: {case.name} is {element}{list(array.shape)}, expected {wanted}" \
               f"{list(expected.shape)}"
    if case.element not in nm.FLOATS:
        good = array == expected
    else:
        exactly, got = expected.astype(np.float64), array.astype(np.float64)
        nearest = exactly if oracle else nm.rounded(case.element, exactly)
        slack = np.zeros(()) if case.slack is None else np.asarray(case.slack)
        bound = 4.0 if oracle else max(case.bound, 0.5 if case.slack is not None else 0)
        with np.errstate(all="ignore"):
            good = np.abs(got - exactly) <= bound * nm.ulp(wanted, nearest) + slack
            good |= (got == nearest) | (np.isnan(got) & np.isnan(nearest))
            if not bound:
                good = (got == nearest) | (np.isnan(got) & np.isnan(nearest))
        # A zero that is exact has a sign.
        if case.slack is None:
            good &= ~((exactly == 0) & (got == 0) & (np.signbit(exactly) != np.signbit(got)))
        expected = nearest
    if good.all():
        return None
    at = tuple(int(k) for k in np.argwhere(~good)[0])
    operands = ""
    if len(at) == 1 and at[0] < v["x"].size:
        operands = f" for x = {v['x'][at]!r}, y = {v['y'][at]!r}"
    return complain(where, case, list(at), array[at], expected[at], operands)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}\n{done.stdout}{done.stderr}")


def sweep(mad, t, folder):
    path = f"{folder}/{t}.mad"
    with open(path, "w") as f:
        f.write(program(t))
    run(mad, "build", path, "--name=m", "--target=native", "-o", folder)
    run(mad, "build", path, "--name=b", "--target=x86-64", "-o", folder)
    targets = {"ref64": [path, "--target=ref64"], "ref": [path, "--target=ref"],
               "jit": [path, "--target=jit"], "aot": [folder + "/libm.so"],
               "baseline": [folder + "/libb.so"]}
    faults, count = [], 0
    for n in SIZES:
        v = inputs(t, n)
        nm.write_safetensors(folder + "/in.safetensors", {
            name: ("i64" if name in "iq" else t, array) for name, array in v.items()})
        words = [f"{name}={folder}/in.safetensors:{name}" for name in v]
        made = cases(t, v)
        bits = {}
        for target, where in targets.items():
            if n != 33 and target in ("jit", "ref64") or n == 17 and target == "ref":
                continue  # the same code as ahead of time; the oracle is checked once
            out = folder + "/out.safetensors"
            run(mad, "run", *where, "all_ops", *words, "-o", out)
            got = nm.read_safetensors(out)
            for k, case in enumerate(made):
                fault = compare(f"{t} on {target}, N = {n}", case, got[f"result{k}"],
                                target == "ref64", v)
                count += 1
                if fault:
                    faults.append(fault)
            bits[target] = got
        for k, case in enumerate(made):
            name = f"result{k}"
            if "jit" in bits and bits["jit"][name][1].tobytes() != bits["aot"][name][1].tobytes():
                one, two = (np.frombuffer(bits[b][name][1].tobytes(), np.uint8) for b in ("jit", "aot"))
                at = np.flatnonzero(one != two)
                faults.append(f"{t}: {case.name} differs between memory and ahead of time in {at.size} bytes, the first "
                              f"{at[0]}: {one[at[0]]} and {two[at[0]]}")
    return faults, count


def weights(mad, folder):
    """A weight of each type, transposed; f16 widens to f32, i8 to f16."""
    stored = {t: (t, moderate(t, (2, 3), 7)) for t in nm.TYPES}
    stored |= {"wide": ("f16", moderate("f16", (2, 3), 8)), "whole": ("i8", moderate("i8", (2, 3), 9))}
    declared = {t: t for t in nm.TYPES} | {"wide": "f32", "whole": "f16"}
    nm.write_safetensors(folder + "/w.safetensors", stored)
    lines = [f'weight w_{name}: {t}[3, 2] from "w.safetensors" : "{name}" transposed'
             for name, t in declared.items()]
    results = ", ".join(f"{t}[3, 2]" for t in declared.values())
    path = folder + "/weights.mad"
    with open(path, "w") as f:
        f.write("\n".join(lines) + f"\nexport fn all_weights() -> ({results}) {{ ("
                + ", ".join(f"w_{name}" for name in declared) + ") }\n")
    run(mad, "build", path, "--name=w", "-o", folder)
    for target in ([path, "--target=ref"], [path, "--target=jit"], [folder + "/libw.so"]):
        run(mad, "run", *target, "all_weights", "-o", folder + "/out.safetensors")
        got = nm.read_safetensors(folder + "/out.safetensors")
        for k, (name, t) in enumerate(declared.items()):
            element, array = got[f"result{k}"]
            expected = stored[name][1].T.astype(nm.NUMPY[t])
            if element != t or not np.array_equal(array, expected):
                sys.exit(f"weight {name} on {target}: {array}, expected {expected}")


def main():
    mad, types = os.path.abspath(sys.argv[1]), sys.argv[2:] or TYPES
    faults, count = [], 0
    for t in types:
        with tempfile.TemporaryDirectory() as folder:
            more, compared = sweep(mad, t, folder)
        faults += more
        count += compared
    for fault in faults[:40]:
        print(fault)
    if faults:
        sys.exit(f"{len(faults)} of {count} results differ")
    with tempfile.TemporaryDirectory() as folder:
        weights(mad, folder)
    print(f"{count} results of {len(types)} types as expected")


if __name__ == "__main__":
    main()
