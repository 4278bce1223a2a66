"""usage: test_module.py LIBRARY WEIGHTS     the package `mad` on a compiled model"""
import gc
import inspect
import pydoc
import struct
import sys
import threading

import numpy as np

import mad

model = mad.load(sys.argv[1])
W = np.array([[1, 4], [2, 5], [3, 6]], np.float32)  # see affine.safetensors


def refused(kind, text, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except kind as error:
        assert type(error) is kind, type(error)
        assert text in str(error), str(error)
        return error
    raise AssertionError("not refused: " + text)


def equal(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and (a == b).all()


# Arrays in, arrays out.
x = np.arange(12, dtype=np.float32).reshape(4, 3)
assert equal(model.apply(x), x @ W)
assert equal(model.apply(x=x), x @ W)
assert equal(model.entries["apply"](x), x @ W)
assert model.apply(np.empty((0, 3), np.float32)).shape == (0, 2)
frozen = x.copy()
frozen.flags.writeable = False
assert equal(model.apply(frozen), x @ W)
assert equal(model.apply(x[1:3]), x[1:3] @ W), "a view is an array"

# Nothing is copied: the call reads what is there now, and `out` is written.
out = np.empty((4, 2), np.float32)
x[0, 0] = 100
assert model.apply(x, out=out) is out and equal(out, x @ W)

# Numbers and lists of them.
assert model.double(1.5) == 3.0 and type(model.double(1.5)) is float
assert model.double(np.float32(1.5)) == 3.0
assert model.double(np.array(1.5, np.float32)) == 3.0
assert model.double(2) == 4.0
assert model.double(0.1) == float(np.float32(0.1) * 2)
assert equal(model.apply([[1, 0, 0], [0, 1.0, 0]]), W[:2])
assert equal(model.same([1, -2], (3, 4)), np.array([4, 2]))

refused(mad.DTypeError, "`x` of `double` holds a number that f32 cannot hold", model.double, 1e300)
refused(mad.DTypeError, "`x` of `double` holds a number that f32 cannot hold", model.double, 10**400)
refused(mad.DTypeError, "`x` of `apply` holds a number that f32 cannot hold", model.apply,
        [[0, 0, -1e300]])
assert model.double(float("inf")) == float("inf")
assert equal(model.apply([[float("inf"), 0.5, 1.0]]), np.array([[np.inf, np.inf]], np.float32))

# `out` is a word of every call: the input of that name has a `_`.
assert list(inspect.signature(model.shift).parameters) == ["out_", "out"]
ones = np.ones(2, np.float32)
assert equal(model.shift(ones), 2 * ones) and equal(model.shift(out_=ones), 2 * ones)

# Any byte but 0 is true, as it is to NumPy; what is in the memory for results is nothing.
odd = np.array([0, 1, 2, 4, 255], np.uint8).view(bool)
not_odd = [1, 0, 0, 0, 0]
assert model.mask(odd).view(np.uint8).tolist() == not_odd
assert model.mask(memoryview(odd)).view(np.uint8).tolist() == not_odd
out = odd.copy()
assert model.mask(odd, out=out) is out and out.view(np.uint8).tolist() == not_odd

# A mask would be lost.
refused(mad.DTypeError, "`x` of `apply` is a masked array", model.apply,
        np.ma.masked_array(np.ones((1, 3), np.float32), [[0, 1, 0]]))


class BadCapsule:
    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self):
        return 7


class BadDevice(BadCapsule):
    def __dlpack_device__(self):
        raise RuntimeError("lost")


refused(mad.DTypeError, "`x` of `apply` cannot be passed by DLPack", model.apply, BadCapsule())
refused(mad.DTypeError, "`x` of `apply` cannot be passed by DLPack: lost", model.apply, BadDevice())

# Several results are a named tuple.
r = model.mixed(np.array([1.0, 2.0]), 5, True)
assert equal(r[0], np.array([5.0, 10.0])) and r[1] == 6 and r[2] is True
assert r._fields == ("result0", "result1", "result2") and r.result1 == 6
a, b, c = model.mixed(np.array([1.0, 2.0]), flag=False, k=5)
assert equal(a, np.array([1.0, 2.0])) and b == 6 and c is False
outs = np.empty(2), np.empty((), np.int64), np.empty((), bool)
r = model.mixed(np.array([1.0, 2.0]), 5, True, out=outs)
assert r[0] is outs[0] and outs[1] == 6 and outs[2]
r = model.mixed(np.array([1.0, 2.0]), 5, True,
                out=dict(result2=outs[2], result1=outs[1], result0=outs[0]))
assert r.result0 is outs[0]
assert equal(model.mask(np.array([True, False])), np.array([False, True]))

# What is not an array of the declared kind is refused; nothing is converted.
refused(mad.DTypeError, "`x` of `apply` is float64, expected f32; pass `.astype(numpy.float32)`",
        model.apply, x.astype(float))
refused(mad.DTypeError, "`x` of `apply` is not contiguous in C order; pass "
        "`numpy.ascontiguousarray` of it", model.apply, np.asfortranarray(x))
refused(mad.DTypeError, "is float32 of the other byte order", model.apply, x.astype(">f4"))
refused(mad.DTypeError, "`k` of `mixed` is 1.5, expected an integer (i32)", model.mixed,
        [1.0], 1.5, True)
refused(mad.DTypeError, "`k` of `mixed` holds a number that i32 cannot hold", model.mixed,
        [1.0], 1 << 31, True)
refused(mad.DTypeError, "`flag` of `mixed` is 1, expected True or False", model.mixed, [1.0], 1, 1)
refused(mad.DTypeError, "`x` of `double` is str, expected an array or a number", model.double, "1")
refused(mad.DTypeError, "`x` of `double` is NoneType", model.double, None)
refused(mad.InvalidArgumentError, "list with rows of unequal length", model.apply, [[1, 2], [3]])
refused(mad.InvalidArgumentError, "`apply` needs `x`; it takes `x`", model.apply)
refused(mad.InvalidArgumentError, "`apply` was given 2 arguments", model.apply, x, x)
refused(mad.InvalidArgumentError, "`apply` has no argument `y`", model.apply, y=x)
refused(mad.InvalidArgumentError, "`apply` was given `x` twice", model.apply, x, x=x)
refused(mad.InvalidArgumentError, "rank 1", model.apply, x[0])
refused(mad.InvalidArgumentError, "`out` of `mixed` must hold 3 arrays", model.mixed, [1.0], 1,
        True, out=(out,))
refused(mad.DTypeError, "`out` (`result`) of `apply` is float64", model.apply, x,
        out=np.empty((4, 2)))
refused(mad.InvalidArgumentError, "is read-only, but the call writes to it", model.apply, x,
        out=frozen)
refused(mad.ShapeError, "expected 4", model.apply, x, out=np.empty((3, 2), np.float32))
refused(AttributeError, "the model has no exported function `classify`; it has `apply`", getattr,
        model, "classify")

# Shapes and indices are checked by the model; afterwards it works as before.
error = refused(mad.ShapeError, "found 4, expected 3", model.apply, np.ones((2, 4), np.float32))
assert isinstance(error, ValueError) and error.status == "MAD_SHAPE_MISMATCH"
assert "model.mad:" in str(error)
refused(mad.ShapeError, "`N`", model.same, [1, 2], [1, 2, 3])
error = refused(mad.OutOfRangeError, "found 3, expected 0 <= index < 3", model.take, x[0], [0, 3])
assert isinstance(error, IndexError)
assert equal(model.take(x[1], [2, 0]), x[1][[2, 0]])

# Buffers and DLPack, both without copies.
buffer = memoryview(bytearray(struct.pack("3f", 1, 2, 3))).cast("f", (1, 3))
assert equal(model.apply(buffer), np.array([[1, 2, 3]], np.float32) @ W)
refused(mad.DTypeError, "`x` of `apply` has elements `B` of 1 bytes", model.apply, bytearray(12))


class Foreign:
    """A tensor of another library."""

    def __init__(self, array, device=1):
        self.array, self.device, self.asked = array, device, 0

    def __dlpack__(self, **kwargs):
        self.asked += 1
        return self.array.__dlpack__()

    def __dlpack_device__(self):
        return self.device, 0


foreign = Foreign(x)
assert equal(model.apply(foreign), x @ W) and foreign.asked == 1
x[1, 1] = -7
assert equal(model.apply(foreign), x @ W)
assert equal(model.apply(Foreign(x[1:3])), x[1:3] @ W)
into = Foreign(np.zeros((4, 2), np.float32))
assert model.apply(x, out=into) is into and equal(into.array, x @ W)
refused(mad.DTypeError, "is f64, expected f32", model.apply, Foreign(x.astype(float)))
refused(mad.DTypeError, "not contiguous", model.apply, Foreign(x.T))
refused(mad.DTypeError, "is on a device (type 2, number 0)", model.apply, Foreign(x, 2))
counts = sys.getrefcount(x)
for _ in range(100):
    model.apply(Foreign(x))
gc.collect()
assert sys.getrefcount(x) == counts, "the tensor is given back"
# Results go to other libraries by DLPack too.
result = model.apply(x)
assert equal(np.from_dlpack(result), result)

# Help and signatures.
help_text = pydoc.plain(pydoc.render_doc(model.apply))
assert "apply(x: f32[Batch, In], *, out=None) -> f32[Batch, Out]" in help_text, help_text
assert "y = x w, row by row." in help_text
assert list(inspect.signature(model.mixed).parameters) == ["x", "k", "flag", "out"]
assert repr(model.mixed.entry) == \
    "mixed[N](x: f64[N], k: i32, flag: bool) -> (f64[N], i64, bool)"
assert "apply" in dir(model) and list(model.entries)[0] == "apply"
assert model.manifest["weights"][0]["name"] == "w" and model.variant.startswith("x86-64")

# Threads: each with a context of its own.
problems = []


def work(seed):
    random = np.random.default_rng(seed)
    for _ in range(200):
        x = random.normal(size=(random.integers(1, 20), 3)).astype(np.float32)
        if not np.allclose(model.apply(x), x @ W, rtol=1e-5, atol=1e-5):
            problems.append(seed)
        try:
            model.apply(x[:, :2].copy())
            problems.append(seed)
        except mad.ShapeError as error:
            if "found 2, expected 3" not in str(error):
                problems.append(error)


threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not problems, problems

# More shapes than are remembered.
for n in range(200):
    assert model.apply(np.ones((n, 3), np.float32)).shape == (n, 2)

# Functions live longer than the module.
apply = mad.load(sys.argv[1]).apply
gc.collect()
assert equal(apply(x), x @ W)

# Loading: other weights, the number of threads.
twice = mad.load(sys.argv[1], weights=sys.argv[2], verify=True, threads=2)
assert equal(twice.apply(x), 2 * (x @ W)) and equal(model.apply(x), x @ W)
assert equal(mad.load(sys.argv[1], threads=1).apply(x), x @ W)
refused(mad.InvalidArgumentError, "threads is -1, expected a number from 0 on", mad.load,
        sys.argv[1], threads=-1)
refused(mad.InvalidArgumentError, "threads is 1000000, at most 1024 are possible", mad.load,
        sys.argv[1], threads=10**6)
refused(mad.FileError, "cannot open `missing.weights`", mad.load, sys.argv[1],
        weights="missing.weights")
error = refused(mad.FileError, "cannot open `missing.so`: No such file", mad.load, "missing.so")
refused(mad.FormatError, "is not a shared library", mad.load, __file__)
print("all good")
