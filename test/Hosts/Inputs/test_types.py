"""usage: test_types.py LIBRARY     narrow element types"""
import sys

import numpy as np

import mad

model = mad.load(sys.argv[1])
x = np.array([1.5, -2.25, 6e-8], np.float16)
y = model.half(x)
assert y.dtype == np.float16 and (y == x + x).all()
# bf16: bits in, bits out.
bits = (np.array([1.5, -2.0], np.float32).view(np.uint32) >> 16).astype(np.uint16)
y = model.brain(bits)
assert y.dtype == np.uint16
assert ((y.astype(np.uint32) << 16).view(np.float32) == [3.0, -4.0]).all()
try:
    import ml_dtypes
except ImportError:
    pass
else:
    z = model.brain(np.array([1.5, -2.0], ml_dtypes.bfloat16))
    assert (z == y).all()
a, b = model.bytes(np.array([100, -3], np.int8), np.array([200, 3], np.uint8))
assert a.dtype == np.int8 and a.tolist() == [-56, -6]
assert b.dtype == np.uint8 and b.tolist() == [144, 6]
# Numbers are rounded once: 1 + 2^-8 + 2^-40 is just above the middle of two bf16.
r = model.numbers(0.1, 1 + 2.0**-8 + 2.0**-40, -128, 255)
assert r[0] == float(np.float16(0.1)) and r[1] == 1 + 2.0**-7 and r[2:] == (-128, 255), r
assert model.numbers(0.0, 1 + 2.0**-8, 0, 0)[1] == 1.0, "ties go to even"
assert model.numbers(0.0, float("inf"), 0, 0)[1] == float("inf")
assert model.numbers(0.0, 3.39e38, 0, 0)[1] == (2 - 2.0**-7) * 2.0**127, "the largest bf16"
for call in (lambda: model.numbers(0.0, 3.5e38, 0, 0), lambda: model.numbers(65520.0, 0.0, 0, 0),
             lambda: model.numbers(0.0, 0.0, 128, 0), lambda: model.numbers(0.0, 0.0, 0, -1),
             lambda: model.half(x.astype(np.float32)), lambda: model.bytes(b, b)):
    try:
        call()
    except mad.DTypeError as error:
        print(error)
    else:
        raise AssertionError
print("all good")
