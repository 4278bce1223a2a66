#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains the digits network with NumPy and writes the files that lie here.

Only needed to make weights.safetensors, images.npy and labels.npy again; takes
less than a minute. Needs scikit-learn for its 1797 images (python3-sklearn).
Layouts are those of PyTorch: linear [out, in], convolution [out, in, kh, kw].
"""
import json
import os
import struct
import sys

import numpy as np

SEED = 7
HELD_OUT = 360
EPOCHS = 60
BATCH = 32
DROP = 0.3
HERE = os.path.dirname(os.path.abspath(__file__))


def data():
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(SEED).permutation(len(digits.target))
    images = digits.data[order].astype(np.float32)  # values 0 to 16
    labels = digits.target[order].astype(np.int64)
    return images[:-HELD_OUT], labels[:-HELD_OUT], images[-HELD_OUT:], labels[-HELD_OUT:]


def varied(images, rng):
    """Each image turned, stretched, slanted and moved a little, between pixels."""
    n = len(images)
    angle, slant = rng.uniform(-0.15, 0.15, n), rng.uniform(-0.1, 0.1, n)
    stretch_x, stretch_y = 1 + rng.uniform(-0.08, 0.08, (2, n))
    move_x, move_y = rng.uniform(-0.7, 0.7, (2, n))
    cosine, sine = np.cos(angle), np.sin(angle)

    # Where each new pixel lies in the old image, which gets a rim of two zeros.
    y, x = np.mgrid[0:8, 0:8] - 3.5
    new = lambda a: a[:, None, None]
    from_x = new(stretch_x) * (new(cosine) * x - new(sine) * y) + new(slant) * y + new(move_x)
    from_y = new(stretch_y) * (new(sine) * x + new(cosine) * y) + new(move_y)
    from_x, from_y = (np.clip(a + 5.5, 0, 10.999) for a in (from_x, from_y))
    padded = np.pad(images.reshape(n, 8, 8), ((0, 0), (2, 2), (2, 2)))
    i, c, r = np.arange(n)[:, None, None], from_x.astype(int), from_y.astype(int)
    right, down = from_x - c, from_y - r
    top = padded[i, r, c] * (1 - right) + padded[i, r, c + 1] * right
    bottom = padded[i, r + 1, c] * (1 - right) + padded[i, r + 1, c + 1] * right
    return (top * (1 - down) + bottom * down).astype(np.float32).reshape(n, 64)


def patches(x):
    """[B, C, H, W] to [B, H, W, C * 9]: what a 3x3 kernel sees, zeros outside."""
    b, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(b, h, w, c * 9)


def convolve(x, weight, bias):
    columns = patches(x)
    out = columns @ weight.reshape(len(weight), -1).T + bias
    return out.transpose(0, 3, 1, 2), columns


def convolve_back(grad, columns, weight, inputs):
    """Gradients of weight, bias and (if `inputs`) x."""
    o, c = weight.shape[:2]
    flat = grad.transpose(0, 2, 3, 1).reshape(-1, o)
    d_weight = (flat.T @ columns.reshape(-1, c * 9)).reshape(weight.shape)
    d_x = None
    if inputs:
        # The transposed convolution is one with the kernel turned round.
        turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
        d_x, _ = convolve(grad, np.ascontiguousarray(turned), 0)
    return d_weight, flat.sum(0), d_x


def forward(p, images, keep=None):
    """Probabilities, and what `backward` needs. `keep` scales the features: 0
    drops one, in training only."""
    x = images.reshape(-1, 1, 8, 8) / np.float32(16)
    a1, c1 = convolve(x, p["conv1.weight"], p["conv1.bias"])
    h1 = np.maximum(a1, 0)
    a2, c2 = convolve(h1, p["conv2.weight"], p["conv2.bias"])
    h2 = np.maximum(a2, 0)
    b, c, h, w = h2.shape
    pooled = h2.reshape(b, c, h // 2, 2, w // 2, 2).max((3, 5))
    features = pooled.reshape(b, -1)
    if keep is not None:
        features = features * keep
    logits = features @ p["fc.weight"].T + p["fc.bias"]
    logits = logits - logits.max(1, keepdims=True)
    e = np.exp(logits)
    return e / e.sum(1, keepdims=True), (a1, c1, a2, c2, h2, pooled, features)


def backward(p, probabilities, kept, labels, keep):
    a1, c1, a2, c2, h2, pooled, features = kept
    b = len(labels)
    g = {}
    d = probabilities.copy()
    d[np.arange(b), labels] -= 1
    d /= b
    g["fc.weight"], g["fc.bias"] = d.T @ features, d.sum(0)
    d = (d @ p["fc.weight"] * keep).reshape(pooled.shape)
    up = pooled.repeat(2, 2).repeat(2, 3)
    d = np.where((h2 == up) & (a2 > 0), d.repeat(2, 2).repeat(2, 3), np.float32(0))
    g["conv2.weight"], g["conv2.bias"], d = convolve_back(d, c2, p["conv2.weight"], True)
    d = np.where(a1 > 0, d, np.float32(0))
    g["conv1.weight"], g["conv1.bias"], _ = convolve_back(d, c1, p["conv1.weight"], False)
    return g


def start(rng):
    def he(*shape):
        fan = int(np.prod(shape[1:]))
        return (rng.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32)

    zeros = lambda n: np.zeros(n, np.float32)
    return {
        "conv1.weight": he(32, 1, 3, 3),
        "conv1.bias": zeros(32),
        "conv2.weight": he(64, 32, 3, 3),
        "conv2.bias": zeros(64),
        "fc.weight": he(10, 1024),
        "fc.bias": zeros(10),
    }


def train(images, labels, report):
    """Adam with a learning rate that falls along a cosine, and weight decay."""
    rng = np.random.default_rng(SEED + 1)
    p = start(rng)
    first = {k: np.zeros_like(v) for k, v in p.items()}
    second = {k: np.zeros_like(v) for k, v in p.items()}
    batches = len(images) // BATCH
    step, total = 0, EPOCHS * batches
    for epoch in range(EPOCHS):
        order = rng.permutation(len(images))
        for i in range(batches):
            pick = order[i * BATCH : (i + 1) * BATCH]
            keep = (rng.random((BATCH, p["fc.weight"].shape[1])) >= DROP) / np.float32(1 - DROP)
            out, kept = forward(p, varied(images[pick], rng), keep)
            g = backward(p, out, kept, labels[pick], keep)
            step += 1
            rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * step / total))
            for k in p:
                first[k] += 0.1 * (g[k] - first[k])
                second[k] += 0.001 * (g[k] ** 2 - second[k])
                m = first[k] / (1 - 0.9**step)
                v = second[k] / (1 - 0.999**step)
                decay = 1e-2 * p[k] if p[k].ndim > 1 else 0
                p[k] = (p[k] - rate * (m / (np.sqrt(v) + 1e-8) + decay)).astype(np.float32)
        report(epoch, p)
    return p


def accuracy(p, images, labels):
    return float((forward(p, images)[0].argmax(1) == labels).mean())


def write_safetensors(path, tensors):
    header, position = {}, 0
    for name in sorted(tensors):
        end = position + tensors[name].nbytes
        header[name] = {
            "dtype": "F32",
            "shape": list(tensors[name].shape),
            "data_offsets": [position, end],
        }
        position = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name in sorted(tensors):
            file.write(tensors[name].astype("<f4").tobytes())


def main():
    images, labels, held_images, held_labels = data()

    def report(epoch, p):
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: {100 * accuracy(p, images, labels):.2f} % of the training "
                  f"images", flush=True)

    p = train(images, labels, report)
    held = accuracy(p, held_images, held_labels)
    print(f"{100 * held:.2f} % of {HELD_OUT} held-out images")
    if held < 0.98:
        sys.exit("less than 98 %: nothing written")
    write_safetensors(os.path.join(HERE, "weights.safetensors"), p)
    np.save(os.path.join(HERE, "images.npy"), held_images)
    np.save(os.path.join(HERE, "labels.npy"), held_labels)


if __name__ == "__main__":
    main()
