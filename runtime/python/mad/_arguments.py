# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Objects of Python as tensors in memory, and memory for results.

An argument is one of
- an array of NumPy, or anything with the buffer protocol: element type and C order
  must be right, nothing is copied;
- anything with `__dlpack__` in main memory: likewise;
- a number, or a list of numbers (of lists): made into a tensor of the declared type,
  if that holds each of them (floats are rounded; a number that is too large is none of it).
"""
import ctypes
import math
import struct
import sys

from mad._errors import DTypeError, InvalidArgumentError, failure
from mad._library import DEFAULT_STREAM, decode

try:
    import numpy
except ImportError:  # arrays are then memoryviews
    numpy = None


class DType:
    """An element type of mad.h."""

    def __init__(self, number, name, size, formats, dlpack, numpy_name=None):
        self.number, self.name, self.size = number, name, size
        self.formats = formats  # of the buffer protocol; the first one is ours
        self.dlpack = dlpack    # (code, bits), the first one is ours
        self.numpy = numpy.dtype(numpy_name or name) if numpy else None

    @property
    def title(self):
        """What people call it who use NumPy."""
        return self.numpy.name if self.numpy is not None else self.name


# kDLInt 0, kDLUInt 1, kDLFloat 2, kDLBfloat 4, kDLBool 6.
DTYPES = {t.number: t for t in [
    DType(0, "f32", 4, "f", [(2, 32)], "float32"),
    DType(1, "f64", 8, "d", [(2, 64)], "float64"),
    DType(2, "i32", 4, "il", [(0, 32)], "int32"),
    DType(3, "i64", 8, "ql", [(0, 64)], "int64"),
    DType(4, "bool", 1, "?", [(6, 8)], "bool"),
    DType(5, "f16", 2, "e", [(2, 16)], "float16"),
    # NumPy has no bf16: arrays of its bits.
    DType(6, "bf16", 2, "H", [(4, 16)], "uint16"),
    DType(7, "i8", 1, "b", [(0, 8)], "int8"),
    DType(8, "u8", 1, "B", [(1, 8)], "uint8"),
]}

if numpy:
    _BF16 = None
    try:  # where the package is installed, its type is taken too
        import ml_dtypes
        _BF16 = numpy.dtype(ml_dtypes.bfloat16)
    except ImportError:
        pass


class _View(ctypes.Structure):
    """Py_buffer."""

    _fields_ = [("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t),
                ("itemsize", ctypes.c_ssize_t), ("readonly", ctypes.c_int), ("ndim", ctypes.c_int),
                ("format", ctypes.c_char_p), ("shape", ctypes.c_void_p),
                ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p),
                ("internal", ctypes.c_void_p)]


class _Managed(ctypes.Structure):
    """DLManagedTensor, as far as it is read."""

    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int),
                ("device_id", ctypes.c_int), ("ndim", ctypes.c_int), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


_get_buffer = ctypes.pythonapi.PyObject_GetBuffer
_get_buffer.argtypes = [ctypes.py_object, ctypes.POINTER(_View), ctypes.c_int]
_release_buffer = ctypes.pythonapi.PyBuffer_Release
_release_buffer.argtypes = [ctypes.POINTER(_View)]
_release_buffer.restype = None
_capsule_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_capsule_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_capsule_pointer.restype = ctypes.c_void_p

_CPU_DEVICES = (1, 3)  # kDLCPU, kDLCUDAHost
_CUDA_DEVICE = 2       # kDLCUDA


class Memory:
    """A tensor in memory that others own; `owner` keeps it there."""

    __slots__ = ("address", "shape", "owner", "on_gpu")

    def __init__(self, address, shape, owner, on_gpu=False):
        self.address, self.shape, self.owner = address, tuple(shape), owner
        self.on_gpu = on_gpu


def _wrong_type(where, found, dtype):
    fix = ""
    if numpy and dtype.numpy is not None:
        fix = "; pass `.astype(numpy.%s)` of it" % dtype.title.replace("bool", "bool_")
    return DTypeError("%s is %s, expected %s%s" % (where, found, dtype.name, fix))


def _wrong_order(where):
    return DTypeError("%s is not contiguous in C order; pass `numpy.ascontiguousarray` of it"
                      % where)


def _read_only(where):
    return InvalidArgumentError("%s is read-only, but the call writes to it" % where)


def _from_numpy(array, dtype, where, writable):
    if isinstance(array, numpy.ma.MaskedArray):
        raise DTypeError("%s is a masked array, and a tensor has no mask; pass `.filled(...)` of it"
                         % where)
    if not array.dtype.isnative:
        raise _wrong_type(where, "%s of the other byte order" % array.dtype.name, dtype)
    if array.dtype != dtype.numpy and not (dtype.name == "bf16" and array.dtype == _BF16):
        raise _wrong_type(where, array.dtype.name, dtype)
    if not array.flags.c_contiguous:
        raise _wrong_order(where)
    if writable and not array.flags.writeable:
        raise _read_only(where)
    return Memory(array.ctypes.data, array.shape, array)


class Gpu:
    """The GPU that a context computes on, and its stream; `waited` are the libraries whose work the
    stream waits for in the call under way."""

    __slots__ = ("number", "stream", "waited", "_library", "_context")

    def __init__(self, number, library, context):
        self.number, self.stream = number, library.mad_context_cuda_stream(context)
        self.waited, self._library, self._context = set(), library, context

    def wait_for(self, stream):
        """Has the stream wait for what another one holds."""
        status = self._library.mad_context_wait_for(self._context, stream)
        if status:
            raise failure(status, decode(self._library.mad_context_message(self._context)))


def _capsule(thing, on_gpu, gpu):
    if not on_gpu:
        return thing.__dlpack__()
    # What the tensor is made of may still be under way on a stream of its library; it has ours
    # wait for that. Where it does not, there is nothing to wait for.
    try:
        return thing.__dlpack__(stream=gpu.stream)
    except TypeError:
        return thing.__dlpack__()


_torch_types = {}


def _from_torch(tensor, dtype, gpu):
    """A tensor of PyTorch on that GPU; None where DLPack is to look at it, which takes longer by
    far, most of it for a stream and an event of Python. PyTorch's work of a thread is on one
    stream, which is waited for once a call."""
    torch = sys.modules["torch"]
    if not _torch_types:
        _torch_types.update(
            f32=torch.float32, f64=torch.float64, f16=torch.float16, bf16=torch.bfloat16,
            i8=torch.int8, u8=torch.uint8, i32=torch.int32, i64=torch.int64, bool=torch.bool)
    if tensor.dtype is not _torch_types.get(dtype.name) or tensor.get_device() != gpu.number \
            or tensor.requires_grad or tensor.layout is not torch.strided \
            or not tensor.is_contiguous() or tensor.is_neg():
        return None
    if "torch" not in gpu.waited:
        stream = torch.cuda.current_stream(gpu.number).cuda_stream
        if (stream or DEFAULT_STREAM) != gpu.stream:
            gpu.wait_for(stream)
        gpu.waited.add("torch")
    return Memory(tensor.data_ptr(), tensor.shape, tensor, True)


def _from_dlpack(thing, dtype, where, writable, gpu):
    try:
        device = thing.__dlpack_device__()
    except Exception as error:
        raise DTypeError("%s cannot be passed by DLPack: %s" % (where, error)) from error
    on_gpu = gpu is not None and device[0] == _CUDA_DEVICE
    if device[0] not in _CPU_DEVICES and not on_gpu:
        raise DTypeError("%s is on a device (type %d, number %d), expected main memory%s"
                         % (where, device[0], device[1],
                            " or `cuda:%d`" % gpu.number if gpu is not None else ""))
    if on_gpu and device[1] != gpu.number:
        raise DTypeError("%s is on `cuda:%d`, expected `cuda:%d` or main memory"
                         % (where, device[1], gpu.number))
    try:
        capsule = _capsule(thing, on_gpu, gpu)
        address = _capsule_pointer(capsule, b"dltensor")
    except Exception as error:
        raise DTypeError("%s cannot be passed by DLPack: %s" % (where, error)) from error
    # Not renamed: the capsule stays the owner and gives the tensor back with itself.
    tensor = _Managed.from_address(address)
    found = (tensor.code, tensor.bits)
    # Some libraries hand bools over as bytes.
    if (found not in dtype.dlpack and not (dtype.name == "bool" and found == (1, 8))) \
            or tensor.lanes != 1:
        kind = {0: "i", 1: "u", 2: "f", 4: "bf", 6: "bool"}.get(tensor.code, "type ")
        raise DTypeError("%s is %s%d, expected %s" % (where, kind, tensor.bits, dtype.name))
    shape = tuple(tensor.shape[:tensor.ndim])
    if tensor.strides and 0 not in shape:
        step = 1
        for extent, stride in zip(reversed(shape), tensor.strides[:tensor.ndim][::-1]):
            if extent != 1 and stride != step:
                raise _wrong_order(where)
            step *= extent
    return Memory((tensor.data or 0) + tensor.byte_offset, shape, capsule, on_gpu)


class _Buffer:
    """Holds the buffer of an object until it is forgotten."""

    def __init__(self, thing, flags):
        self.view = _View()
        _get_buffer(thing, ctypes.byref(self.view), flags)

    def __del__(self):
        if self.view.obj:
            _release_buffer(ctypes.byref(self.view))


def _from_buffer(thing, dtype, where, writable):
    # PyBUF_FORMAT | PyBUF_C_CONTIGUOUS, and PyBUF_WRITABLE.
    try:
        held = _Buffer(thing, 0x4 | 0x38 | (1 if writable else 0))
    except BufferError as error:
        raise (_read_only(where) if writable else _wrong_order(where)) from error
    view = held.view
    code = (view.format or b"B").decode().lstrip("@=<")
    if view.itemsize != dtype.size or code not in dtype.formats:
        raise DTypeError("%s has elements `%s` of %d bytes, expected %s"
                         % (where, code, view.itemsize, dtype.name))
    shape = (ctypes.c_int64 * view.ndim).from_address(view.shape) if view.ndim else ()
    return Memory(view.buf, shape, held)


def _shape_of(thing, where, depth=0):
    if not isinstance(thing, (list, tuple)):
        return ()
    if depth == 32:
        raise InvalidArgumentError("%s is a list nested deeper than 32" % where)
    shapes = {_shape_of(item, where, depth + 1) for item in thing}
    if len(shapes) > 1:
        raise InvalidArgumentError("%s is a list with rows of unequal length" % where)
    return (len(thing),) + (shapes.pop() if shapes else ())


def _flatten(thing, into):
    if isinstance(thing, (list, tuple)):
        for item in thing:
            _flatten(item, into)
    else:
        into.append(thing)


def _too_large(where, dtype):
    return DTypeError("%s holds a number that %s cannot hold" % (where, dtype.name))


def _number(value, dtype, where):
    if numpy and isinstance(value, numpy.generic):
        value = value.item()
    if dtype.name == "bool":
        if isinstance(value, bool):
            return value
        raise DTypeError("%s is %r, expected True or False" % (where, value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DTypeError("%s is %r, expected a number (%s)" % (where, value, dtype.name))
    if dtype.name in ("f32", "f64", "f16", "bf16"):
        try:
            return float(value)
        except OverflowError as error:
            raise _too_large(where, dtype) from error
    if isinstance(value, float):
        raise DTypeError("%s is %r, expected an integer (%s)" % (where, value, dtype.name))
    return value


_FLOATS = {"f32": ctypes.c_float, "f64": ctypes.c_double}


def _from_numbers(thing, dtype, where):
    if type(thing) is float and dtype.name in _FLOATS:
        cell = _FLOATS[dtype.name](thing)
        if math.isinf(cell.value) and not math.isinf(thing):
            raise _too_large(where, dtype)
        return Memory(ctypes.addressof(cell), (), cell)
    shape, numbers = _shape_of(thing, where), []
    _flatten(thing, numbers)
    numbers = [_number(value, dtype, where) for value in numbers]
    try:
        if dtype.name == "bf16":
            content = b"".join(_bf16(value) for value in numbers)
        else:
            content = struct.pack("=%d%s" % (len(numbers), dtype.formats[0]), *numbers)
    except (struct.error, OverflowError) as error:
        raise _too_large(where, dtype) from error
    # One byte at least, so that there is an address.
    memory = (ctypes.c_char * max(1, len(bytes(content)))).from_buffer_copy(bytes(content) or b"\0")
    return Memory(ctypes.addressof(memory), shape, memory)


def _bf16(value):
    """To nearest even. On the way through f32 a number that does not fit becomes its
    odd neighbour, so that it is not rounded twice."""
    single = ctypes.c_float(value).value
    bits = struct.unpack("=I", struct.pack("=f", single))[0]
    if value != value:
        return struct.pack("=H", bits >> 16 | 0x40)
    if single != value and not bits & 1:
        bits += 1 if abs(single) < abs(value) else -1
    rounded = bits + 0x7FFF + (bits >> 16 & 1) >> 16
    if rounded & 0x7FFF == 0x7F80 and not math.isinf(value):
        raise OverflowError
    return struct.pack("=H", rounded)


_TRUTH = bytes([0]) + bytes([1]) * 255


def _whole_bools(memory, where, writable):
    """A byte of a bool is 0 or 1. NumPy takes all others for true too, as a view makes them:
    of such an input a copy is passed."""
    if memory.on_gpu:  # the library that it is of keeps them so
        return memory
    count = 1
    for extent in memory.shape:
        count *= extent
    content = ctypes.string_at(memory.address, count) if count else b""
    if not content.translate(None, b"\0\1"):
        return memory
    if writable:
        raise InvalidArgumentError("%s has bools whose bytes are neither 0 nor 1; pass `!= 0` of "
                                   "its bytes" % where)
    content = ctypes.create_string_buffer(content.translate(_TRUTH), count)
    return Memory(ctypes.addressof(content), memory.shape, content)


def memory_of(thing, dtype, where, writable=False, gpu=None):
    """The tensor that an argument is. `where` names it for messages; `gpu` is the one on which it
    may lie."""
    memory = _memory_of(thing, dtype, where, writable, gpu)
    return _whole_bools(memory, where, writable) if dtype.name == "bool" else memory


def result_memory(thing, dtype, where, gpu=None):
    """The memory for a result; what is there before the call is nothing."""
    return _memory_of(thing, dtype, where, True, gpu)


def _memory_of(thing, dtype, where, writable, gpu):
    if numpy and isinstance(thing, numpy.ndarray):
        return _from_numpy(thing, dtype, where, writable)
    numbers = isinstance(thing, (int, float, list, tuple))
    numbers = numbers or numpy and isinstance(thing, numpy.generic)
    if numbers and not writable:
        return _from_numbers(thing, dtype, where)
    if gpu is not None and type(thing).__module__ == "torch" and type(thing).__name__ == "Tensor":
        memory = _from_torch(thing, dtype, gpu)
        if memory is not None:
            return memory
    if hasattr(thing, "__dlpack__") and not numbers:
        return _from_dlpack(thing, dtype, where, writable, gpu)
    try:
        memoryview(thing)
    except TypeError:
        expected = "an array" if writable else "an array or a number"
        raise DTypeError("%s is %s, expected %s (%s)"
                         % (where, type(thing).__name__, expected, dtype.name)) from None
    return _from_buffer(thing, dtype, where, writable)


def new(shape, dtype):
    """An array for a result."""
    if numpy:
        return numpy.empty(shape, dtype.numpy)
    count = dtype.size
    for extent in shape:
        count *= extent
    flat = memoryview(bytearray(count))
    if count == 0:  # memoryview cannot have such a shape
        return flat.cast(dtype.formats[0])
    return flat.cast(dtype.formats[0], shape) if shape else flat.cast(dtype.formats[0])
