# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiling in this process."""
import ctypes
import warnings

from mad import _library
from mad._errors import InvalidArgumentError, failure
from mad._module import Module, checked_threads


class _Compilation:
    """Owns compiled code."""

    def __init__(self, library, value):
        self.library, self.value = library, value
        self._destroy = library.mad_compilation_destroy

    def __del__(self):
        self._destroy(self.value)


def compile(path=None, *, source=None, weights=None, threads=0):
    """Compiles a model in memory.

    path     the `.mad` file; with `source`, only its name in messages, and the folder
             where the files are that it uses
    source   the text of the model, instead of a file
    weights  a file that all weights are read from, instead of those that the model names
    threads  how many threads a call may use; 0: one for each CPU

    Raises CompileError, whose text shows each error with its place in the source. Warns of what
    else should be looked at, such as tensors of `weights` that nothing reads.
    """
    if path is None and source is None:
        raise InvalidArgumentError("mad.compile needs a path or `source`")
    threads = checked_threads(threads)
    library = _library.compiler()
    options = _library.CompileOptions(ctypes.sizeof(_library.CompileOptions))
    if source is not None:
        options.source = source.encode()
        if b"\0" in options.source or len(options.source) != len(source.encode()):
            raise InvalidArgumentError("the source holds a zero character")
    options.weights = _library.encode(weights)
    value = ctypes.c_void_p()
    status = library.mad_compile(_library.encode(path if path is not None else "source.mad"),
                                 ctypes.byref(options), ctypes.byref(value))
    if not value:
        raise failure(status, "no memory to compile")
    compilation = _Compilation(library, value)
    messages = _library.decode(library.mad_compilation_messages(value)).rstrip()
    if status:
        raise failure(status, messages)
    for message in messages.splitlines():
        warnings.warn(message.removeprefix("warning: "), stacklevel=2)
    module, error = ctypes.c_void_p(), _library.ErrorText()
    runtime = _library.runtime()
    status = runtime.mad_module_create(library.mad_compilation_artifact(value),
                                       ctypes.byref(module), ctypes.byref(error))
    if status:
        raise failure(status, error.text)
    return Module(runtime, module, compilation, threads)
