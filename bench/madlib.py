# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls compiled models from Python: runtime/mad.h through ctypes."""
import ctypes as c
import subprocess

import numpy as np

DTYPES = {np.dtype(n): i for i, n in enumerate(["f4", "f8", "i4", "i8", "?"])}


class Tensor(c.Structure):
    _fields_ = [("data", c.c_void_p), ("shape", c.POINTER(c.c_int64)), ("rank", c.c_int32),
                ("dtype", c.c_int)]


class Error(c.Structure):
    _fields_ = [("message", c.c_char * 512)]


def tensors(arrays):
    result = (Tensor * max(1, len(arrays)))()
    for slot, array in zip(result, arrays):
        if not array.flags.c_contiguous:
            raise ValueError("arrays must be contiguous")
        slot.data = array.ctypes.data
        slot.shape = (c.c_int64 * max(1, array.ndim))(*array.shape)
        slot.rank = array.ndim
        slot.dtype = DTYPES[array.dtype]
    return result


class Model:
    def __init__(self, runtime, path, threads=1):
        self.lib = c.CDLL(runtime)
        self.lib.mad_context_message.restype = c.c_char_p
        self.lib.mad_module_variant.restype = c.c_char_p
        self.module, self.context, error = c.c_void_p(), c.c_void_p(), Error()
        if self.lib.mad_module_load(path.encode(), c.byref(self.module), c.byref(error)):
            raise RuntimeError(error.message.decode())
        if self.lib.mad_context_create(self.module, c.byref(self.context), c.byref(error)):
            raise RuntimeError(error.message.decode())
        if self.lib.mad_context_set_threads(self.context, threads):
            raise RuntimeError(self.lib.mad_context_message(self.context).decode())

    def variant(self):
        return self.lib.mad_module_variant(self.module).decode()

    def entry(self, name, inputs, outputs, repeat=None):
        """A function that runs the entry on these arrays. Its `many(n)` does so n times in C,
        by the library `repeat` (repeat.c). Its `arguments` are those of `mad_entry_call`."""
        number = self.lib.mad_module_find(self.module, name.encode())
        if number < 0:
            raise RuntimeError(f"no entry {name}")
        taken, given = tensors(inputs), tensors(outputs)

        def call():
            if self.lib.mad_entry_call(self.context, number, taken, len(inputs), given,
                                       len(outputs)):
                raise RuntimeError(self.lib.mad_context_message(self.context).decode())

        if repeat:
            loop = c.CDLL(repeat).repeat

            def many(times):
                if loop(self.lib.mad_entry_call, self.context, number, taken, len(inputs), given,
                        len(outputs), c.c_int64(times)):
                    raise RuntimeError(self.lib.mad_context_message(self.context).decode())

            call.many = many
        call.function = self.lib.mad_entry_call
        call.arguments = (self.context, number, taken, len(inputs), given, len(outputs))
        return call

    def close(self):
        self.lib.mad_context_destroy(self.context)
        self.lib.mad_module_destroy(self.module)


def compiled(build, source, folder, target=None, threads=1):
    """The model of a `.mad` file, by the compiler and the runtime in `build`."""
    command = [str(build / "bin" / "mad"), "build", str(source), "-o", str(folder)]
    command += [f"--target={target}"] if target else []
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    library = folder / f"lib{source.stem}.so"
    return Model(str(build / "lib" / "libmad_runtime.so"), str(library), threads)
