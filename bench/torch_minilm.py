# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""all-MiniLM-L6-v2 in PyTorch and as a file for ONNX Runtime, to compare with."""
import json
import math
import struct

import numpy as np
import torch
from torch.nn import functional as F

HEADS, LAYERS = 12, 6


def read_safetensors(path):
    with open(path, "rb") as f:
        (size,) = struct.unpack("<Q", f.read(8))
        header = json.loads(f.read(size))
        data = f.read()
    types = {"F16": np.float16, "F32": np.float32, "I64": np.int64}
    return {name: torch.from_numpy(np.frombuffer(
                data[t["data_offsets"][0]:t["data_offsets"][1]], types[t["dtype"]])
                .reshape(t["shape"]).copy())
            for name, t in header.items() if name != "__metadata__"}


class MiniLM(torch.nn.Module):
    """`fused`: with the attention of PyTorch; otherwise written out, as exporters expect it."""

    def __init__(self, path, fused=True):
        super().__init__()
        self.w, self.fused = read_safetensors(path), fused

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w[name + ".bias"])

    def norm(self, x, name):
        return F.layer_norm(x, (384,), self.w[name + ".weight"], self.w[name + ".bias"], 1e-12)

    def attention(self, x, bias, layer):
        q, k, v = (self.linear(x, layer + "attention.self." + name)
                   .view(x.shape[0], x.shape[1], HEADS, 32).transpose(1, 2)
                   for name in ("query", "key", "value"))
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, bias)
        else:
            y = torch.softmax(q @ k.transpose(2, 3) / math.sqrt(32) + bias, dim=-1) @ v
        return y.transpose(1, 2).reshape(x.shape[0], x.shape[1], 384)

    def forward(self, ids, mask):
        words = self.w["embeddings.word_embeddings.weight"][ids]
        positions = self.w["embeddings.position_embeddings.weight"][:ids.shape[1]]
        segment = self.w["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(words + positions + segment, "embeddings.LayerNorm")
        known = mask.to(x.dtype)
        bias = (1.0 - known)[:, None, None, :] * -10000.0
        for i in range(LAYERS):
            layer = "encoder.layer.%d." % i
            y = self.linear(self.attention(x, bias, layer), layer + "attention.output.dense")
            x = self.norm(x + y, layer + "attention.output.LayerNorm")
            y = F.gelu(self.linear(x, layer + "intermediate.dense"))
            x = self.norm(x + self.linear(y, layer + "output.dense"), layer + "output.LayerNorm")
        mean = (x * known[:, :, None]).sum(1) / known.sum(1, keepdim=True).clamp(min=1e-9)
        return F.normalize(mean, dim=1)


def export(weights, path):
    """Writes the model for ONNX Runtime, with the fusions of its own optimiser where that works."""
    model = MiniLM(weights, fused=False)
    ids, mask = torch.zeros(2, 8, dtype=torch.long), torch.ones(2, 8, dtype=torch.long)
    with torch.no_grad():
        torch.onnx.export(model, (ids, mask), path, dynamo=False, opset_version=17,
                          input_names=["ids", "mask"], output_names=["vectors"],
                          dynamic_axes={"ids": {0: "B", 1: "T"}, "mask": {0: "B", 1: "T"},
                                        "vectors": {0: "B"}})
    fuse(path)


def fuse(path):
    """With the fusions for BERTs that come with ONNX Runtime, which loading alone does not do."""
    try:
        from onnxruntime.transformers import optimizer
    except ImportError as error:
        print("no fusions of onnxruntime.transformers:", error)
        return
    optimizer.optimize_model(path, model_type="bert", num_heads=HEADS,
                             hidden_size=384).save_model_to_file(path)
