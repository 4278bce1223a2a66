#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions, transposes and batches of small products, on one thread, against PyTorch and ONNX Runtime.

usage: bench/conv.py [--build FOLDER] [--target NAME] [--repeats N] [--only TEXT]

Weights are known when compiling, the image and its batch when running. Times are medians
of the processor time of interleaved runs; a ratio above 1: the compiled code is faster.
NumPy is compared always, torch and onnxruntime (with the package onnx) where this Python
has them.
"""
import argparse
import tempfile
import time
from pathlib import Path

from others import np, onnx_call, onnxruntime, torch, versions

from madlib import compiled
from matmul import measure, peak_flops

try:
    import onnx
except ImportError:
    onnxruntime = None  # nothing to give it

ROOT = Path(__file__).resolve().parent.parent

# name: channels, size of the image, channels of the result, kernel, stride, groups
CONVOLUTIONS = {
    "7x7 s2, 3 to 64, 224": (3, 224, 64, 7, 2, 1),
    "3x3, 3 to 16, 224": (3, 224, 16, 3, 1, 1),
    "3x3, 64 to 64, 56": (64, 56, 64, 3, 1, 1),
    "3x3, 128 to 128, 28": (128, 28, 128, 3, 1, 1),
    "3x3, 256 to 256, 14": (256, 14, 256, 3, 1, 1),
    "3x3, 512 to 512, 7": (512, 7, 512, 3, 1, 1),
    "3x3 s2, 128 to 128, 56": (128, 56, 128, 3, 2, 1),
    "1x1, 64 to 256, 56": (64, 56, 256, 1, 1, 1),
    "1x1, 256 to 64, 56": (256, 56, 64, 1, 1, 1),
    "1x1, 1024 to 256, 14": (1024, 14, 256, 1, 1, 1),
    "1x1 s2, 256 to 512, 56": (256, 56, 512, 1, 2, 1),
    "depthwise 3x3, 96, 56": (96, 56, 96, 3, 1, 96),
    "depthwise 3x3 s2, 96, 112": (96, 112, 96, 3, 2, 96),
    "depthwise 5x5, 240, 28": (240, 28, 240, 5, 1, 240),
    "groups of 32, 3x3, 128 to 128, 28": (128, 28, 128, 3, 1, 4),
}

TRANSPOSES = {
    "transpose 1024 x 1024": ((1024, 1024), "y[j, i] = x[i, j]", (1, 0)),
    "transpose 1000 x 1003": ((1000, 1003), "y[j, i] = x[i, j]", (1, 0)),
    "transpose 64 x 64": ((64, 64), "y[j, i] = x[i, j]", (1, 0)),
    "transpose 4096 x 4096": ((4096, 4096), "y[j, i] = x[i, j]", (1, 0)),
    "heads 8 x 128 x 12 x 64": ((8, 128, 12, 64), "y[b, h, t, d] = x[b, t, h, d]", (0, 2, 1, 3)),
    "NCHW to NHWC 8 x 64 x 56 x 56": ((8, 64, 56, 56), "y[b, i, j, c] = x[b, c, i, j]", (0, 2, 3, 1)),
}

BATCHES = [(64, n, n, n) for n in (4, 8, 16, 32, 64)] + [(96, 64, 64, 128), (1000, 3, 3, 3)]


def conv_source(number, size):
    channels, image, outputs, kernel, stride, groups = size
    return f"""
weight w{number}: f32[{outputs}, {channels // groups}, {kernel}, {kernel}] from "conv.safetensors" : "w{number}"
weight b{number}: f32[{outputs}] from "conv.safetensors" : "b{number}"
export fn conv{number}[B](x: f32[B, {channels}, {image}, {image}]) -> f32[B, {outputs}, {image // stride}, {image // stride}]
    {{ nn.conv2d(x, w{number}, b{number}, stride = {stride}, padding = {(kernel - 1) // 2}, groups = {groups}) }}
"""


def transpose_source(number, case):
    shape, rule, order = case
    names = ["N", "M", "P", "Q"][:len(shape)]
    result = ", ".join(names[i] for i in order)
    return f"""
export fn transpose{number}[{", ".join(names)}](x: f32[{", ".join(names)}]) -> f32[{result}]
    {{ let {rule}
      y }}
"""


def sources():
    text = "use std.nn\n"
    text += "".join(conv_source(i, size) for i, size in enumerate(CONVOLUTIONS.values()))
    text += "".join(transpose_source(i, case) for i, case in enumerate(TRANSPOSES.values()))
    return text + """
export fn batch[B, M, K, N](x: f32[B, M, K], y: f32[B, K, N]) -> f32[B, M, N] { x @ y }
"""


def weights(rng):
    tensors = {}
    for i, (channels, _, outputs, kernel, _, groups) in enumerate(CONVOLUTIONS.values()):
        shape = (outputs, channels // groups, kernel, kernel)
        scale = np.float32(np.prod(shape[1:]) ** -0.5)
        tensors[f"w{i}"] = scale * rng.standard_normal(shape, dtype=np.float32)
        tensors[f"b{i}"] = rng.standard_normal(outputs, dtype=np.float32)
    return tensors


def save(path, tensors):
    """A .safetensors file."""
    import json
    header, at = {}, 0
    for name, t in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + t.nbytes]}
        at += t.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(t.tobytes() for t in tensors.values()))


def onnx_conv(w, bias, stride, padding, groups, x, out):
    helper, f32 = onnx.helper, onnx.TensorProto.FLOAT
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"], strides=[stride] * 2, pads=[padding] * 4,
                            group=groups)
    constants = [onnx.numpy_helper.from_array(w, "w"), onnx.numpy_helper.from_array(bias, "b")]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", f32, ["B", *x.shape[1:]])],
                              [helper.make_tensor_value_info("y", f32, ["B", *out.shape[1:]])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return onnx_call(model.SerializeToString(), x, out)


class Bench:
    def __init__(self, options, model, tensors, flops):
        self.options, self.model, self.tensors, self.flops = options, model, tensors, flops
        self.rng = np.random.default_rng(2)

    def show(self, title, calls, work, unit):
        times = dict(zip(calls, measure(calls.values(), self.options.repeats, time.thread_time)))
        mad = times["mad"]
        rate = f"{work / mad / 1e9:7.1f} {unit}"
        if unit == "GFLOP/s":
            rate += f" = {100 * work / mad / 1e9 / self.flops:3.0f} %"
        others = "  ".join(f"{n} {t / mad:5.2f}x" for n, t in times.items() if n != "mad")
        print(f"{title:36} {mad * 1e6:10.1f} us  {rate}  {others}", flush=True)

    def wanted(self, title):
        return self.options.only in title

    def convolutions(self):
        for i, (name, size) in enumerate(CONVOLUTIONS.items()):
            channels, image, outputs, kernel, stride, groups = size
            if not self.wanted(name):
                continue
            x = self.rng.standard_normal((1, channels, image, image), dtype=np.float32)
            out = np.empty((1, outputs, image // stride, image // stride), np.float32)
            w, bias = self.tensors[f"w{i}"], self.tensors[f"b{i}"]
            padding = (kernel - 1) // 2
            calls = {"mad": self.model.entry(f"conv{i}", [x], [out])}
            calls["mad"]()
            if torch:
                args = [torch.from_numpy(a) for a in (x, w, bias)]
                conv = torch.nn.functional.conv2d
                calls["torch"] = lambda: conv(*args, stride=stride, padding=padding, groups=groups)
                assert np.allclose(out, calls["torch"]().numpy(), atol=1e-4), name
            if onnxruntime:
                other = np.empty_like(out)
                calls["onnxruntime"] = onnx_conv(w, bias, stride, padding, groups, x, other)
            work = 2 * out.size * channels // groups * kernel * kernel
            self.show(name, calls, work, "GFLOP/s")

    def transposes(self):
        for i, (name, (shape, _, order)) in enumerate(TRANSPOSES.items()):
            if not self.wanted(name):
                continue
            x = self.rng.standard_normal(shape, dtype=np.float32)
            out = np.empty([shape[d] for d in order], np.float32)
            view, other = x.transpose(order), np.empty_like(out)
            calls = {"mad": self.model.entry(f"transpose{i}", [x], [out]),
                     "numpy": lambda: np.copyto(other, view),
                     "copy": lambda: np.copyto(other.reshape(-1), x.reshape(-1))}
            calls["mad"]()
            assert np.array_equal(out, view)
            if torch:
                tensor = torch.from_numpy(x).permute(order)
                calls["torch"] = lambda: tensor.contiguous()
            self.show(name, calls, 2 * x.nbytes, "GB/s")

    def batches(self):
        for b, m, k, n in BATCHES:
            name = f"batch of {b}: {m} x {k} x {n}"
            if not self.wanted(name):
                continue
            x = self.rng.standard_normal((b, m, k), dtype=np.float32)
            y = self.rng.standard_normal((b, k, n), dtype=np.float32)
            out, other = np.empty((b, m, n), np.float32), np.empty((b, m, n), np.float32)
            calls = {"mad": self.model.entry("batch", [x, y], [out]),
                     "numpy": lambda: np.matmul(x, y, out=other)}
            calls["mad"]()
            assert np.allclose(out, x @ y, atol=1e-4)
            if torch:
                args = [torch.from_numpy(a) for a in (x, y)]
                calls["torch"] = lambda: torch.bmm(*args)
            self.show(name, calls, 2 * b * m * k * n, "GFLOP/s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--target", default="x86-64-v4", help="the variant of the code")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", default="", help="a part of the names of the cases")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tensors = weights(np.random.default_rng(1))
        save(folder / "conv.safetensors", tensors)
        (folder / "conv.mad").write_text(sources())
        model = compiled(options.build, folder / "conv.mad", folder, options.target)
        flops = peak_flops(folder)
        print(f"variant {model.variant()}; limit {flops:.0f} GFLOP/s; {versions()}")
        bench = Bench(options, model, tensors, flops)
        bench.convolutions()
        bench.transposes()
        bench.batches()


if __name__ == "__main__":
    main()
