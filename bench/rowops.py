#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Measures ops along rows, elementwise functions and attention, on one thread.

usage: bench/rowops.py [--build FOLDER] [--most N] [--only WORD] [--target LIST]

NumPy is compared always, torch and onnxruntime where this Python has them. Times are
CPU time of the thread, the best of rounds that take the libraries in turn. "in C" is
mad called from C, as a compiled model mostly is, not by way of Python; of the libraries
there is no such figure.

The limit is the larger of two, measured in the run: reading and writing as many elements
(limits.c, whichever caches or memory they fit), and the instructions of the function with
AVX-512 where none waits for another (mix.c).
"""
import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from others import np, onnx_call, onnxruntime, torch, versions

from madlib import compiled
from run import build_limits

ENTRIES = {"exp": "exponential", "tanh": "tangent"}
HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def best(calls, budget=0.4):
    """The shortest time of each call, {name: seconds}."""
    times = {}
    for name, call in calls.items():
        call()
        start = time.thread_time()
        call()
        times[name] = max(time.thread_time() - start, 1e-7)
    rounds = {n: max(1, int(1e-3 / t)) for n, t in times.items()}
    end = time.perf_counter() + budget * len(calls)
    turns = 0
    while turns < 3 or (time.perf_counter() < end and turns < 200):
        for name, call in calls.items():
            many = getattr(call, "many", None)
            start = time.thread_time()
            if many:
                many(rounds[name])
            else:
                for _ in range(rounds[name]):
                    call()
            times[name] = min(times[name], (time.thread_time() - start) / rounds[name])
        turns += 1
    return times


#===-- What the others do ---------------------------------------------------===#

def np_softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    e /= e.sum(axis=-1, keepdims=True)
    return e


def np_layer_norm(x):
    c = x - x.mean(axis=-1, keepdims=True)
    c *= 1 / np.sqrt((c * c).mean(axis=-1, keepdims=True) + np.float32(1e-5))
    return c


def np_gelu(x):
    # NumPy has no erf: the form with tanh, which takes about as long.
    return 0.5 * x * (1 + np.tanh(0.79788456 * (x + 0.044715 * x * x * x)))


NUMPY = {"softmax": np_softmax, "layer_norm": np_layer_norm, "gelu": np_gelu,
         "gelu_tanh": np_gelu, "exp": np.exp, "tanh": np.tanh}


def torch_ops():
    f = torch.nn.functional
    return {"softmax": lambda x: torch.softmax(x, -1),
            "layer_norm": lambda x: f.layer_norm(x, x.shape[-1:]), "gelu": f.gelu,
            "gelu_tanh": lambda x: f.gelu(x, approximate="tanh"), "exp": torch.exp, "tanh": torch.tanh}


def onnx_model(op, width):
    """A model of one op, of the opset that has it."""
    # Written by hand, so that the package onnx is not needed: fields of protobuf.
    def field(number, value):
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        return varint(number << 3 | 2) + varint(len(value)) + value

    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])

    def value(name):
        shape = b"".join(field(1, field(2, d)) for d in (b"B", b"N"))
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, shape)))

    kind = {"softmax": b"Softmax", "layer_norm": b"LayerNormalization", "gelu": b"Gelu",
            "gelu_tanh": b"Gelu", "exp": b"Exp", "tanh": b"Tanh"}[op]
    node = field(1, b"x") + (field(1, b"g") if op == "layer_norm" else b"") + field(2, b"y")
    node += field(4, kind)
    if op == "gelu_tanh":
        node += field(5, field(1, b"approximate") + field(4, b"tanh") + field(20, 3))
    graph = field(1, node) + field(2, b"g")
    if op == "layer_norm":
        graph += field(5, field(1, width) + field(2, 1) + field(8, b"g") +
                       field(9, np.ones(width, np.float32).tobytes()))
    graph += field(11, value(b"x")) + field(12, value(b"y"))
    return field(1, 9) + field(7, graph) + field(8, field(1, b"") + field(2, 20))


#===-- Limits ---------------------------------------------------------------===#

class Limits:
    def __init__(self, folder):
        self.memory, self.bytes = build_limits(folder), {}
        subprocess.run(["clang-22", "-O2", "-shared", "-fPIC", str(HERE / "repeat.c"), "-o",
                        str(folder / "repeat.so")], check=True)
        self.repeat = str(folder / "repeat.so")
        subprocess.run(["clang-22", "-O2", "-march=native", str(HERE / "mix.c"), "-o",
                        str(folder / "mix")], check=True)
        lines = subprocess.run([folder / "mix"], check=True, capture_output=True, text=True)
        self.mix = {n: float(t) * 1e-9 for n, t in map(str.split, lines.stdout.splitlines())}

    def of(self, op, count):
        """The seconds that an element takes at least, and what bounds it."""
        if count not in self.bytes:
            repeats = str(max(5, min(1000, 10**8 // count)))
            out = subprocess.run([self.memory, str(count), repeats], check=True,
                                 capture_output=True, text=True).stdout
            rows = [line.split() for line in out.splitlines()]
            best = max(float(r[4]) for r in rows if r[0] in ("copy", "scale") and r[2] == "1")
            self.bytes[count] = 8e-9 / best
        memory, mix = self.bytes[count], self.mix.get(op, 0)
        return (mix, "instructions") if mix > memory else (memory, "bytes")


#===-- Measurements ---------------------------------------------------------===#

def show(title, times, count, unit, limit=None):
    mad = times["mad"]
    others = "  ".join(f"{n} {t / mad:5.2f}x" for n, t in times.items() if n[:3] != "mad")
    share = ""
    if limit:
        own = times["mad in C"]
        share = (f"  in C {own / count * 1e9:6.3f} ns, {limit[0] * count / own:4.0%} of the limit"
                 f" ({limit[1]})")
    print(f"{title:24} {mad * 1e6:10.2f} us  {mad / count * 1e9:7.3f} ns/{unit}  {others}{share}",
          flush=True)


def rowops(model, most, only, limits):
    rng = np.random.default_rng(1)
    for op in NUMPY:
        if only and not any(word in op for word in only.split(",")):
            continue
        for power in range(3, 9):
            if 10**power > most:
                continue
            # Rows as models have them; one of a thousand elements has the shortest.
            width = {3: 100, 4: 100}.get(power, 1000)
            x = rng.standard_normal((10**power // width, width), dtype=np.float32)
            out = np.empty_like(x)
            calls = {"mad": model.entry(ENTRIES.get(op, op), [x], [out]), "numpy": lambda: NUMPY[op](x)}
            calls["mad"]()
            calls["mad in C"] = model.entry(ENTRIES.get(op, op), [x], [out], limits.repeat)
            assert op == "gelu" or np.allclose(out, NUMPY[op](x), atol=1e-5), op
            if torch:
                tensor, function = torch.from_numpy(x), torch_ops()[op]
                calls["torch"] = lambda: function(tensor)
            if onnxruntime:
                calls["onnxruntime"] = onnx_call(onnx_model(op, width), x, out)
            show(f"{op} {x.shape[0]} x {width}", best(calls), x.size, "element",
                 limits.of(op, x.size))


def attention(model, only):
    if only and only not in "attention":
        return
    rng = np.random.default_rng(2)
    for entry in ("attention", "causal"):
        for tokens in (64, 128, 256, 512):
            q, k, v = (rng.standard_normal((12, tokens, 64), dtype=np.float32) for _ in range(3))
            out = np.empty_like(q)
            calls = {"mad": model.entry(entry, [q, k, v], [out])}
            calls["mad"]()
            scores = np.einsum("hqd,hkd->hqk", q, k) / 8
            if entry == "causal":
                scores[:, np.triu(np.ones((tokens, tokens), bool), 1)] = -np.inf
            assert np.allclose(out, np_softmax(scores) @ v, atol=1e-4)
            if torch:
                args = [torch.from_numpy(a)[None] for a in (q, k, v)]
                sdpa = torch.nn.functional.scaled_dot_product_attention
                calls["torch"] = lambda: sdpa(*args, is_causal=entry == "causal")
            times = best(calls)
            # Two contractions; a causal one is counted in full as well.
            work = 4 * 12 * tokens * tokens * 64
            show(f"{entry} 12 x {tokens} x 64", times, 12 * tokens * tokens, "score")
            print(f"{'':28} {work / times['mad'] / 1e9:11.1f} GFLOP/s of the contractions")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--most", type=float, default=1e8, help="elements")
    parser.add_argument("--only", default="", help="parts of the names of the ops, with commas")
    parser.add_argument("--target", default="x86-64-v3", help="the variant of the code")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = compiled(options.build, HERE / "rowops.mad", folder, options.target)
        print(f"variant {model.variant()}; {versions()}")
        rowops(model, options.most, options.only, Limits(folder))
        attention(model, options.only)


if __name__ == "__main__":
    main()
