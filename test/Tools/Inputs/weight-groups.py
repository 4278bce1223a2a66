# Writes model files with a few layers, and what the model gives for them. Small integers: every sum
# is exact in f32, whatever the order.
import numpy as np

rng = np.random.default_rng(1)


def number(*shape):
    return rng.integers(-2, 3, shape).astype(np.float32)


def model():
    made = {"head.k": number(4, 4), "head.b": number(4)}
    for i in range(3):
        made[f"layer.{i}.k"] = number(4, 4)
        made[f"layer.{i}.b"] = number(4)
    return made


def encode(m, x):
    for i in range(3):
        x = x @ m[f"layer.{i}.k"].T + m[f"layer.{i}.b"]
    return x @ m["head.k"] + m["head.b"]


x = number(2, 4)
first, second = model(), model()
np.save("x.npy", x)
np.savez("model.npz", **first)
np.savez("again.npz", **second)
np.save("expected.npy", encode(first, x))
np.save("again.npy", encode(second, x))
np.save("third.npy", first["layer.2.k"].T + first["layer.0.k"].T)
np.savez("missing.npz", **{name: value for name, value in first.items() if name != "layer.1.b"})
np.savez("shape.npz", **{**first, "layer.2.b": number(5)})
