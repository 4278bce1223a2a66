#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the model of decoder.mad and writes its weights; needs PyTorch, train.sh brings it.

usage: train.py -o weights.safetensors [--steps N] [--threads N]

The text is the documentation that comes with Python: the topics of its help and the docstrings of its
library, 1.9 MB. A GPU is used where there is one.
"""
import argparse
import ast
import json
import math
import os
import struct
import sysconfig
import time
from pydoc_data.topics import topics

import torch
from torch import nn
from torch.nn import functional as F

BYTES, WIDTH, HEADS, INNER, LAYERS, CONTEXT = 256, 128, 4, 352, 4, 256


def texts():
    """Topics, then docstrings, file after file."""
    yield from (topics[name] for name in sorted(topics))
    skipped = {"test", "tests", "site-packages", "dist-packages", "idlelib", "lib2to3", "pydoc_data"}
    for folder, folders, files in os.walk(sysconfig.get_path("stdlib")):
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(n for n in files if n.endswith(".py")):
            try:
                with open(os.path.join(folder, name), encoding="utf-8") as f:
                    tree = ast.parse(f.read())
            except (SyntaxError, UnicodeDecodeError):
                continue
            for node in ast.walk(tree):
                if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
                    text = ast.get_docstring(node) or ""
                    if len(text) > 60:
                        yield text


def rotary(length, size, device):
    """Cosines and sines of nn.rope: pair i is elements i and i + size / 2."""
    angle = torch.arange(length)[:, None] * 10000.0 ** (-2.0 * torch.arange(size // 2) / size)
    return angle.cos().to(device), angle.sin().to(device)


def turn(x, cos, sin):
    low, high = x.chunk(2, dim=-1)
    return torch.cat([low * cos - high * sin, low * sin + high * cos], dim=-1)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = nn.RMSNorm(WIDTH, eps=1e-5), nn.RMSNorm(WIDTH, eps=1e-5)
        self.query, self.key, self.value, self.join = (
            nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.gate, self.up = (nn.Linear(WIDTH, INNER, bias=False) for _ in range(2))
        self.down = nn.Linear(INNER, WIDTH, bias=False)

    def forward(self, x, cos, sin):
        b, t, _ = x.shape
        h = self.norm1(x)
        q, k, v = (f(h).view(b, t, HEADS, -1).transpose(1, 2)
                   for f in (self.query, self.key, self.value))
        y = F.scaled_dot_product_attention(turn(q, cos, sin), turn(k, cos, sin), v, is_causal=True)
        x = x + self.join(y.transpose(1, 2).reshape(b, t, WIDTH))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(BYTES, WIDTH)
        self.layers = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = nn.RMSNorm(WIDTH, eps=1e-5)
        for name, p in self.named_parameters():
            if p.dim() == 2:
                last = name.endswith(("join.weight", "down.weight"))
                nn.init.normal_(p, std=0.02 / (math.sqrt(2 * LAYERS) if last else 1))

    def forward(self, ids):
        """Scores of the byte behind each one. The table of the input also reads the output."""
        cos, sin = rotary(ids.shape[1], WIDTH // HEADS, ids.device)
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x) @ self.embed.weight.T


def save(model, path, note):
    """As f16: half the size, and nothing that these scores would show."""
    header, data = {"__metadata__": {"note": note}}, b""
    for name, p in model.state_dict().items():
        part = p.detach().half().cpu().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F16", "shape": list(p.shape),
                        "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)
    os.replace(path + ".part", path)


def loss_of(model, data, starts):
    ids = torch.stack([data[s:s + CONTEXT + 1] for s in starts]).long()
    return F.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    text = "\n\n".join(texts()).encode("ascii", "ignore")
    data = torch.frombuffer(bytearray(text), dtype=torch.uint8).to(device)
    # The last twentieth is never trained on.
    train, held = data[:-len(data) // 20], data[-len(data) // 20:]

    model = Decoder().to(device)
    decay = [p for p in model.parameters() if p.dim() == 2]
    rest = [p for p in model.parameters() if p.dim() != 2]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}],
        lr=options.rate, betas=(0.9, 0.95))
    print("%d parameters, %.1f MB of text" %
          (sum(p.numel() for p in model.parameters()), len(data) / 1e6), flush=True)
    start = time.time()
    for step in range(options.steps):
        warm = min(1.0, (step + 1) / 50)
        rate = options.rate * warm * (0.05 + 0.95 * (1 + math.cos(math.pi * step / options.steps)) / 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = loss_of(model, train, torch.randint(len(train) - CONTEXT - 1, (options.batch,)))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99:
            print("step %d: %.3f bits a byte, %.0f s" %
                  (step + 1, loss.item() / math.log(2), time.time() - start), flush=True)
    with torch.no_grad():
        starts = range(0, len(held) - CONTEXT - 1, max(CONTEXT, len(held) // 400))
        total = [loss_of(model, held, starts[i:i + 32]).item() for i in range(0, len(starts), 32)]
    bits = sum(total) / len(total) / math.log(2)
    print("held-out text: %.3f bits a byte" % bits)
    save(model, options.output, "%d steps of %d x %d bytes on %s; %.3f bits a byte of held-out text" %
         (options.steps, options.batch, CONTEXT, device, bits))


if __name__ == "__main__":
    main()
