"""Cases of sweep.py that move numbers or add them in a stated order, for all types, bool too.

Their results are defined to the bit: each step of a cumulated sum or of a scattered update is
computed in f32 (f64, integers) and rounded to the element type, one after the other.
"""
import numpy as np

import numbers_of_mad as nm


class Case:
    """One result of the entry: its text in the program, its type and what is expected."""

    def __init__(self, name, text, element, expected, bound=0, slack=None, oracle=None):
        self.name, self.text, self.element = name, text, element
        self.expected = expected  # before it is rounded to the type
        self.bound = bound  # 0: the nearest number
        self.slack = slack  # absolute, beside half a unit
        self.oracle = expected if oracle is None else oracle  # when nothing is rounded


def order(value):
    """NaN above all; -0 and +0 are equal."""
    return (value != value, 0 if value != value else value)


def sort_line(line, descending):
    """Positions in a stable order."""
    values = line.tolist()
    return sorted(range(len(values)), key=lambda k: order(values[k]), reverse=descending)


def positions(array, axis, descending=False):
    if not array.size:
        return np.zeros(array.shape, np.int64)
    return np.apply_along_axis(lambda line: np.array(sort_line(line, descending), np.int64), axis, array)


def smaller(a, b):
    return a if a != a else b if b != b else min(a, b)


def larger(a, b):
    return a if a != a else b if b != b else max(a, b)


STEPS = {"sum": lambda a, b: a + b, "prod": lambda a, b: a * b, "max": larger, "min": smaller}


def step(t, kind, a, b, rounded=True):
    """Of two numbers of the type."""
    with np.errstate(all="ignore"):
        value = STEPS[kind](a, b)
    if t in nm.INTEGERS:
        return nm.wrap(t, int(value))
    # The sum and the product of two f32 are rounded to f32 as well by way of f64.
    return nm.round_one(t, float(value)) if rounded else float(value)


def numbers(t, array):
    """Python's numbers, of floats NumPy's f64, whose overflow is infinite."""
    return [np.float64(v) for v in array.tolist()] if t in nm.FLOATS else array.tolist()


def cumulated(t, kind, array, axis, rounded=True):
    result = np.array(array, np.float64 if t in nm.FLOATS else nm.NUMPY[t])
    lines = np.moveaxis(result, axis, -1)
    for at in np.ndindex(lines.shape[:-1]):
        line = numbers(t, lines[at])
        for k in range(1, len(line)):
            line[k] = step(t, kind, line[k - 1], line[k], rounded)
        lines[at] = line
    return result


def scattered(t, kind, base, at, updates, rounded=True):
    result = numbers(t, base)
    for place, update in zip(at.tolist(), numbers(t, updates)):
        result[place] = update if kind == "set" else step(t, kind, result[place], update, rounded)
    return np.array(result, np.float64 if t in nm.FLOATS else nm.NUMPY[t])


SCATTERS = {"scatter_set": "set", "scatter_add": "sum", "scatter_max": "max", "scatter_min": "min"}


def sorting(t, v):
    x, d = v["x"], v["d"]
    for name, axis, down in (("sort", 1, False), ("sort", 0, True), ("sort", 1, True)):
        at = positions(d, axis, down)
        text = f"(d, axis = {axis}, descending = {str(down).lower()})"
        yield Case(f"sort {axis} {down}", "sort" + text, t, np.take_along_axis(d, at, axis))
        yield Case(f"argsort {axis} {down}", "argsort" + text, "i64", at)
    at = positions(d, 0, True)[:2]
    yield Case("top_k", "best_", t, np.take_along_axis(d, at, 0))
    yield Case("places of top_k", "places_", "i64", at)
    at = positions(d, 0)[:1]
    yield Case("least", "least_", t, np.take_along_axis(d, at, 0))


def cumulating(t, v):
    for kind in STEPS:
        for name, axis in (("e", 1), ("e", 2), ("x", 0)):
            yield Case(f"cum{kind} {name} {axis}", f"cum{kind}({name}, axis = {axis})", t,
                       cumulated(t, kind, v[name], axis),
                       oracle=cumulated(t, kind, v[name], axis, False))


def scattering(t, v):
    x, b, q = v["x"], v["b"], v["q"]
    for name, kind in SCATTERS.items():
        if t != "bool" or kind == "set":
            yield Case(name, f"{name}(b, q, x)", t, scattered(t, kind, b, q, x),
                       oracle=scattered(t, kind, b, q, x, False))
    rows = v["h"].copy()
    rows[v["i"]] = v["h"]
    yield Case("scattered rows", "scatter_set(h, i, h)", t, rows)


def parts(t, v):
    x, y, e, g, h, s, i, q = (v[k] for k in "xyeghsiq")
    n = x.size
    yield Case("take", "take(x, i)", t, x[i] if n else x)
    yield Case("take axis 2", "take(e, q % 3, axis = 2)", t, np.take(e, q % 3, axis=2))
    yield Case("concat 1", "concat(e, e, axis = 1)", t, np.concatenate([e, e], 1))
    yield Case("concat 2", "concat(h, h[:, 1..3], axis = 1)", t, np.concatenate([h, h[:, 1:3]], 1))
    yield Case("padded", "padded_", t, np.concatenate([np.zeros(2, x.dtype), x, np.zeros(2, x.dtype)]))
    for order_ in ((1, 0, 2), (0, 2, 1), (2, 1, 0)):
        text = ", ".join(map(str, order_))
        yield Case(f"transpose {text}", f"transpose(e, {text})", t, np.transpose(e, order_))
    yield Case("transpose", "transpose(g)", t, g.T)
    yield Case("diagonal", "diagonal_", t, np.array([e[k % 2, k, k % 3] for k in range(n)], x.dtype))
    yield Case("broadcast", "broadcast(x, [2, N])", t, np.broadcast_to(x, (2, n)))
    yield Case("full", "full([3, N], s)", t, np.broadcast_to(s, (3, n)))
    literal = {"bool": "true"}.get(t, "1.5" if t in nm.FLOATS else "100")
    yield Case("literal", f"full([N], {literal})", t,
               np.full(n, {"true": True, "1.5": 1.5, "100": 100}[literal], x.dtype))
    yield Case("shapes", "reshape(transpose(e, 2, 0, 1), [6 * N])", t, np.transpose(e, (2, 0, 1)).reshape(-1))
    update = x.copy()
    update[::2] = y[::2]
    yield Case("update", "x with [0..N by 2] = y[0..N by 2]", t, update)
    update = e.copy()
    update[1, :, 0], update[:, :, 2] = x, s
    yield Case("updates", "e with [1, :, 0] = x with [:, :, 2] = s", t, update)
    equal = bool(np.all(x == y))
    yield Case("if", "if all(x == y) { x } else { x[0..N] with [0..N by 2] = y[0..N by 2] }", t,
               x if equal else np.where(np.arange(n) % 2 == 0, y, x))
    yield Case("scan", "scan a = x over k in 0..3 { select(y == y, y, a) }", t, np.where(y == y, y, x))
    yield Case("iterate", "iterate a = x while any(a != y) max 2 { y }", t, y if n else x)


def data(t, v):
    groups = [sorting, scattering, parts] + ([] if t == "bool" else [cumulating])
    for group in groups:
        yield from group(t, v)


def bools(t, v):
    x, y, e = v["x"], v["y"], v["e"]
    yield Case("and", "x and y", t, x & y)
    yield Case("or", "x or y", t, x | y)
    yield Case("not", "not x", t, ~x)
    yield Case("==", "x == y", t, x == y)
    yield Case("!=", "x != y", t, x != y)
    for axis in (0, 1, 2):
        yield Case(f"all {axis}", f"all(e, axis = {axis})", t, np.all(e, axis))
        yield Case(f"any {axis}", f"any(e, axis = {axis})", t, np.any(e, axis))
    yield Case("all", "all(e)", t, np.all(e))
    yield Case("any", "any(e)", t, np.any(e))
