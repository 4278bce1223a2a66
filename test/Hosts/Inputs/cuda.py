"""The Python package on a GPU, whose driver is that of the tests: kernels do nothing there, so that
what is looked at is where tensors lie and what is refused."""
import ctypes
import os
import sys

import numpy as np

import mad

library, driver = sys.argv[1:]
os.environ["MAD_CUDA_DRIVER"] = driver
fake = ctypes.CDLL(driver)
fake.fake_gpu_memory.restype = ctypes.c_void_p
fake.fake_gpu_free.argtypes = [ctypes.c_void_p]


class Managed(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device_type", ctypes.c_int),
                ("device_id", ctypes.c_int), ("ndim", ctypes.c_int), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.c_void_p),
                ("byte_offset", ctypes.c_uint64), ("manager", ctypes.c_void_p),
                ("deleter", ctypes.c_void_p)]


class OnGpu:
    """A tensor of f32 as another library has it."""

    def __init__(self, size, number=0):
        self.memory = fake.fake_gpu_memory(ctypes.c_long(4 * max(size, 1)))
        self.extents = (ctypes.c_int64 * 1)(size)
        self.managed = Managed(self.memory, 2, number, 1, 2, 32, 1, self.extents, None, 0, None,
                               None)
        self.number, self.streams = number, []

    def __dlpack_device__(self):
        return 2, self.number

    def __dlpack__(self, stream=None):
        self.streams.append(stream)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p,
                                                       ctypes.c_void_p]
        return new(ctypes.addressof(self.managed), b"dltensor", None)

    def values(self):
        return np.ctypeslib.as_array((ctypes.c_float * self.extents[0]).from_address(self.memory))

    def __del__(self):
        fake.fake_gpu_free(self.memory)


def refused(kind, text, call):
    try:
        call()
    except kind as error:
        assert text in str(error), error
    else:
        raise AssertionError("expected: " + text)


x = np.array([1, 2, 3], np.float32)
# A driver that finds no code says so when the model is loaded, not when it is called.
refused(mad.InternalError, "cannot find the kernel", lambda: mad.load(library, device="cuda"))
fake.fake_gpu_accept()
m = mad.load(library, device="cuda")
assert (m.device, m.variant) == ("cuda:0", "cuda")
assert m.double(x).shape == (3,)

# In place: the stream of the call is told, and no result is copied over what lies there.
here, there = OnGpu(3), OnGpu(3)
there.values()[:] = 7
m.double(here, out=there)
assert len(here.streams) == 1 and here.streams[0], here.streams
assert list(there.values()) == [7, 7, 7]
m.double(x, out=there)
m.double(here)

# Calls that do not wait: what fails is told later, unless something lies in main memory.
refused(mad.InvalidArgumentError, "wait=False needs `stream`", lambda: mad.load(library, device="cuda", wait=False))
later = mad.load(library, device="cuda", stream=there.memory, wait=False)
before = fake.fake_gpu_waits()
later.double(here, out=there)
assert fake.fake_gpu_waits() == before
later.synchronize()
assert fake.fake_gpu_waits() > before
for call in (lambda: later.double(here), lambda: later.double(x, out=there),
             lambda: later.double(here, out=np.empty(3, np.float32))):
    before = fake.fake_gpu_waits()
    call()
    assert fake.fake_gpu_waits() > before
# 0 is CUDA's default stream, not one that nobody else knows.
mad.load(library, device="cuda", stream=0, wait=False).double(here, out=there)
assert here.streams[-1] == 1, here.streams

refused(mad.DTypeError, "is on `cuda:1`, expected `cuda:0` or main memory",
        lambda: m.double(OnGpu(3, number=1)))
refused(mad.ShapeError, "has extent 2 in dimension 0 (`N`), expected 3", lambda: m.double(here, out=OnGpu(2)))
refused(mad.UnsupportedError, "there is no GPU `cuda:7`", lambda: mad.load(library, device="cuda:7"))
refused(mad.InvalidArgumentError, "the device is `gpu`, expected", lambda: mad.load(library, device="gpu"))
refused(mad.InvalidArgumentError, "device is 1, expected", lambda: mad.load(library, device=1))

# On the CPU, tensors of a GPU are refused.
c = mad.load(library, device="cpu")
assert c.device == "cpu" and list(c.double(x)) == [2, 4, 6]
refused(mad.DTypeError, "is on a device (type 2, number 0), expected main memory",
        lambda: c.double(here))
os.environ["MAD_DEVICE"] = "cuda"
assert mad.load(library).device == "cuda:0"
print("all good")
