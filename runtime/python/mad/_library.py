# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""mad.h and mad_compiler.h as ctypes. Calls release the GIL."""
import ctypes
import os
import threading
from ctypes import POINTER, Structure, c_char, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

from mad._errors import FileError


class Tensor(Structure):
    _fields_ = [("data", c_void_p), ("shape", POINTER(c_int64)), ("rank", c_int32),
                ("dtype", c_int)]


class ErrorText(Structure):
    _fields_ = [("message", c_char * 512)]

    @property
    def text(self):
        return decode(self.message)


class ValueInfo(Structure):
    _fields_ = [("name", c_char_p), ("dtype", c_int), ("rank", c_int32),
                ("dims", POINTER(c_char_p)), ("state", c_int32)]


class EntryInfo(Structure):
    _fields_ = [("name", c_char_p), ("doc", c_char_p), ("num_dims", c_int32),
                ("dims", POINTER(c_char_p)), ("num_inputs", c_int32),
                ("inputs", POINTER(ValueInfo)), ("num_outputs", c_int32),
                ("outputs", POINTER(ValueInfo))]


class LoadOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("weights", c_char_p), ("verify", c_int)]


class ContextOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("device", c_char_p), ("cuda_context", c_void_p),
                ("cuda_stream", c_void_p)]


# CUDA's, which PyTorch calls 0. Null of the options is a stream of the context's own.
DEFAULT_STREAM = 1


class Executor(Structure):
    _fields_ = [("parallel_for", c_void_p), ("user", c_void_p)]


class CompileOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("source", c_char_p), ("weights", c_char_p),
                ("name", c_char_p)]


def decode(text):
    return text.decode("utf-8", "replace") if text else ""


def encode(path):
    return os.fsencode(path) if path is not None else None


_RUNTIME = {
    "mad_module_load_with": (c_int, c_char_p, POINTER(LoadOptions), POINTER(c_void_p),
                             POINTER(ErrorText)),
    "mad_module_create": (c_int, c_void_p, POINTER(c_void_p), POINTER(ErrorText)),
    "mad_module_destroy": (None, c_void_p),
    "mad_module_manifest": (c_char_p, c_void_p),
    "mad_module_variant": (c_char_p, c_void_p),
    "mad_module_num_entries": (c_int32, c_void_p),
    "mad_module_entry": (POINTER(EntryInfo), c_void_p, c_int32),
    "mad_context_create_with": (c_int, c_void_p, POINTER(ContextOptions), POINTER(c_void_p),
                                POINTER(ErrorText)),
    "mad_context_device": (c_char_p, c_void_p),
    "mad_context_variant": (c_char_p, c_void_p),
    "mad_context_cuda_stream": (c_void_p, c_void_p),
    "mad_context_wait_for": (c_int, c_void_p, c_void_p),
    "mad_context_set_async": (c_int, c_void_p, c_int32),
    "mad_context_synchronize": (c_int, c_void_p),
    "mad_context_destroy": (None, c_void_p),
    "mad_context_set_threads": (c_int, c_void_p, c_int32),
    "mad_context_set_executor": (c_int, c_void_p, POINTER(Executor)),
    "mad_pool_create": (c_int, c_int32, POINTER(c_void_p), POINTER(ErrorText)),
    "mad_pool_destroy": (None, c_void_p),
    "mad_pool_executor": (Executor, c_void_p),
    "mad_context_message": (c_char_p, c_void_p),
    "mad_entry_shapes": (c_int, c_void_p, c_int32, c_void_p, c_int32, c_void_p),
    "mad_entry_call": (c_int, c_void_p, c_int32, c_void_p, c_int32, c_void_p, c_int32),
}
_COMPILER = {
    "mad_compile": (c_int, c_char_p, POINTER(CompileOptions), POINTER(c_void_p)),
    "mad_compilation_messages": (c_char_p, c_void_p),
    "mad_compilation_artifact": (c_void_p, c_void_p),
    "mad_compilation_destroy": (None, c_void_p),
}

_lock = threading.Lock()
_loaded = {}


def _candidates(name):
    """Where the library may be: a folder that the user names, beside this file (when
    installed), in the build of this source tree, where the system looks."""
    if os.environ.get("MAD_LIBRARY_DIR"):
        yield os.path.join(os.environ["MAD_LIBRARY_DIR"], name)
    here = os.path.dirname(os.path.abspath(__file__))
    yield os.path.join(here, name)
    yield os.path.join(here, "..", "..", "..", "build", "release", "lib", name)
    yield name


def _load(name, functions):
    with _lock:
        if name in _loaded:
            return _loaded[name]
        problem = ""
        for path in _candidates(name):
            if os.sep in path and not os.path.exists(path):
                continue
            try:
                library = ctypes.CDLL(path)
                break
            except OSError as error:
                problem = str(error)
        else:
            raise FileError("cannot load `%s`: %s; set MAD_LIBRARY_DIR to the folder that holds it"
                            % (name, problem))
        for function, (result, *arguments) in functions.items():
            f = getattr(library, function)
            f.restype, f.argtypes = result, arguments
        _loaded[name] = library
        return library


def runtime():
    """The C runtime: loads and calls compiled models."""
    return _load("libmad_runtime.so", _RUNTIME)


def compiler():
    """The compiler. It brings LLVM, so it is loaded only when it is used."""
    runtime()
    return _load("libmad.so", _COMPILER)
