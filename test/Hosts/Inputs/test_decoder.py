"""usage: test_decoder.py LIBRARY MODEL     a state, step by step, of a build and of mad.compile"""
import sys

import numpy as np

import mad

rng = np.random.default_rng(3)
x = rng.uniform(-0.75, 0.75, (7, 4)).astype(np.float32)


def reference():
    """In f64, with a cache that grows."""
    w = [0.5 * np.sin(s * (1 + 3 * np.arange(4)[:, None] + np.arange(4))) for s in (1, 2, 3)]
    rows = []
    for i in range(len(x)):
        keys, values, query = (x[:i + 1].astype(np.float64) @ m for m in w)
        score = np.exp(keys @ query[i])
        rows.append(score @ values / score.sum())
    return np.array(rows)


expected = reference()
for model in mad.load(sys.argv[1]), mad.compile(sys.argv[2]):
    keys, values = np.full((9, 4), 100, np.float32), np.full((9, 4), 100, np.float32)
    address = keys.ctypes.data
    for i, row in enumerate(x):
        y = model.step(row, i, keys, values)
        # The bound is that of decoder.c.
        np.testing.assert_allclose(y, expected[i], atol=1e-5)
        assert (keys[i + 1:] == 100).all() and (keys[:i + 1] != 100).all()
    assert keys.ctypes.data == address
    np.testing.assert_allclose(model.whole(x), expected, atol=1e-5)
    try:
        model.step(x[0], 9, keys, values)
        raise AssertionError("a step outside of the cache is not refused")
    except mad.OutOfRangeError as error:
        assert "9" in str(error), str(error)
    keys, values = np.full((9, 4), 100, np.float32), np.full((9, 4), 100, np.float32)
    np.testing.assert_allclose(model.step(x[0], 0, keys, values), expected[0], atol=1e-5)

    # By name: the tensors of a record.
    np.testing.assert_allclose(model.step(pos=1, cache_values=values, cache_keys=keys, x=x[1]),
                               expected[1], atol=1e-5)
    assert model.step.entry.inputs[2].name == "cache.keys"

    # Halves, as NumPy rounds them.
    numbers = rng.standard_normal(1000).astype(np.float32)
    half = model.halves(numbers)[0]
    assert half.dtype == np.float16 and (half == numbers.astype(np.float16)).all()
print("all good")
