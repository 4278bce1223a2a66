"""usage: test_states.py LIBRARY     states and threads, on a model written by hand"""
import ctypes
import sys
import threading

import numpy as np

import mad
from mad import _library

get = ctypes.CDLL(sys.argv[1]).states_artifact
get.restype = ctypes.c_void_p
runtime, value = _library.runtime(), ctypes.c_void_p()
assert runtime.mad_module_create(get(), ctypes.byref(value), ctypes.byref(_library.ErrorText())) == 0
model = mad.Module(runtime, value, None, 2)

assert repr(model.add.entry) == "add[N](s: state f32[N], x: f32[N]) -> ()", repr(model.add.entry)
state, x = np.zeros(3, np.float32), np.array([1, 2, 3], np.float32)
assert model.add(state, x) is None
assert state.tolist() == [1, 2, 3]
model.add(s=state, x=[1, 1, 1])
assert state.tolist() == [2, 3, 4]
model.add(memoryview(state), x, out=())
assert state.tolist() == [3, 5, 7]


def refused(kind, text, *args):
    try:
        model.add(*args)
    except kind as error:
        assert text in str(error), str(error)
    else:
        raise AssertionError("not refused: " + text)
    assert state.tolist() == [3, 5, 7]


refused(mad.DTypeError, "`s` of `add` is list, expected an array", [1.0, 2.0, 3.0], x)
frozen = state.copy()
frozen.flags.writeable = False
refused(mad.InvalidArgumentError, "is read-only, but the call writes to it", frozen, x)
refused(mad.InvalidArgumentError, "overlaps", state, state)

# Large loops on a pool that all contexts share.
y = np.arange(100000, dtype=np.float32)
expected = y * y * np.float32(1e-38)
failures = []


def work():
    for _ in range(20):
        if not (model.square(y) == expected).all():
            failures.append(1)


threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert not failures
print("all good")
