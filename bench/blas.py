# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products of f32 matrices by the libraries that Debian ships, through ctypes.

Debian packages: libopenblas0-pthread, libdnnl2. A library that is missing is left out.
"""
import ctypes as c


def pointer(array):
    """To its elements; keeps them alive."""
    result = c.c_void_p(array.ctypes.data)
    result.array = array
    return result


class OpenBlas:
    """https://www.openblas.net"""
    name = "OpenBLAS"
    path = "/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblas.so.0"

    def __init__(self, threads):
        self.lib = c.CDLL(self.path)
        self.lib.openblas_get_config.restype = c.c_char_p
        self.lib.openblas_get_corename.restype = c.c_char_p
        self.lib.openblas_set_num_threads(threads)

    def version(self):
        config = self.lib.openblas_get_config().decode().split()
        return f"{config[1]} ({self.lib.openblas_get_corename().decode()})"

    def matmul(self, x, w, out):
        """A call of `out = x @ w`."""
        (m, k), n = x.shape, w.shape[1]
        row, plain, one, zero = 101, 111, c.c_float(1), c.c_float(0)
        arguments = (row, plain, plain, m, n, k, one, pointer(x), k, pointer(w), n, zero,
                     pointer(out), n)
        return lambda: self.lib.cblas_sgemm(*arguments)


class OneDnn:
    """https://github.com/oneapi-src/oneDNN"""
    name = "oneDNN"
    path = "libdnnl.so.2"

    def __init__(self, threads):
        self.lib = c.CDLL(self.path)
        c.CDLL("libgomp.so.1").omp_set_num_threads(threads)

    def version(self):
        class Version(c.Structure):
            _fields_ = [("major", c.c_int), ("minor", c.c_int), ("patch", c.c_int)]
        self.lib.dnnl_version.restype = c.POINTER(Version)
        v = self.lib.dnnl_version().contents
        return f"{v.major}.{v.minor}.{v.patch}"

    def matmul(self, x, w, out):
        """A call of `out = x @ w`."""
        (m, k), n = x.shape, w.shape[1]
        size = c.c_int64
        plain, one, zero = c.c_char(b"N"), c.c_float(1), c.c_float(0)
        arguments = (plain, plain, size(m), size(n), size(k), one, pointer(x), size(k), pointer(w),
                     size(n), zero, pointer(out), size(n))
        return lambda: self.lib.dnnl_sgemm(*arguments)


def libraries(threads):
    """Those that are installed, told to use so many threads."""
    result = []
    for kind in (OpenBlas, OneDnn):
        try:
            result.append(kind(threads))
        except OSError:
            print(f"{kind.name} is not installed; left out")
    return result
