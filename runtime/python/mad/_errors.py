# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One exception a status of mad.h. Each is also the exception of Python that
says the same, so that code which knows nothing of models can catch it."""


class Error(Exception):
    """Base of all failures of models."""

    status = "MAD_INTERNAL"


class InvalidArgumentError(Error, ValueError):
    """An argument is missing, unknown, or of the wrong rank."""

    status = "MAD_INVALID_ARGUMENT"


class DTypeError(InvalidArgumentError, TypeError):
    """An argument has the wrong element type or the wrong kind."""


class ShapeError(Error, ValueError):
    """Extents do not fit the declared dimensions."""

    status = "MAD_SHAPE_MISMATCH"


class OutOfRangeError(Error, IndexError):
    """An index that the model computed lies outside its tensor."""

    status = "MAD_OUT_OF_RANGE"


class OutOfMemoryError(Error, MemoryError):
    status = "MAD_OUT_OF_MEMORY"


class FileError(Error):
    """A file cannot be opened, read or written."""

    status = "MAD_FILE_ERROR"


class FormatError(Error, ValueError):
    """A file is not what it should be: damaged, cut off, of another version."""

    status = "MAD_BAD_FORMAT"


class UnsupportedError(Error):
    """This machine cannot run the model."""

    status = "MAD_UNSUPPORTED"


class InternalError(Error):
    """A fault of the compiler or the runtime."""

    status = "MAD_INTERNAL"


class CompileError(Error):
    """A model has errors. The text shows each with its place in the source."""

    status = "MAD_COMPILE_ERROR"


# The numbers of mad_status.
_BY_STATUS = {
    1: InvalidArgumentError, 2: ShapeError, 3: OutOfRangeError, 4: OutOfMemoryError, 5: FileError,
    6: FormatError, 7: UnsupportedError, 8: InternalError, 9: CompileError,
}


def failure(status, message):
    return _BY_STATUS.get(status, InternalError)(message)
