# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls models that the MAD compiler made.

    import mad
    m = mad.load("libdigits.so")        # made by `mad build digits.mad`
    m.classify(x)                       # x: a NumPy array; so is the result
    help(m.classify)                    # what it takes and what it means

    m = mad.compile("digits.mad")       # the same without a file in between

Arrays are passed as they are: the right element type, C order. Nothing is copied
and nothing is converted behind your back, but for numbers and lists of numbers.
Anything with `__dlpack__` in main memory works like an array.
"""
from mad._compile import compile
from mad._errors import (
    CompileError,
    DTypeError,
    Error,
    FileError,
    FormatError,
    InternalError,
    InvalidArgumentError,
    OutOfMemoryError,
    OutOfRangeError,
    ShapeError,
    UnsupportedError,
)
from mad._module import Entry, Module, Value, load

__all__ = [
    "compile", "load", "Module", "Entry", "Value", "Error", "InvalidArgumentError", "ShapeError",
    "DTypeError", "OutOfRangeError", "OutOfMemoryError", "FileError", "FormatError",
    "UnsupportedError", "InternalError", "CompileError",
]
