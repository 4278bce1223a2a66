#!/usr/bin/env python3
"""Calls compiled code on tensors that touch pages nobody may read: guarded.py MAD [FILE.mad ...]

Each tensor of a call, each weight and the scratch memory lies once at the end of its pages and once at
their start, with a page in front and one behind that end the program when they are touched: a vector that
reads or writes one element too many is seen, which checks of results cannot. All levels of code that this
machine runs are called, with the functions of the artifact itself (runtime/artifact.h). Results
must have the bits of the same call in ordinary memory, with other bytes in fresh memory and the
pieces of loops in another order.

Without files: products, convolutions, rows, moves and small types over a ladder of sizes. With files: their
lines `EXECUTE: entry name=VALUE ...`. Weights and scratch memory are aligned to 64 bytes, so up to
63 bytes behind them can be read unseen; those hold NaN, and must be as they were after the call.
"""
import ctypes
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

PAGE = os.sysconf("SC_PAGE_SIZE")
DTYPES = [np.float32, np.float64, np.int32, np.int64, np.bool_, np.float16, np.uint16, np.int8, np.uint8]
BFLOAT = 6  # has no type in NumPy: its bits
C, I32, I64, PTR = ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p


def structure(name, *fields):
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


# Those of runtime/mad.h and runtime/artifact.h.
Task = ctypes.CFUNCTYPE(None, PTR, I64)
ParallelFor = ctypes.CFUNCTYPE(None, PTR, I64, Task, PTR)
Executor = structure("Executor", ("parallel_for", ParallelFor), ("user", PTR))
Prepare = ctypes.CFUNCTYPE(I32, *[ctypes.POINTER(I64)] * 5)
Run = ctypes.CFUNCTYPE(I32, ctypes.POINTER(PTR), ctypes.POINTER(I64), PTR, ctypes.POINTER(I64),
                       ctypes.POINTER(Executor))
Value = structure("Value", ("name", C), ("dtype", I32), ("rank", I32), ("dims", ctypes.POINTER(C)), ("state", I32))
Info = structure("Info", ("name", C), ("doc", C), ("num_dims", I32), ("dims", ctypes.POINTER(C)),
                 ("num_inputs", I32), ("inputs", ctypes.POINTER(Value)),
                 ("num_outputs", I32), ("outputs", ctypes.POINTER(Value)))
Entry = structure("Entry", ("info", Info), ("prepare", ctypes.POINTER(Prepare)), ("run", ctypes.POINTER(Run)), ("num_weights", I32),
                  ("weights", ctypes.POINTER(I32)), ("num_checks", I32), ("checks", PTR),
                  ("num_prepare_checks", I32), ("num_device_weights", I32),
                  ("device_weights", ctypes.POINTER(I32)))
Weight = structure("Weight", ("name", C), ("source", C), ("dtype", I32), ("rank", I32), ("shape", PTR),
                   ("transposed", I32), ("panel", I32), ("axis", I32), ("weave", I32), ("bound", I32), ("computed", I32),
                   ("widened", I32), ("data", PTR), ("bytes", ctypes.c_uint64), ("checksum", ctypes.c_uint64))
Variant = structure("Variant", ("name", C), ("level", I32), ("device", I32), ("features", ctypes.c_uint64),
                    ("num_kernels", I32), ("num_images", I32), ("kernels", PTR), ("images", PTR))
Artifact = structure("Artifact", ("magic", ctypes.c_uint64), ("abi", ctypes.c_uint32), ("size", ctypes.c_uint32),
                     ("name", C), ("compiler", C), ("manifest", C), ("weights_file", C), ("num_variants", I32),
                     ("variants", ctypes.POINTER(Variant)), ("num_entries", I32),
                     ("entries", ctypes.POINTER(Entry)), ("num_weights", I32), ("weights", ctypes.POINTER(Weight)))

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = PTR
libc.mmap.argtypes = [PTR, ctypes.c_size_t, I32, I32, I32, I64]
libc.mprotect.argtypes = [PTR, ctypes.c_size_t, I32]
libc.munmap.argtypes = [PTR, ctypes.c_size_t]


class Memory:
    """Tensors of one call. `edge`: "end", "start", or "" for ordinary memory."""

    def __init__(self, edge):
        self.edge, self.maps, self.kept, self.slack = edge, [], [], []

    def place(self, data, align=1):
        """The address of a copy."""
        if not self.edge:
            base = (ctypes.c_char * (len(data) + 64))()
            self.kept.append(base)
            at = (ctypes.addressof(base) + 63) // 64 * 64
        else:
            size = max(1, -(-len(data) // PAGE)) * PAGE
            whole = libc.mmap(None, size + 2 * PAGE, 3, 0x22, -1, 0)  # PROT_READ | PROT_WRITE, private, of nothing
            if whole in (None, ctypes.c_void_p(-1).value):
                sys.exit("no memory")
            for guard in whole, whole + PAGE + size:
                if libc.mprotect(guard, PAGE, 0):
                    sys.exit("no guard")
            self.maps.append((whole, size + 2 * PAGE))
            at = whole + PAGE
            if self.edge == "end":
                at += (size - len(data)) // align * align
                behind = whole + PAGE + size - at - len(data)
                ctypes.memset(at + len(data), 0xFF, behind)
                self.slack.append((at + len(data), behind))
        ctypes.memmove(at, data, len(data))
        return at

    def close(self):
        for at, size in self.slack:
            if ctypes.string_at(at, size) != b"\xff" * size:
                sys.exit("bytes behind a tensor were written")
        for at, size in self.maps:
            libc.munmap(at, size)


class Library:
    def __init__(self, path):
        self.artifact = Artifact.in_dll(ctypes.CDLL(path), "mad_artifact_v1")
        with open("/proc/cpuinfo") as file:
            flags = set(re.search(r"^flags\s*:(.*)$", file.read(), re.M)[1].split())
        needs = {0: set(), 3: {"avx2", "fma"}, 4: {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}}
        self.variants = [v for v in range(self.artifact.num_variants)
                         if needs[self.artifact.variants[v].level] <= flags]
        self.entries = {self.artifact.entries[i].info.name.decode(): self.artifact.entries[i]
                        for i in range(self.artifact.num_entries)}

    def call(self, entry, variant, inputs, edge):
        """Returns the code and the bytes of the results."""
        info, memory = entry.info, Memory(edge)
        extents = (I64 * 256)(*[n for x in inputs for n in x.shape])
        dims, results, arena, found = (I64 * 256)(), (I64 * 256)(), I64(), (I64 * 2)()
        code = entry.prepare[variant](extents, dims, results, ctypes.byref(arena), found)
        if code:
            return code, []
        data = [memory.place(x.tobytes()) for x in inputs]
        sizes, at = [], 0
        for o in range(info.num_outputs):
            value = info.outputs[o]
            shape = results[at:at + value.rank]
            at += value.rank
            sizes.append(int(np.prod(shape, dtype=np.int64)) * np.dtype(DTYPES[value.dtype]).itemsize)
            fresh = bytes([0xEE if edge else 0x11]) * sizes[-1]
            data.append(data[value.state - 1] if value.state else memory.place(fresh))
        outputs = data[len(inputs):]
        for w in range(entry.num_weights):
            weight = self.artifact.weights[entry.weights[w]]
            data.append(memory.place(ctypes.string_at(weight.data, weight.bytes), 64))
        scratch = memory.place(bytes([0xFF if edge else 0]) * arena.value, 64)

        def pieces(user, count, task, payload):
            for number in reversed(range(count)) if edge else range(count):
                task(payload, number)

        executor = Executor(ParallelFor(pieces), None)
        code = entry.run[variant]((PTR * max(1, len(data)))(*data), dims, scratch, found, ctypes.byref(executor))
        bytes_of = [ctypes.string_at(a, n) for a, n in zip(outputs, sizes)]
        memory.close()
        return code, [] if code else bytes_of


def draw(rng, value, shape, kind):
    dtype = DTYPES[value.dtype]
    if kind == "zero":
        return np.zeros(shape, dtype)
    if value.dtype == BFLOAT:
        return (rng.standard_normal(shape).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16).reshape(shape)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(shape).astype(dtype).reshape(shape)
    low, high = {"b": (0, 2), "u": (0, 256)}.get(np.dtype(dtype).kind, (-128, 128) if dtype == np.int8 else (0, 3))
    return rng.integers(low, high, shape).astype(dtype).reshape(shape)


def inputs_of(entry, case, rng):
    """Arrays for a case; nothing where its values are not of the simple kinds."""
    sizes, given, result = dict(case["dims"]), {}, []
    for i in range(entry.info.num_inputs):
        value = entry.info.inputs[i]
        text = case["values"].get(value.name.decode())
        if text is None:
            return None
        labels = [value.dims[d].decode() for d in range(value.rank)]
        if text != "zero" and not text.startswith("random:"):
            if value.dtype == BFLOAT:
                return None
            try:
                given[i] = np.array(json.loads(text), DTYPES[value.dtype])
            except (ValueError, OverflowError):
                return None
            if given[i].ndim != value.rank:
                return None
            sizes.update((l, n) for l, n in zip(labels, given[i].shape) if l.isidentifier())
    for i in range(entry.info.num_inputs):
        value = entry.info.inputs[i]
        try:
            shape = [eval(case["sizes"].get(l, l).replace("/", "//"), {}, sizes)
                     for l in (value.dims[d].decode() for d in range(value.rank))]
        except (NameError, ZeroDivisionError):
            return None
        if any(n < 0 for n in shape) or np.prod(shape, dtype=float) > 1e6:
            return None
        kind = case["values"][value.name.decode()]
        result.append(given[i] if i in given else draw(rng, value, shape, kind))
    return result


def child(path, cases, progress):
    library, rng, calls, skipped = Library(path), np.random.default_rng(1), 0, 0
    manifest = json.loads(library.artifact.manifest)
    with open(progress, "w") as log:
        for case in json.load(open(cases)):
            entry = library.entries[case["entry"]]
            case["sizes"] = static_sizes(manifest, case["entry"])
            inputs = inputs_of(entry, case, rng)
            if inputs is None:
                skipped += 1
                continue
            for variant in library.variants:
                name = library.artifact.variants[variant].name.decode()
                expected = library.call(entry, variant, inputs, "")
                for edge in "end", "start":
                    log.seek(0)
                    log.write(f"{case['text']} on {name}, tensors at the {edge} of their pages\n")
                    log.truncate()
                    log.flush()
                    if library.call(entry, variant, inputs, edge) != expected:
                        sys.exit("the results differ from those in ordinary memory")
                    calls += 1
    print(calls, skipped)


def static_sizes(manifest, entry):
    """Names of dimensions that are numbers."""
    sizes = {}
    for e in manifest["entries"]:
        if e["name"] == entry:
            for value in e["inputs"]:
                sizes.update((l, str(n)) for l, n in zip(value["dims"], value["sizes"]) if isinstance(n, int) and n >= 0)
    return sizes


def of_files(paths):
    for path in paths:
        cases = []
        with open(path) as file:
            for line in re.findall(r"^// EXECUTE(?:-EXACT)?: (.*)$", file.read(), re.M):
                entry, *words = line.split()
                dims, values = {}, {}
                for before, word in zip([""] + words, words):
                    key, _, text = word.replace("--dim=", "").partition("=")
                    if before == "--dim" or word.startswith("--dim="):
                        dims[key] = int(text)
                    elif word != "--dim" and key not in ("rtol", "atol"):
                        values[key] = text
                cases.append({"entry": entry, "dims": dims, "values": values,
                              "text": f"{os.path.basename(path)}: {line}"})
        if cases:
            yield path, cases


LADDER = """use std.nn
weight table: f32[37, 19] = sin(f32(reshape(iota(37 * 19), [37, 19])))
weight scale: f32[37] = cos(f32(iota(37)))
export fn known[M](x: f32[M, 37]) -> f32[M, 19] { (x * scale) @ table }
export fn vector[N](x: f32[N], y: f32[N]) -> (f32, f32[N]) { (sum(x * y), exp(x) - y) }
export fn kinds[N](a: f16[N], b: bf16[N], c: i8[N], d: u8[N]) -> (f16[N], bf16[N], i8[N], u8[N], f32) {
  (a + a, b * b, c + c, d + d, sum(f32(a) + f32(b) + f32(c) + f32(d)))
}
export fn matrix[M, N](x: f32[M, N]) -> f32[N, M] { transpose(x) }
export fn swapped[B, M, N](x: f64[B, M, N]) -> f64[M, B, N] { transpose(x, 1, 0, 2) }
export fn halves[M, N](x: f16[M, N]) -> f16[N, M] { transpose(x) }
export fn rows[M, N](x: f32[M, N]) -> f32[M, N] { nn.softmax(x, axis = 1) }
export fn columns[M, N](x: f32[M, N]) -> f32[M, N] { nn.softmax(x, axis = 0) }
export fn normal[M, N](x: f32[M, N], g: f32[N], b: f32[N]) -> f32[M, N] { nn.layer_norm(x, g, b) }
export fn sums[M, N](x: f64[M, N]) -> (f64[M], f64[N]) { (sum(x, axis = 1), max(x, axis = 0)) }
export fn reversed[M, N](x: f32[M, N]) -> f32[M, N] { let y[i, j] = x[M - 1 - i, N - 1 - j]
  y }
export fn steps[M, N](x: f32[M, N]) -> f32[(M + 1) / 2, (N + 2) / 3] { x[.. by 2, .. by 3] }
export fn heat[M, N](u: f32[M, N]) -> f32[M, N] {
  let y[i, j] = u[i-1, j] + u[i+1, j] + u[i, j-1] + u[i, j+1] - 4.0 * u[i, j]  with boundary = periodic
  y
}
export fn cut[M, N](u: f32[M, N]) -> f32[M, N] {
  let y[i, j] = u[i-1, j-1] + u[i, j] + u[i+1, j+1]  with boundary = zero
  y
}
export fn running[M, N](x: f32[M, N]) -> f32[M, N] { cumsum(x, axis = 0) }
export fn filled[M, N](state s: f32[M, N], v: f32[N], i: i64) -> (f32, state s) where M >= 3 {
  (sum(v), s with [i, :] = v)
}
"""
PRODUCTS = ["f32", "f64", "f16", "bf16"]
WINDOWS = ["f32", "f64", "u8", "i8"]


def ladder():
    text = LADDER
    for t in PRODUCTS:
        text += f"export fn mul_{t}[M, K, N](x: {t}[M, K], w: {t}[K, N]) -> {t}[M, N] {{ x @ w }}\n"
    text += "export fn turned[M, K, N](x: f32[K, M], w: f32[N, K]) -> f32[M, N] { nn.relu(transpose(x) @ transpose(w)) }\n"
    text += "export fn batch[B, M, K, N](x: f32[B, M, K], w: f32[B, K, N]) -> f32[B, M, N] { x @ w }\n"
    for t in WINDOWS:
        real = "f64" if t == "f64" else "f32"
        for name, s, p in ("plain", 1, 0), ("padded", 1, 1), ("strided", 2, 1):
            size = lambda n: f"({n} + {2 * p - 3}) / {s} + 1"
            text += (f"export fn {name}_{t}[C, H, W, O](x: {t}[1, C, H, W], w: {real}[O, C, 3, 3], b: {real}[O]) "
                     f"-> {real}[1, O, {size('H')}, {size('W')}] {{ nn.conv2d({real}(x), w, b, stride = {s}, padding = {p}) }}\n")
    cases = []

    def add(entry, names, dims, **values):
        values = {**{n: "random:1" for n in names.split()}, **values}
        cases.append({"entry": entry, "dims": dims, "values": values, "text": f"{entry} {dims}"})

    for n in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 65, 127, 1023, 1024, 4099]:
        add("vector", "x y", {"N": n})
        add("kinds", "a b c d", {"N": n})
    small = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33]
    for m, n in itertools.product([1, 2, 3, 5, 8, 17], small + [64, 100]):
        for entry in "matrix halves rows columns sums reversed steps heat cut running".split():
            add(entry, "u" if entry in ("heat", "cut") else "x", {"M": m, "N": n})
        add("normal", "x g b", {"M": m, "N": n})
        add("swapped", "x", {"B": 3, "M": m, "N": n})
        if m >= 3:
            add("filled", "s v", {"M": m, "N": n}, i=str(m - 1))
    for m, k, n in itertools.product([1, 2, 5, 6, 13, 33], [1, 3, 8, 17, 40], [1, 3, 8, 15, 16, 17, 31, 33, 49]):
        for t in PRODUCTS:
            add("mul_" + t, "x w", {"M": m, "K": k, "N": n})
        add("turned", "x w", {"M": m, "K": k, "N": n})
        add("batch", "x w", {"B": 2, "M": m, "K": k, "N": n})
    for m, k, n in (70, 300, 90), (129, 65, 257), (7, 513, 33):
        for entry in "mul_f32", "mul_f64", "mul_f16", "turned":
            add(entry, "x w", {"M": m, "K": k, "N": n})
    # Steps in several ranges: what the result holds so far is read, in packed products.
    for m, k, n in (17, 2500, 17), (33, 5000, 33), (19, 2049, 31):
        for entry in "mul_f32", "mul_f64", "mul_bf16", "turned":
            add(entry, "x w", {"M": m, "K": k, "N": n})
        add("batch", "x w", {"B": 2, "M": m, "K": k, "N": n})
    for name, c in itertools.product(("plain", "padded", "strided"), (300, 600)):
        add(f"{name}_f32", "x w b", {"C": c, "H": 6, "W": 19, "O": 17})
    for m in 1, 2, 6, 7, 33:
        add("known", "x", {"M": m})
    for t, name in itertools.product(WINDOWS, ("plain", "padded", "strided")):
        for c, h, w, o in itertools.product([1, 3], [3, 6, 17], [3, 7, 16, 18, 19, 33, 35], [1, 5, 8, 17]):
            add(f"{name}_{t}", "x w b", {"C": c, "H": h, "W": w, "O": o})
    return text, cases


def main():
    if sys.argv[1] == "--child":
        return child(*sys.argv[2:])
    mad, files = os.path.abspath(sys.argv[1]), sys.argv[2:]
    calls = skipped = programs = 0
    with tempfile.TemporaryDirectory() as folder:
        jobs = list(of_files(files))
        if not files:
            text, cases = ladder()
            with open(f"{folder}/ladder.mad", "w") as file:
                file.write(text)
            jobs = [(f"{folder}/ladder.mad", cases)]
        for path, cases in jobs:
            done = subprocess.run([mad, "build", path, "--name=m", "-o", folder], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr)
            with open(f"{folder}/cases.json", "w") as file:
                json.dump(cases, file)
            done = subprocess.run([sys.executable, __file__, "--child", f"{folder}/libm.so", f"{folder}/cases.json",
                                   f"{folder}/progress"], capture_output=True, text=True)
            if done.returncode:
                if not os.path.exists(f"{folder}/progress"):
                    sys.exit(f"no call began: exit {done.returncode}: {done.stderr.strip()}")
                with open(f"{folder}/progress") as file:
                    where = file.read().strip()
                sys.exit(f"{where}: " + (done.stderr.strip() if done.returncode > 0 else
                                         f"memory outside of a tensor was touched (signal {-done.returncode})"))
            counts = done.stdout.split()
            calls, skipped, programs = calls + int(counts[0]), skipped + int(counts[1]), programs + 1
    if not calls:
        sys.exit("nothing was called")
    print(f"{programs} programs, {calls} calls inside of their memory, {skipped} cases of other kinds left out")


if __name__ == "__main__":
    main()
