# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of ggml (llama.cpp) through ctypes: `x @ w` with a weight of a block format.

ggml rounds activations to 8 bits itself, 32 or 256 at a time, inside of the call. It has two orders of some weights in
memory, as they are in files and repacked for its own kernels: both are offered.
"""
import ctypes as c
import json
import pathlib
import re
import struct

import numpy as np

TYPES = {"Q4_0": 2, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11, "Q4_K": 12, "TQ1_0": 34, "TQ2_0": 35, "Q1_0": 41}
F32 = 0
MOST_THREADS = 512


class InitParams(c.Structure):
    _fields_ = [("size", c.c_size_t), ("memory", c.c_void_p), ("no_alloc", c.c_bool)]


class ThreadpoolParams(c.Structure):
    _fields_ = [("cpumask", c.c_bool * MOST_THREADS), ("n_threads", c.c_int), ("prio", c.c_int), ("poll", c.c_uint32),
                ("strict", c.c_bool), ("paused", c.c_bool)]


class Ggml:
    """The library in a folder, and a pool of threads that wait actively for work."""

    def __init__(self, folder, threads):
        folder = pathlib.Path(folder)
        self.base = c.CDLL(str(folder / "libggml-base.so"), mode=c.RTLD_GLOBAL)
        self.cpu = c.CDLL(str(folder / "libggml-cpu.so"), mode=c.RTLD_GLOBAL)
        pointers = ["ggml_init", "ggml_new_tensor_2d", "ggml_mul_mat", "ggml_new_graph", "ggml_backend_alloc_ctx_tensors_from_buft",
                    "ggml_backend_reg_dev_get", "ggml_backend_reg_get_proc_address", "ggml_get_data"]
        for name in pointers:
            getattr(self.base, name).restype = c.c_void_p
        for name in ["ggml_backend_cpu_init", "ggml_backend_cpu_reg", "ggml_threadpool_new"]:
            getattr(self.cpu, name).restype = c.c_void_p
        self.base.ggml_backend_buft_name.restype = c.c_char_p
        self.base.ggml_nbytes.restype = self.base.ggml_quantize_chunk.restype = c.c_size_t
        self.base.ggml_backend_cpu_buffer_type.restype = c.c_void_p
        params = ThreadpoolParams(n_threads=threads, poll=50)
        self.backend = c.c_void_p(self.cpu.ggml_backend_cpu_init())
        self.pool = c.c_void_p(self.cpu.ggml_threadpool_new(c.byref(params)))
        self.cpu.ggml_backend_cpu_set_threadpool(self.backend, self.pool)
        self.cpu.ggml_backend_cpu_set_n_threads(self.backend, threads)

    def orders(self):
        """Types of buffers for weights, by name."""
        registry = c.c_void_p(self.cpu.ggml_backend_cpu_reg())
        device = self.base.ggml_backend_reg_dev_get(registry, c.c_size_t(0))
        get = self.base.ggml_backend_reg_get_proc_address(registry, b"ggml_backend_dev_get_extra_bufts")
        found = {"CPU": self.base.ggml_backend_cpu_buffer_type()}
        if get:
            extra = c.CFUNCTYPE(c.POINTER(c.c_void_p), c.c_void_p)(get)(device)
            while extra and extra[0]:
                found[self.base.ggml_backend_buft_name(c.c_void_p(extra[0])).decode()] = extra[0]
                extra = c.cast(c.addressof(extra.contents) + c.sizeof(c.c_void_p), c.POINTER(c.c_void_p))
        return found

    def context(self):
        return c.c_void_p(self.base.ggml_init(InitParams(1 << 22, None, True)))

    def tensor(self, context, kind, columns, rows):
        return c.c_void_p(self.base.ggml_new_tensor_2d(context, c.c_int(kind), c.c_int64(columns), c.c_int64(rows)))

    def place(self, context, buffer):
        if not self.base.ggml_backend_alloc_ctx_tensors_from_buft(context, c.c_void_p(buffer)):
            raise RuntimeError("ggml: no memory")

    def write(self, tensor, data):
        self.base.ggml_backend_tensor_set(tensor, c.c_void_p(data.ctypes.data), c.c_size_t(0), c.c_size_t(data.nbytes))

    def rounded(self, name, values):
        """The values as a block format holds them, rounded by ggml without data of activations, and bits for each.
        Blocks are of 256 in the order of memory: they go on into the next row where rows are no multiple of that."""
        values = np.ascontiguousarray(values, np.float32)
        rows, kind = values.size // 256, c.c_int(TYPES[name])
        context = self.context()
        data = np.empty(self.base.ggml_nbytes(self.tensor(context, TYPES[name], 256, rows)), np.uint8)
        self.base.ggml_free(context)
        self.base.ggml_quantize_chunk(kind, c.c_void_p(values.ctypes.data), c.c_void_p(data.ctypes.data), c.c_int64(0),
                                      c.c_int64(rows), c.c_int64(256), None)
        found = np.empty_like(values)
        getattr(self.base, f"dequantize_row_{name[:-1].lower() + name[-1]}")(
            c.c_void_p(data.ctypes.data), c.c_void_p(found.ctypes.data), c.c_int64(values.size))
        return found, 8 * data.nbytes / values.size

    def round_file(self, name, source, target, pattern):
        """A .safetensors file whose tensors with a name like `pattern` are rounded to a block format; bits for each of their elements."""
        raw = pathlib.Path(source).read_bytes()
        size = struct.unpack("<Q", raw[:8])[0]
        header, parts, at, bits = json.loads(raw[8:8 + size]), [], 0, 0
        for key, entry in header.items():
            if key == "__metadata__":
                continue
            first, last = entry["data_offsets"]
            part = raw[8 + size + first:8 + size + last]
            if re.fullmatch(pattern, key):
                held = np.frombuffer(part, {"F16": np.float16, "F32": np.float32}[entry["dtype"]])
                values, bits = self.rounded(name, held)
                part, entry["dtype"] = values.tobytes(), "F32"
            entry["data_offsets"] = [at, at + len(part)]
            at += len(part)
            parts.append(part)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        pathlib.Path(target).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(parts))
        return bits

    def quantized(self, name, w):
        """Bytes of w [K, M] as a block format: rows along K."""
        rows = np.ascontiguousarray(w.T)
        context = self.context()
        size = self.base.ggml_nbytes(self.tensor(context, TYPES[name], rows.shape[1], rows.shape[0]))
        data = np.empty(size, np.uint8)
        self.base.ggml_quantize_chunk(c.c_int(TYPES[name]), c.c_void_p(rows.ctypes.data), c.c_void_p(data.ctypes.data),
                                      c.c_int64(0), c.c_int64(rows.shape[0]), c.c_int64(rows.shape[1]), None)
        return data

    def product(self, name, data, k, m, x, order="CPU"):
        """A call that computes x @ w into its array `y`."""
        buffers = self.orders()
        weights, values = self.context(), self.context()
        w = self.tensor(weights, TYPES[name], k, m)
        self.place(weights, buffers[order])
        self.write(w, data)
        source = self.tensor(values, F32, k, len(x))
        result = c.c_void_p(self.base.ggml_mul_mat(values, w, source))
        self.place(values, buffers["CPU"])
        self.write(source, x)
        graph = c.c_void_p(self.base.ggml_new_graph(values))
        self.base.ggml_build_forward_expand(graph, result)

        def call():
            if self.base.ggml_backend_graph_compute(self.backend, graph):
                raise RuntimeError("ggml: the product failed")
            return result

        call()
        y = np.empty((len(x), m), np.float32)
        self.base.ggml_backend_tensor_get(result, c.c_void_p(y.ctypes.data), c.c_size_t(0), c.c_size_t(y.nbytes))
        call.y = y
        return call
