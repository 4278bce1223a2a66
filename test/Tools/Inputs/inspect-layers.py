"""Writes files with numbered layers, and what a model of one of them gives: inspect-layers.py FOLDER"""
import json
import struct
import sys

import numpy as np

folder = sys.argv[1]
rng = np.random.default_rng(2)


def number(*shape):
    """Small integers: every sum is exact, in bf16 too."""
    return rng.integers(-2, 3, shape).astype(np.float32)


def stored(array, dtype):
    if dtype == "BF16":
        return (array.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    return array.astype({"F16": np.float16, "F32": np.float32}[dtype]).tobytes()


def safetensors(path, tensors):
    header, data = {}, b""
    for name, (array, dtype) in tensors.items():
        content = stored(array, dtype)
        header[name] = {"dtype": dtype, "shape": array.shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    head = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(head)) + head + data)


model = {"embeddings.word_embeddings.weight": (number(10, 4), "F32")}
for i, dtype in enumerate(("F32", "F16", "BF16")):
    layer = f"encoder.layer.{i}."
    model[layer + "attention.self.query.weight"] = (number(4, 4), "F32")
    model[layer + "attention.self.query.bias"] = (number(4), "F32")
    model[layer + "output.LayerNorm.weight"] = (number(4), dtype)
    model[layer + "adapter"] = (number(5 if i == 2 else 3), "F32")
model["encoder.layer.0.bias_table"] = (number(2), "F32")
safetensors(f"{folder}/bert.safetensors", model)
x = number(2, 4)
np.save(f"{folder}/x.npy", x)
y = x
for i in range(3):
    layer = f"encoder.layer.{i}."
    y = y @ model[layer + "attention.self.query.weight"][0].T
    y = (y + model[layer + "attention.self.query.bias"][0]) * model[layer + "output.LayerNorm.weight"][0]
assert np.abs(y).max() < 2**24
np.save(f"{folder}/y.npy", y)
with open(f"{folder}/use.mad", "w") as file:
    file.write("""
export fn encode[N](x: f32[N, 4]) -> f32[N, 4] {
  scan h = x over w in encoder_layer {
    let y[n, m] = sum[k](h[n, k] * w.attention_self_query_weight[m, k])
    (y + w.attention_self_query_bias) * w.output_LayerNorm_weight
  }
}
""")

odd = {"axis": np.zeros(2), "Blk": np.zeros(1), "blk.0.w": np.zeros(1), "blk.1.w": np.full(1, 9.0),
       "gap.0.w": np.zeros(1), "gap.2.w": np.zeros(1), "pad.00.w": np.zeros(1),
       "pad.01.w": np.zeros(1), "fc.0.w": np.zeros(1), "fc.1.w": np.zeros(2),
       "odd{i}.0.w": np.zeros(1), "odd{i}.1.w": np.zeros(1), "gain/0": np.zeros(1),
       "gain/1": np.zeros(1), "0.let": np.zeros(1), "1.let": np.zeros(1)}
for i in range(2):
    odd[f"decoder.block.{i}.layer.0.w"] = np.full(2, 5.0 * i)
    odd[f"decoder.block.{i}.layer.1.w"] = np.zeros(3)
    # The stages differ, so that the second number counts.
    for j in range(2):
        odd[f"stages.{i}.blocks.{j}.w"] = np.full(i + 1, 7.0)
np.savez(f"{folder}/odd.npz", **odd)
