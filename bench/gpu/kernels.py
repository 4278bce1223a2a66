#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernels of passes/Kernels/Gpu on a GPU, against PyTorch (cuBLAS, cuDNN) in the same run.

usage: bench/gpu/kernels.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/kernels.py run FOLDER [--only TEXT] [--json FILE]   where the GPU is

`pack` writes a cubin for sm_90a, PTX for all other chips, and what launching needs. `run` needs Python, PyTorch and the
driver: no compiler. Each kernel is first compared with the same in f64 (products: with a bound that
follows from the number of terms), on new random data and an output full of NaN. Times are
medians of replayed CUDA graphs that go through several sets of buffers, larger together than
the second cache, in turns with PyTorch. Limits are measured in the run: a copy in memory, and
the best rate of cuBLAS at 8192 for the element type.
"""
import argparse
import ctypes as c
import json
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SQUARE = [(n, n, n) for n in (1024, 2048, 4096, 8192)]
ODD = [(1023, 1021, 1019), (4095, 4095, 4095)]
# The layers of a model of 7 billion parameters: rows, columns of the result, terms.
LAYERS = [(4096, 4096), (11008, 4096), (4096, 11008)]
FEW = [1, 2, 4, 8, 16, 32, 64]
FEW_KERNELS = [(8, "f16", "_nt", ""), (8, "f16", "", ""), (8, "bf16", "_nt", ""), (16, "f16", "_nt", ""),
               (16, "f16", "", ""), (32, "f16", "_nt", ""), (32, "f16", "", ""), (32, "f16", "_nt", "_wide"),
               (32, "f16", "", "_wide"), (64, "f16", "_nt", ""), (64, "f16", "", ""), (64, "f16", "_nt", "_wide"),
               (64, "f16", "", "_wide"), (8, "f32", "_nt", ""), (8, "f32", "", ""),
               (16, "f32", "_nt", ""), (16, "f32", "", ""), (8, "f16", "_nt", "_early"), (16, "f16", "_nt", "_early"),
               (8, "f16", "", "_early"), *((rows, "f16", order, "_map") for rows in (8, 32, 64) for order in ("", "_nt")),
               (64, "f16", "_nt", "_map_88"), (64, "f16", "", "_map_96")]
OVERLAPPED = ("_early", "_map", "_map_88", "_map_96")  # launched before the kernel in front has ended, for sm_90a alone
# Kernel: (how it is launched, element, output, B as [N, K], sizes).
PRODUCTS = {
    "matmul_f32": ("plain", "f32", "f32", False, SQUARE[1:3]),
    "matmul_f32_nt": ("plain", "f32", "f32", True, SQUARE[1:3]),
    "matmul_f32_odd": ("plain", "f32", "f32", False, ODD[1:]),
    "matmul_f32_64": ("plain", "f32", "f32", False, SQUARE[:1] + [(2048, 384, 384), (2048, 1536, 384)]),
    "matmul_f32_32": ("plain", "f32", "f32", False, [(512, 512, 512), (256, 384, 384), (64, 1536, 384)]),
    "matmul_f32_16": ("plain", "f32", "f32", False, [(64, 384, 384), (64, 384, 1536), (16, 4096, 4096)]),
    "matmul_mma_f16": ("warp", "f16", "f16", False, SQUARE),
    "matmul_mma_f16_nt": ("warp", "f16", "f32", True, SQUARE),
    "matmul_mma_bf16": ("warp", "bf16", "f32", False, SQUARE[2:3]),
    "matmul_mma_f16_odd": ("warp", "f16", "f16", False, ODD),
    "matmul_mma_tf32": ("warp", "tf32", "f32", False, SQUARE[:3:2]),
    "matmul_mma_tf32_nt": ("warp", "tf32", "f32", True, SQUARE[:3:2]),
    "matmul_mma_tf32_odd": ("warp", "tf32", "f32", False, ODD[:1]),
    "matmul_wgmma_f16": ("group", "f16", "f16", True, SQUARE),
    "matmul_wgmma_f16_row": ("group", "f16", "f16", False, SQUARE),
    "matmul_wgmma_f16_small": ("group", "f16", "f16", False, SQUARE[:1]),
    "matmul_wgmma_f16_small_nt": ("group", "f16", "f16", True, SQUARE[:1]),
    "matmul_wgmma_bf16": ("group", "bf16", "bf16", True, SQUARE),
    "matmul_wgmma_f16_f32": ("group", "f16", "f32", True, SQUARE[2:3]),
    "matmul_wgmma_tf32_nt": ("group", "tf32", "f32", True, SQUARE[1:]),
    **{f"matmul_few{rows}_{element}{order}{how}": (
        "few", element, "f16" if element == "f16" else "f32", order == "_nt",
        [(m, n, k) for n, k in LAYERS
         if (n > 8192) == (how in ("_wide", "_map_88", "_map_96") or rows <= 16 and n > 8192 and how != "_map")
         for m in FEW if rows // 2 < m <= rows or m < rows == 8])
       for rows, element, order, how in FEW_KERNELS},
}
# Rows and columns of the tile of a block, where they are not the first ones of its kind.
TILES = {"plain": (128, 128), "warp": (128, 128), "group": (128, 256), "matmul_f32_64": (64, 64),
         "matmul_f32_32": (32, 32), "matmul_f32_16": (16, 32), "matmul_wgmma_f16_f32": (128, 128),
         "matmul_wgmma_tf32_nt": (128, 128), "matmul_wgmma_f16_small": (128, 64), "matmul_wgmma_f16_small_nt": (128, 64)}
# Columns of a block of few rows: by rows, and B as [N, K].
COLUMNS = {(8, True): 16, (16, True): 16, (32, True): 32, (64, True): 32, (8, False): 64, (16, False): 64,
           (32, False): 32, (64, False): 32}
WIDE_COLUMNS = {(32, True): 96, (64, True): 96, (32, False): 64, (64, False): 128}
# Kernel: (element, longest row or 0, sizes).
ROWS = {
    "row_mean_f32_1000": ("f32", [(65536, 1000)]),
    "row_mean_f32_100000": ("f32", [(2048, 100000)]),
    "softmax_f32_512": ("f32", [(131072, 512)]),
    "softmax_f32_8192": ("f32", [(16384, 8192)]),
    "softmax_f32_100000": ("f32", [(2048, 100000)]),
    "softmax_f16_999": ("f16", [(65536, 999)]),
    "layer_norm_f32_768": ("f32", [(131072, 768)]),
    "layer_norm_f16_4096": ("f16", [(32768, 4096)]),
}
MAPS = {"scaled_sum_f32": "f32", "scaled_sum_f16": "f16", "exp_f32": "f32"}
MAP_SIZES = [1 << 20, 1 << 28]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def pack(options):
    tool = str(options.build / "bin" / "mad-kernels")
    options.folder.mkdir(parents=True, exist_ok=True)
    kernels = {}
    for name in (*PRODUCTS, *ROWS, *MAPS):
        files = []
        for chip, kind in (("sm_90a", "cubin"), ("sm_80", "ptx")):
            if chip == "sm_80" and ("wgmma" in name or name.endswith(OVERLAPPED)):
                continue
            file = f"{name}.{chip}.{kind}"
            (options.folder / file).write_bytes(output(tool, name, f"--chip={chip}", f"--emit={kind}"))
            files.append((chip, kind, file))
        fields = output(tool, name, "--chip=sm_90a", "--emit=resources").decode().splitlines()[-1].split()
        kernels[name] = {"files": files, "threads": int(fields[2]), "shared": int(fields[6])}
    (options.folder / "kernels.json").write_text(json.dumps(kernels, indent=1))
    print(f"{len(kernels)} kernels in {options.folder}")


class Attribute(c.Structure):
    """Of a launch: it may overlap with the kernel in front."""
    _fields_ = [("id", c.c_int), ("pad", c.c_char * 4), ("value", c.c_int), ("rest", c.c_char * 60)]


class Launch(c.Structure):
    _fields_ = [("grid", c.c_uint * 3), ("block", c.c_uint * 3), ("shared", c.c_uint), ("stream", c.c_void_p),
                ("attributes", c.c_void_p), ("count", c.c_uint)]


class Driver:
    """libcuda, in the context that PyTorch has made."""

    def __init__(self):
        self.lib = c.CDLL("libcuda.so.1")

    def __call__(self, name, *args):
        code = getattr(self.lib, name)(*args)
        if code:
            text = c.c_char_p()
            self.lib.cuGetErrorName(code, c.byref(text))
            raise RuntimeError(f"{name}: {text.value.decode() if text.value else code}")

    def kernel(self, image, name, shared):
        module, function = c.c_void_p(), c.c_void_p()
        self("cuModuleLoadData", c.byref(module), c.c_char_p(image))
        self("cuModuleGetFunction", c.byref(function), module, name.encode())
        if shared > 48 * 1024:
            self("cuFuncSetAttribute", function, 8, shared)
        return function

    def map_of(self, tensor, height, width=0):
        """Boxes of 128 bytes, or `width` elements, and `height` rows, swizzled by 128 bytes."""
        rows, columns = tensor.shape
        kind, size = {"torch.float16": (6, 2), "torch.float32": (7, 4)}.get(str(tensor.dtype), (9, 2))
        raw = (c.c_uint8 * 256)()
        at = (c.addressof(raw) + 127) & ~127
        self("cuTensorMapEncodeTiled", c.c_void_p(at), kind, 2, c.c_void_p(tensor.data_ptr()),
             (c.c_uint64 * 2)(columns, rows), (c.c_uint64 * 1)(columns * size), (c.c_uint32 * 2)(width or 128 // size, height),
             (c.c_uint32 * 2)(1, 1), 0, 3, 2, 0)
        return raw, at


class Kernel:
    def __init__(self, driver, folder, name, about, image):
        chip, kind, file = image
        data = (folder / file).read_bytes() + b"\0"
        self.driver, self.about, self.name, self.what = driver, about, name, f"{chip} {kind}"
        self.function = driver.kernel(data, name, about["shared"])

    def call(self, grid, parameters):
        """A launch with these parameters: pairs of what keeps a value alive and its address."""
        addresses = (c.c_void_p * len(parameters))(*(at for _, at in parameters))
        grid = (*grid, 1, 1)[:3]

        overlaps = Attribute(6, b"", 1, b"")
        early = self.name.endswith(OVERLAPPED)

        def launch():
            import torch
            how = Launch(grid, (self.about["threads"], 1, 1), self.about["shared"],
                         torch.cuda.current_stream().cuda_stream, c.addressof(overlaps), int(early))
            self.driver("cuLaunchKernelEx", c.byref(how), self.function, addresses, None)

        launch.keep = parameters
        return launch


def value(kind, x):
    held = kind(x)
    return held, c.addressof(held)


def pointer(tensor):
    held, at = value(c.c_uint64, tensor.data_ptr())
    return (held, tensor), at


def integer(x):
    return value(c.c_int32, x)


class Bench:
    def __init__(self, options):
        import torch
        self.torch, self.options, self.driver = torch, options, Driver()
        torch.backends.cuda.matmul.allow_tf32 = False
        self.types = {"f32": torch.float32, "tf32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
        self.about = json.loads((options.folder / "kernels.json").read_text())
        properties = torch.cuda.get_device_properties(0)
        self.processors, self.chip = properties.multi_processor_count, properties.major * 10 + properties.minor
        self.results, self.failed = [], 0
        self.cache = 2 * properties.L2_cache_size
        print(f"{properties.name}, {self.processors} multiprocessors, torch {torch.__version__}")
        self.copy = self.copy_rate()
        self.peaks = {}
        print(f"copy: {self.copy:.0f} GB/s read and written")

    def copy_rate(self):
        torch = self.torch
        x = torch.randn(1 << 30, device="cuda")
        y = torch.empty_like(x)
        taken = []
        for _ in range(20):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            y.copy_(x)  # in a graph it is a slower kind of copy
            end.record()
            end.synchronize()
            taken.append(1e-3 * begin.elapsed_time(end))
        return 8e-9 * x.numel() / min(taken)

    def peak(self, element):
        """TFLOP/s of cuBLAS at 8192."""
        if element not in self.peaks:
            torch, n = self.torch, 8192
            torch.backends.cuda.matmul.allow_tf32 = element == "tf32"
            a, b = (torch.randn(n, n, device="cuda").to(self.types[element]) for _ in range(2))
            self.peaks[element] = 2e-12 * n**3 / min(self.times([[lambda: torch.mm(a, b.T)]], 10)[0])
            torch.backends.cuda.matmul.allow_tf32 = False
        return self.peaks[element]

    def times(self, sets, repeats):
        """For each list of calls: seconds a call, of replayed graphs that run all of them, in turns.
        Where they are short they run several times, so that the start of a graph does not count."""
        torch = self.torch
        graphs = []
        for i, calls in enumerate(sets):
            stream = torch.cuda.Stream()
            with torch.cuda.stream(stream):
                for call in calls:
                    call()
            torch.cuda.synchronize()
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            for call in calls:
                call()
            end.record()
            end.synchronize()
            sets[i] = calls = calls * max(1, min(16, int(2 / max(begin.elapsed_time(end), 1e-3))))
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                for call in calls:
                    call()
            graph.replay()
            graphs.append(graph)
        torch.cuda.synchronize()
        taken = [[] for _ in sets]
        for _ in range(repeats):
            for graph, calls, list_ in zip(graphs, sets, taken):
                begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
                begin.record()
                graph.replay()
                end.record()
                end.synchronize()
                list_.append(1e-3 * begin.elapsed_time(end) / len(calls))
        return taken

    def compare(self, name, size, variants, others, bytes_, flops=0, element=None):
        """`variants`: calls of each image of the kernel, `others`: those of PyTorch, a list of
        calls each, on sets of buffers."""
        sets = [*variants.values(), *others.values()]
        taken = [statistics.median(t) for t in self.times(sets, self.options.repeats)]
        limits = [1e-9 * bytes_ / self.copy]
        if flops:
            limits.append(1e-12 * flops / self.peak(element))
        best = min(taken[len(variants):])
        for kind, seconds in zip(variants, taken):
            rate = f"{1e-12 * flops / seconds:7.1f} TFLOP/s" if flops else f"{1e-9 * bytes_ / seconds:7.0f} GB/s"
            print(f"{name:24} {size:>20} {kind:12} {1e6 * seconds:9.1f} us {rate:>16} "
                  f"{100 * max(limits) / seconds:4.0f} % of limit   torch {1e6 * best:9.1f} us, x {best / seconds:.2f}",
                  flush=True)
            self.results.append({"kernel": name, "size": size, "image": kind, "seconds": seconds, "torch": best,
                                 "bytes": bytes_, "flops": flops, "limit": max(limits)})

    def check(self, name, size, kind, got, expected, bound):
        error = (got.double() - expected).abs()
        wrong = ~(error <= bound)
        if bool(wrong.any()):
            self.failed += 1
            print(f"{name} {size} {kind}: WRONG: {int(wrong.sum())} of {wrong.numel()} elements, first at "
                  f"{wrong.nonzero()[0].tolist()}, error at most {float(error.max()):g}", flush=True)
            return False
        return True

    def sets(self, bytes_):
        return max(1, min(8, -(-self.cache // max(1, bytes_))))

    def images(self, name):
        for image in self.about[name]["files"]:
            if image[0] == "sm_90a" and self.chip != 90:
                continue
            yield Kernel(self.driver, self.options.folder, name, self.about[name], image)

    # Products of matrices.

    def product(self, name):
        torch = self.torch
        how, element, output, transposed, sizes = PRODUCTS[name]
        type_, out = self.types[element], self.types[output]
        for m, n, k in sizes:
            size = f"{m}x{n}x{k}"
            bytes_ = (m * k + k * n) * type_.itemsize + m * n * out.itemsize
            data = []
            for _ in range(self.sets(bytes_)):
                a = torch.randn(m, k, device="cuda").to(type_)
                b = torch.randn(*((n, k) if transposed else (k, n)), device="cuda").to(type_)
                data.append((a, b, torch.full((m, n), float("nan"), device="cuda", dtype=out)))
            variants = {}
            for kernel in self.images(name):
                calls = [kernel.call(*self.product_launch(how, name, transposed, *set_)) for set_ in data]
                calls[0]()
                torch.cuda.synchronize()
                if self.right_product(name, size, kernel.what, element, transposed, *data[0]):
                    variants[kernel.what] = calls
                data[0][2].fill_(float("nan"))
            if variants:
                torch.backends.cuda.matmul.allow_tf32 = element == "tf32"
                other = [lambda a=a, b=b: torch.mm(a, b.T if transposed else b) for a, b, _ in data]
                self.compare(name, size, variants, {"mm": other}, bytes_, 2 * m * n * k, element)
                torch.backends.cuda.matmul.allow_tf32 = False

    def product_launch(self, how, name, transposed, a, b, out):
        (m, k), n = a.shape, out.shape[1]
        sizes = [integer(x) for x in (m, n, k)]
        if how == "group":
            height, columns = TILES.get(name, TILES[how])
            tiles = -(-m // height) * -(-n // columns)
            maps = [self.driver.map_of(a, 128), self.driver.map_of(b, min(columns, 128) if transposed else 64)]
            return (min(self.processors, tiles),), [*(((raw, x), at) for (raw, at), x in zip(maps, (a, b))),
                                                    pointer(out), *sizes]
        parameters = [pointer(a), pointer(b), pointer(out), *sizes]
        if how == "few":
            rows = int(name[len("matmul_few"):].split("_")[0])
            columns = WIDE_COLUMNS if name.endswith("_wide") else COLUMNS
            if "_map" in name:
                wide = name.endswith(("_88", "_96"))
                groups = rows >= 32 and not wide  # 64 columns for two blocks
                cluster = 1 if wide or (transposed and not groups) else 2
                width, step = (int(name[-2:]) if wide else 32) * cluster, 64 if wide or rows == 64 else 128
                maps = [self.driver.map_of(a, rows), self.driver.map_of(b, width if transposed else step, 48 if wide and not transposed else 0)]
                return (-(-n // width) * cluster,), [*(((raw, x), at) for (raw, at), x in zip(maps, (a, b))),
                                                     *parameters[2:]]
            return (-(-n // (32 if "_f32" in name else columns[rows, transposed])),), parameters
        strides = [value(c.c_int64, 0) for _ in range(3)]
        height, columns = TILES.get(name, TILES[how])
        return (-(-n // columns), -(-m // height)), parameters + strides

    def right_product(self, name, size, kind, element, transposed, a, b, out):
        """Each product and sum is rounded once to f32; tf32 keeps 10 bits of a factor; the result is
        rounded to its type."""
        torch = self.torch
        rows = torch.randperm(a.shape[0], device="cuda")[:512]
        a, got = a[rows].double(), out[rows]
        b = (b.T if transposed else b).double()
        expected, size_ = a @ b, a.abs() @ b.abs()
        terms = (a.shape[1] + 2) * 2.0**-24
        if element == "tf32":  # rounded, or cut by wgmma
            terms += 2 * (2.0**-10 if "wgmma" in name else 2.0**-11)
        last = {torch.float16: 2.0**-11, torch.bfloat16: 2.0**-8}.get(out.dtype, 0)
        return self.check(name, size, kind, got, expected, terms * size_ + last * (expected.abs() + terms * size_) +
                          (2.0**-25 if out.dtype == torch.float16 else 0))

    # Rows.

    def rows(self, name):
        torch, functional = self.torch, self.torch.nn.functional
        element, sizes = ROWS[name]
        type_ = self.types[element]
        for rows, columns in sizes:
            size = f"{rows}x{columns}"
            mean = name.startswith("row_mean")
            bytes_ = rows * (columns if mean else 2 * columns) * type_.itemsize
            data = []
            for _ in range(self.sets(bytes_)):
                x = torch.randn(rows, columns, device="cuda").to(type_)
                data.append((x, torch.full((rows,) if mean else (rows, columns), float("nan"), device="cuda",
                                           dtype=type_)))
            scale, shift = (torch.randn(columns, device="cuda").to(type_) for _ in range(2))
            norm = name.startswith("layer_norm")
            other = {"row_mean": lambda x: x.mean(1), "softmax": lambda x: x.softmax(1),
                     "layer_norm": lambda x: functional.layer_norm(x, (columns,), scale, shift, 1e-5)}
            other = next(f for key, f in other.items() if name.startswith(key))
            variants = {}
            for kernel in self.images(name):
                calls = []
                for x, y in data:
                    grid = (rows,) if columns > 1024 else (-(-rows // (kernel.about["threads"] // 32)),)
                    more = [pointer(scale), pointer(shift)] if norm else []
                    last = [value(c.c_float, 1e-5)] if norm else []
                    calls.append(kernel.call(grid, [pointer(x), *more, pointer(y), *last, integer(rows),
                                                    integer(columns)]))
                calls[0]()
                torch.cuda.synchronize()
                if self.right_rows(name, size, kernel.what, *data[0], scale, shift):
                    variants[kernel.what] = calls
                data[0][1].fill_(float("nan"))
            if variants:
                self.compare(name, size, variants, {"torch": [lambda x=x: other(x) for x, _ in data]}, bytes_)

    def right_rows(self, name, size, kind, x, y, scale, shift):
        """Sums of a thread have at most 400 terms and the tree 13 steps; exp and the rest some units in
        the last place; a result of 16 bits is rounded once more."""
        torch = self.torch
        x, y = x[:2048].double(), y[:2048]
        unit = 2.0**-24 * (x.shape[1] / 32 if x.shape[1] <= 1024 else 413)
        if name.startswith("row_mean"):
            expected, bound = x.mean(1), unit * x.abs().mean(1)
        elif name.startswith("softmax"):
            expected = x.softmax(1)
            bound = (unit + 8 * 2.0**-23) * expected
        else:
            middle = x.mean(1, keepdim=True)
            deviation = (x - middle).square().mean(1, keepdim=True).add(1e-5).sqrt()
            normal = (x - middle) / deviation
            expected = normal * scale.double() + shift.double()
            bound = (4 * unit * (1 + normal.abs()) + 2.0**-21 * normal.abs()) * scale.double().abs() + \
                2.0**-23 * (shift.double().abs() + expected.abs())
        if y.dtype == torch.float16:
            bound = bound + 2.0**-11 * (expected.abs() + bound) + 2.0**-25
        return self.check(name, size, kind, y, expected, bound)

    # Elementwise.

    def map(self, name):
        torch, type_ = self.torch, self.types[MAPS[name]]
        exponential = name.startswith("exp")
        of_block = 256 * 16 // type_.itemsize * 2
        for n in MAP_SIZES:
            bytes_ = (2 if exponential else 3) * n * type_.itemsize
            data = []
            for _ in range(self.sets(bytes_)):
                x, y = (torch.randn(n, device="cuda").to(type_) for _ in range(2))
                data.append((x, y))
            variants = {}
            for kernel in self.images(name):
                calls = []
                for x, y in data:
                    more = [] if exponential else [pointer(y), value(c.c_float, 0.5)]
                    calls.append(kernel.call((-(-n // of_block),), [pointer(x), pointer(y), *more, integer(n)]))
                x, y = data[0]
                before = y.double()
                calls[0]()
                torch.cuda.synchronize()
                expected = x.double().exp() if exponential else 0.5 * x.double() + before
                unit = 2.0**-22 if type_ == torch.float32 else 2.0**-10
                if self.check(name, n, kernel.what, y, expected, unit * expected.abs() + unit * 2.0**-3):
                    variants[kernel.what] = calls
            if exponential:
                other = [lambda x=x, y=y: torch.exp(x, out=y) for x, y in data]
            else:
                other = [lambda x=x, y=y: y.add_(x, alpha=0.5) for x, y in data]
            if variants:
                self.compare(name, str(n), variants, {"torch": other}, bytes_)

    def run(self):
        for names, method in ((MAPS, self.map), (ROWS, self.rows), (PRODUCTS, self.product)):
            for name in names:
                if self.options.only in name:
                    method(name)
                    self.torch.cuda.empty_cache()
        print("peaks of cuBLAS at 8192, TFLOP/s:", {k: round(v, 1) for k, v in self.peaks.items()})
        print(f"{len(self.results)} measured, {self.failed} wrong")
        if self.options.json:
            self.options.json.write_text(json.dumps({"copy": self.copy, "peaks": self.peaks, "rows": self.results},
                                                    indent=1))
        return self.failed > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=ROOT / "build" / "release")
    parser.add_argument("--only", default="", help="only kernels whose name contains this")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(Bench(options).run())


if __name__ == "__main__":
    main()
