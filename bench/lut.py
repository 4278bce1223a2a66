#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with weights of few bits: lut.py BUILD [--shapes 4096x4096,3200x8640] [--threads 1,2] [--rows 1,8,32,256]
                                          [--formats 1/128,2/128,4/128,8/128] [--seconds S] [--cpu] [--ggml FOLDER]
       lut.py BUILD --cold 512 [--shapes ...] [--formats ...] [--cpu] [--exact no]
       lut.py BUILD --in-cache [--against BUILD] [--target x86-64-v3] [--shapes 1024x1024,2048x2048,4096x4096] [--formats 1/128,2/128,4/128,t,b]

Compares `x @ w` of a weight [K, M] of few bits, decoded exactly and with activations of 8 bits, with that of the same values in f32, with
MatMulNBits of onnxruntime (activations in f32, and of 8 bits: its `accuracy_level` 1 and 4) where Python has it, and with ggml where
`--ggml` names a folder with libggml-base.so and libggml-cpu.so. A format is `bits/group`, with `h` behind it for scales of f16, or `t` and
`b`: ternary in 2 bits and in base 3, as TQ2_0 and TQ1_0 of ggml; `d`: words of a dictionary, where 9 of 10 elements are 0; `c5` and `c5/row`: a table of
5 bits for all columns, and one for each. Calls take turns; numbers are medians, with `--least` the shortest. Gw/s: elements
of the weight times rows of x, for each second. Rounding activations, and all else that a call does, is part of its time. The first line
says what the machine reads from memory at the same time. With `--cpu` it is the time that the process had a CPU: for one
thread, where others use the machine, too.

`--cold 512` measures products alone whose weights are out of the caches, one row and thread: before each call, which comes from C (cold.c), a byte of each line of so many MiB
is read, and then x is multiplied by another weight of 64 columns, so that code and x are in the caches, as in a model. Beside the time stand bytes of the weight over it,
in percent of what a loop of loads reads in turn with the calls.

`--in-cache` measures products with activations of 8 bits alone: one row and thread, calls in a loop in C (repeat.c), the shortest of many such loops in processor
time, as weights a second and as products in a cycle of additions that wait for each other (clock.c). `--against` names another build whose calls are in turn with them.

Codes that exact products read, too, lie row by row, others with those of four rows side by side (`mad-pack-codes`): with `--exact no` there are none.

ggml is built from the sources in llama-cpp-python of PyPI, for this machine (some 5 minutes on two cores):
  pip download llama-cpp-python --no-deps --no-binary :all: -d F; tar xf F/*.tar.gz; cmake -S llama_cpp_python*/vendor/llama.cpp -B G \\
    -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DGGML_OPENMP=OFF -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TOOLS=OFF; cmake --build G -t ggml
  lut.py BUILD --ggml G/bin
"""
import argparse
import ctypes
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

import madlib

# Of about as many bits for each weight, with their scales.
OF_GGML = {"1": ["Q1_0"], "2": ["Q2_K"], "3": ["Q3_K"], "4": ["Q4_0", "Q4_K"], "8": ["Q8_0"], "t": ["TQ2_0"], "b": ["TQ1_0"]}
REPACKED = ("Q4_0", "Q4_K", "Q2_K")


class Format:
    def __init__(self, text):
        self.text = text
        self.bits, _, group = text.rstrip("h").partition("/")
        self.own = group == "row"  # a table for each column
        self.group = int(group if group.isdigit() else 256)
        self.name = "w" + text.replace("/", "_")

    def bytes(self, k, m):
        """Of codes and scales; None where it depends on the values."""
        if self.bits == "d":
            return None
        if self.bits[0] == "c":
            levels = 2 ** int(self.bits[1:])
            return k * m * int(self.bits[1:]) / 8 + 4 * levels * (m if self.own else 1)
        bits = {"t": 2, "b": 1.6}.get(self.bits) or int(self.bits)
        return k * m * bits / 8 + -(-k // self.group) * m * (2 if self.bits in "tb" or self.text.endswith("h") else 4)

    def source(self):
        return "sparse" if self.bits == "d" else "w"

    def stored(self):
        if self.bits == "d":
            return "lut.dictionary(scale = f16)"
        if self.bits[0] == "c":
            return f"lut.codebook(bits = {self.bits[1:]}" + (", group = row)" if self.own else ")")
        if self.bits in "tb":
            return "lut.ternary(group = 256, scale = f16" + (", packing = base3)" if self.bits == "b" else ")")
        half = ", scale = f16" if self.text.endswith("h") else ""
        return f"lut.int(bits = {self.bits}, group = {self.group}{half})"


def program(folder, k, m, formats, plain, exact=True, few=""):
    """Products with the weights of w.npz; `few`: a word in front of names, for the first m columns of it."""
    text = f'weight raw: f32[{k}, {m}] from "{folder}/w.npz" : "w"\n' if plain else ""
    text += f"export fn plain[T](x: f32[T, {k}]) -> f32[T, {m}] {{ x @ raw }}\n" if plain else ""
    for f in formats:
        name = few + f.name
        text += f'weight {name}: f32[{k}, {m}] from "{folder}/{few}w.npz" : "{f.source()}" as {f.stored()}\n'
        if exact:
            text += f"export fn exact_{name}[T](x: f32[T, {k}]) -> f32[T, {m}] {{ x @ {name} }}\n"
        text += f"export fn i8_{name}[T](x: f32[T, {k}]) -> f32[T, {m}] {{ x @ {name}  with activations = i8 }}\n"
    return text


def inputs(folder, k, m):
    """The activations' generator, and a weight, in a file with one of which nine of ten elements are 0."""
    rng = np.random.default_rng(2)
    w = rng.normal(size=(k, m)).astype(np.float32) * np.float32(0.1)
    # The others are of one size.
    sparse = np.where(np.abs(w) > 0.16449, np.sign(w), 0).astype(np.float32)
    np.savez(folder / "w.npz", w=w, sparse=sparse)
    return rng, w


class Onnx:
    """MatMulNBits, with weights of its own: only the time counts."""

    def __init__(self, k, m, bits, group, threads, level):
        import onnx
        import onnxruntime
        from onnx import TensorProto, helper
        rng = np.random.default_rng(1)
        codes = rng.integers(0, 256, (m, k // group, group * bits // 8)).astype(np.uint8)
        scales = rng.random(m * (k // group)).astype(np.float32)
        node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=k, N=m,
                                bits=bits, block_size=group, accuracy_level=level)
        graph = helper.make_graph(
            [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", k])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["T", m])],
            [onnx.numpy_helper.from_array(codes, "w"), onnx.numpy_helper.from_array(scales, "s")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
        model.ir_version = 8
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    def call(self, x):
        return lambda: self.session.run(None, {"x": x})


def measure(calls, seconds, clock, least=False):
    """Medians of calls in turn, or the shortest ones."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < end or len(next(iter(times.values()))) < 5:
        for name, call in calls.items():
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: (min if least else statistics.median)(t) for name, t in times.items()}


def onnx_of(k, m, formats, threads):
    """What there is of onnxruntime, by format and accuracy level."""
    found = {}
    for f in formats:
        for level in (1, 4):
            try:
                # Other bits decode the whole weight at each call.
                if f.bits in ("4", "8"):
                    found[f.text, level] = Onnx(k, m, int(f.bits), f.group, threads, level)
            except Exception:  # no onnxruntime, or no such format
                pass
    return found


def ggml_of(folder, w, formats, threads):
    """The library, and weights in its formats, those that it repacks twice."""
    import ggmllib
    lib, data = ggmllib.Ggml(folder, threads), {}
    for f in formats:
        for name in OF_GGML.get(f.bits, []):
            data[f.text, name] = lib.quantized(name, w)
    return lib, data


def ggml_calls(lib, data, k, m, x):
    calls = {}
    for (text, name), codes in data.items():
        for order in lib.orders():
            if order == "CPU" or (order == "CPU_REPACK" and name in REPACKED):
                label = name + ("" if order == "CPU" else " repacked")
                calls[text, label] = lib.product(name, codes, k, m, x, order)
    return calls


def table(took, formats, k, m, rows, plain):
    for f in formats:
        exact, i8 = took.get(("exact", f.text)), took["i8", f.text]
        line = f"{k:5} x {m:5} {rows:4} {f.text:>6} | "
        line += f"f32 {1e3 * took['plain']:.3f}, " if plain else ""
        line += f"exact {1e3 * exact:.3f}, " if exact else ""
        line += f"i8 {1e3 * i8:.3f} ({k * m * rows / i8 / 1e9:.1f})"
        for name, t in took.items():
            if name[0] == f.text:
                line += f", {name[1]} {1e3 * t:.3f} ({t / i8:.2f}x)"
        print(line, flush=True)


def run(options, folder, k, m, threads, clock):
    formats = [Format(text) for text in options.formats.split(",")]
    rng, w = inputs(folder, k, m)
    source = folder / f"m{k}x{m}.mad"
    source.write_text(program(folder, k, m, formats, options.plain, options.exact))
    model = madlib.compiled(options.build, source, folder, options.target, threads)
    big = np.ones(1 << 26, np.float32)
    read = measure({"read": lambda: big.sum()}, options.seconds, clock)["read"]
    print(f"{threads} threads, {model.variant()}; NumPy reads {big.nbytes / read / 1e9:.1f} GB/s on one")
    onnx = {} if options.alone else onnx_of(k, m, formats, threads)
    lib, data = ggml_of(options.ggml, w, formats, threads) if options.ggml else (None, {})
    for rows in (int(n) for n in options.rows.split(",")):
        x = rng.normal(size=(rows, k)).astype(np.float32)
        y = np.empty((rows, m), np.float32)
        calls = {"plain": model.entry("plain", [x], [y])} if options.plain else {}
        for f in formats:
            for kind in ("exact", "i8") if options.exact else ("i8",):
                calls[kind, f.text] = model.entry(f"{kind}_{f.name}", [x], [y])
        for (text, level), session in onnx.items():
            calls[text, f"onnxruntime level {level}"] = session.call(x)
        calls.update(ggml_calls(lib, data, k, m, x) if lib else {})
        table(measure(calls, options.seconds, clock, options.least), formats, k, m, rows, options.plain)
    model.close()


def library(folder, name):
    """One of the C files here."""
    subprocess.run(["clang-22", "-O2", "-march=native", "-shared", "-fPIC", pathlib.Path(__file__).parent / f"{name}.c", "-o",
                    folder / f"{name}.so"], check=True)
    return ctypes.CDLL(str(folder / f"{name}.so"))


class Arguments(ctypes.Structure):
    """Those of a call, as cold.c has them."""
    _fields_ = [("context", ctypes.c_void_p), ("entry", ctypes.c_int32), ("inputs", ctypes.c_void_p), ("inputCount", ctypes.c_int32),
                ("outputs", ctypes.c_void_p), ("outputCount", ctypes.c_int32)]

    @staticmethod
    def of(call):
        context, entry, taken, inputs, given, outputs = call.arguments
        return Arguments(context, entry, ctypes.cast(taken, ctypes.c_void_p), inputs, ctypes.cast(given, ctypes.c_void_p), outputs)


def out_of_cache(options, folder, k, m):
    """Medians of calls in turn, behind a sweep through other memory each."""
    lib = library(folder, "cold")
    lib.coldCall.restype = lib.coldRead.restype = ctypes.c_double
    formats = [Format(text) for text in options.formats.split(",")]
    rng, _ = inputs(folder, k, m)
    x = rng.normal(size=(1, k)).astype(np.float32)
    y, first = np.empty((1, m), np.float32), np.empty((1, 64), np.float32)
    np.savez(folder / "few_w.npz", **{name: array[:, :64] for name, array in np.load(folder / "w.npz").items()})
    source = folder / f"o{k}x{m}.mad"
    source.write_text("".join(program(folder, k, n, formats, False, options.exact, few) for n, few in ((m, ""), (64, "few_"))))
    model = madlib.compiled(options.build, source, folder, options.target, 1)
    other, sample = np.ones(options.cold << 18, np.float32), np.ones(1 << 24, np.float32)
    sample = sample[-sample.ctypes.data // 4 % 16:][:len(sample) - 128]
    swept = (ctypes.c_void_p(other.ctypes.data), ctypes.c_size_t(other.nbytes), int(options.cpu))
    read = (ctypes.c_void_p(sample.ctypes.data), ctypes.c_size_t(sample.nbytes))
    kinds = [(f, kind) for f in formats for kind in ("exact", "i8")[not options.exact:]]
    calls = {(f, kind): (model.entry(f"{kind}_{f.name}", [x], [y]), model.entry(f"{kind}_few_{f.name}", [x], [first])) for f, kind in kinds}
    times, rates = {key: [] for key in calls}, []
    end = time.perf_counter() + options.seconds * len(calls)
    while time.perf_counter() < end or len(rates) < 5:
        rates.append(sample.nbytes / lib.coldRead(*read, *swept))
        for key, (call, like) in calls.items():
            times[key].append(lib.coldCall(call.function, ctypes.byref(Arguments.of(call)), ctypes.byref(Arguments.of(like)), *swept))
            if times[key][-1] < 0:
                raise RuntimeError("a call failed")
    rate = statistics.median(rates)
    print(f"{k} x {m}, {model.variant()}, {rate / 1e9:.1f} GB/s", flush=True)
    for (f, kind), taken in times.items():
        t = statistics.median(taken)
        part = f.bytes(k, m) and f", {f.bytes(k, m) / t / 1e9:.2f} GB/s ({100 * f.bytes(k, m) / t / rate:.0f} %)"
        print(f"  {f.text:>6} | {kind} {1e3 * t:.3f} ms{part or ''}", flush=True)
    model.close()


def in_cache(options, folder, k, m):
    """Calls in C, in turns, those of the other build, too: the shortest of each."""
    library(folder, "repeat")
    cycle = library(folder, "clock").cycle
    cycle.restype, cycle.argtypes = ctypes.c_double, [ctypes.c_long]
    formats = [Format(text) for text in options.formats.split(",")]
    rng, _ = inputs(folder, k, m)
    x, y = rng.normal(size=(1, k)).astype(np.float32), np.empty((1, m), np.float32)
    builds = [options.build] + ([options.against] if options.against else [])
    models, calls = [], {}
    for number, build in enumerate(builds):
        part = folder / f"{number}"
        part.mkdir(exist_ok=True)
        source = part / f"c{k}x{m}.mad"
        source.write_text(program(folder, k, m, formats, plain=False, exact=options.exact))
        models.append(madlib.compiled(build, source, part, options.target, 1))
        for f in formats:
            calls[f, number] = models[-1].entry(f"i8_{f.name}", [x], [y], str(folder / "repeat.so"))
    times, clock = {key: [] for key in calls}, []
    # Some milliseconds each, so that few of them are interrupted by others.
    many = max(1, 2 ** 27 // (k * m))
    for call in calls.values():
        call.many(many)
    end = time.perf_counter() + options.seconds * len(calls)
    while time.perf_counter() < end or len(clock) < 5:
        clock.append(cycle(5000))
        for key, call in calls.items():
            start = time.thread_time()
            call.many(many)
            times[key].append((time.thread_time() - start) / many)
    print(f"{k} x {m}, {models[0].variant()}, {1e-9 / min(clock):.2f} GHz", flush=True)
    for f in formats:
        least = [min(times[f, number]) for number in range(len(builds))]
        text = [f"{k * m / t / 1e9:.1f} Gw/s, {k * m * min(clock) / t:.1f} a cycle" for t in least]
        ratios = [a / b for a, b in zip(times[f, len(builds) - 1], times[f, 0])]
        print(f"  {f.text:>6} | {text[0]}" + (f"; against {text[1]} ({least[1] / least[0]:.2f}x as long, in the middle "
                                             f"{statistics.median(ratios):.2f}x)" if options.against else ""), flush=True)
    for model in models:
        model.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    for name, default in (("shapes", None), ("threads", None), ("rows", None), ("formats", None)):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--target")
    parser.add_argument("--ggml", type=pathlib.Path, help="folder of libggml-cpu.so")
    parser.add_argument("--alone", action="store_true", help="without onnxruntime")
    parser.add_argument("--plain", action="store_true", help="with the product in f32")
    parser.add_argument("--least", action="store_true", help="the shortest call instead of the median")
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--cold", type=int, default=0, help="MiB that are read before each call")
    parser.add_argument("--in-cache", action="store_true", help="products with activations of 8 bits alone, called in C")
    parser.add_argument("--exact", choices=("yes", "no"), help="whether exact products read the weights, too; with --in-cache they do not")
    parser.add_argument("--against", type=pathlib.Path, help="another build, with --in-cache")
    options = parser.parse_args()
    options.shapes = options.shapes or ("1024x1024,2048x2048,4096x4096" if options.in_cache else "4096x4096,3200x8640,384x1536")
    options.formats = options.formats or ("1/128,2/128,4/128,t,b" if options.in_cache else "1/128,2/128,4/128,8/128")
    options.exact = options.exact == "yes" or (not options.exact and not options.in_cache)
    options.threads = options.threads or "1,2"
    options.rows = options.rows or "1,8,32,256"
    clock = time.process_time if options.cpu else time.perf_counter
    with tempfile.TemporaryDirectory() as name:
        for shape in options.shapes.split(","):
            k, m = (int(n) for n in shape.split("x"))
            if options.in_cache or options.cold:
                (in_cache if options.in_cache else out_of_cache)(options, pathlib.Path(name), k, m)
                continue
            for threads in (int(n) for n in options.threads.split(",")):
                run(options, pathlib.Path(name), k, m, threads, clock)


if __name__ == "__main__":
    main()
