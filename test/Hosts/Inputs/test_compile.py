"""usage: test_compile.py MODEL LIBRARY FOLDER     mad.compile"""
import gc
import sys
import threading
import warnings

import numpy as np

import mad

path, library, folder = sys.argv[1:4]
x = np.arange(12, dtype=np.float32).reshape(4, 3)

jit, aot = mad.compile(path), mad.load(library)
assert (jit.apply(x) == aot.apply(x)).all()
assert list(jit.entries) == list(aot.entries)
# Other weights.
np.savez(folder + "/other.npz", w=np.array([[2, 4, 6], [8, 10, 12]], np.float32))
twice = mad.compile(path, weights=folder + "/other.npz")
assert (twice.apply(x) == 2 * jit.apply(x)).all()
# What nothing reads of them is a warning.
np.savez(folder + "/more.npz", w=np.array([[2, 4, 6], [8, 10, 12]], np.float32), v=np.ones(2))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    assert (mad.compile(path, weights=folder + "/more.npz").apply(x) == 2 * jit.apply(x)).all()
assert [str(w.message) for w in caught] == [
    f"`{folder}/more.npz` holds `v`, which no weight of the program is read from"], caught
# A text; the code outlives the module.
double = mad.compile(source="/// Two of each.\nexport fn double[N](x: f64[N]) -> f64[N] { x + x }").double
gc.collect()
assert (double(np.array([1.0, 2.0])) == [2.0, 4.0]).all()
assert double.__doc__.startswith("Two of each.")


def failure(kind, *args, **kwargs):
    try:
        mad.compile(*args, **kwargs)
    except kind as error:
        return str(error)
    raise AssertionError("not refused")


print(failure(mad.CompileError, "here.mad",
              source="fn f(x: f32[3]) -> f32[3] { x }\nexport fn g(x: f32[2]) -> f32[3] { f(x) }"))
print(failure(mad.FileError, "missing.mad"))
print(failure(mad.CompileError, path, weights=__file__))
print(failure(mad.InvalidArgumentError))
print(failure(mad.InvalidArgumentError, source="a\0b"))

# Threads compile at the same time.
results = {}


def work(i):
    m = mad.compile(source="export fn f(x: f32) -> f32 { x * %d.0 }" % i)
    results[i] = m.f(2.0)


threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert results == {i: 2.0 * i for i in range(4)}, results
print("all good")
