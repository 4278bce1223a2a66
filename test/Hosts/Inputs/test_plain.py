"""usage: test_plain.py LIBRARY     the package `mad` where NumPy is not installed"""
import array
import sys

sys.modules["numpy"] = None  # import fails

import mad  # noqa: E402

model = mad.load(sys.argv[1])
y = model.apply([[1, 0, 0], [0, 1, 0]])
assert type(y) is memoryview and y.shape == (2, 2) and y.tolist() == [[1, 4], [2, 5]]
x = array.array("d", [1, 2])
assert model.mixed(x, 3, True).result0.tolist() == [3, 6]
assert model.same(array.array("q", [1]), array.array("q", [2])).tolist() == [3]
assert model.double(4.0) == 8.0
out = memoryview(bytearray(16)).cast("f", (2, 2))
model.apply([[1, 0, 0], [0, 1, 0]], out=out)
assert out.tolist() == [[1, 4], [2, 5]]
try:
    model.mixed(array.array("f", [1]), 3, True)
except mad.DTypeError as error:
    assert "has elements `f` of 4 bytes, expected f64" in str(error)
else:
    raise AssertionError
print("all good")
