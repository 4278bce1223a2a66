# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls of a compiled program, and of PyTorch, in CUDA graphs: what kernels take, without the host."""
import ctypes as c
import statistics
from pathlib import Path


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("shape", c.POINTER(c.c_int64)), ("rank", c.c_int32), ("dtype", c.c_int)]


class ContextOptions(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("device", c.c_char_p), ("cuda_context", c.c_void_p),
                ("cuda_stream", c.c_void_p)]


class Program:
    """A library on one stream of PyTorch; calls do not wait."""

    def __init__(self, folder, library, stream):
        folder = Path(folder).resolve()
        self.lib = c.CDLL(str(folder / "libmad_runtime.so"))
        self.lib.mad_context_message.restype = c.c_char_p
        self.lib.mad_dtype_name.restype = c.c_char_p
        self.lib.mad_module_find.restype = c.c_void_p
        error = (c.c_char * 512)()
        self.module, self.context = c.c_void_p(), c.c_void_p()
        self.good(self.lib.mad_module_load(str(folder / library).encode(), c.byref(self.module), error), error)
        options = ContextOptions(c.sizeof(ContextOptions), b"cuda", None, stream)
        self.good(self.lib.mad_context_create_with(self.module, c.byref(options), c.byref(self.context), error), error)
        self.good(self.lib.mad_context_set_async(self.context, 1), error)

    def good(self, status, error):
        if status:
            raise RuntimeError(error.value.decode())

    def call(self, name, inputs, *outputs):
        """A function that calls an entry with these tensors of the GPU."""
        names = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f64", "int32": "i32", "int64": "i64",
                 "int8": "i8", "uint8": "u8", "bool": "bool"}
        numbers = {self.lib.mad_dtype_name(i).decode(): i for i in range(16) if self.lib.mad_dtype_name(i)}

        def tensors(all_):
            made = (Tensor * len(all_))()
            for at, x in zip(made, all_):
                at.data, at.rank, at.dtype = x.data_ptr(), x.dim(), numbers[names[str(x.dtype).split(".")[1]]]
                at.shape = (c.c_int64 * x.dim())(*x.shape)
            return made

        entry = c.c_void_p(self.lib.mad_module_find(self.module, name.encode()))
        ins, outs = tensors(inputs), tensors(outputs)

        def run():
            status = self.lib.mad_entry_call(self.context, entry, ins, len(inputs), outs, len(outputs))
            if status:
                raise RuntimeError(self.lib.mad_context_message(self.context).decode())

        run.keep = inputs, outputs
        return run

    def wait(self):
        if self.lib.mad_context_synchronize(self.context):
            raise RuntimeError(self.lib.mad_context_message(self.context).decode())


def graph_of(calls, stream, wait):
    import torch
    with torch.cuda.stream(stream):
        for call in calls:
            call()
    wait()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
        for call in calls:
            call()
    graph.replay()
    torch.cuda.synchronize()
    return graph


def timed(graphs, counts, repeats):
    """Seconds a call of each graph, in turns. Each runs twice, and the second one counts: it begins while the first one
    runs, with what that has left in the caches, and not with what another graph has."""
    import torch
    taken = [[] for _ in graphs]
    for _ in range(repeats):
        for graph, count, list_ in zip(graphs, counts, taken):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            graph.replay()
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            list_.append(1e-3 * begin.elapsed_time(end) / count)
    return [statistics.median(list_) for list_ in taken]
