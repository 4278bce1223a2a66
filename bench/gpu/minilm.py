#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""examples/minilm on a GPU, against PyTorch there: eager, and as a CUDA graph.

usage: bench/gpu/minilm.py pack FOLDER [--build BUILD]     where MAD is built and the model was fetched
       bench/gpu/minilm.py run FOLDER [--shapes 1x64,32x64]   where the GPU is

`pack` leaves the weights behind: `run` makes random ones of the same shapes, for both. Inputs and
results lie on the GPU. Times are medians, of the clock of the host from the call until its
result is there.
"""
import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import packing

GROUP = {"query": "attention.self.query.weight", "query_bias": "attention.self.query.bias",
         "key": "attention.self.key.weight", "key_bias": "attention.self.key.bias",
         "value": "attention.self.value.weight", "value_bias": "attention.self.value.bias",
         "join": "attention.output.dense.weight", "join_bias": "attention.output.dense.bias",
         "gamma1": "attention.output.LayerNorm.weight", "beta1": "attention.output.LayerNorm.bias",
         "up": "intermediate.dense.weight", "up_bias": "intermediate.dense.bias",
         "down": "output.dense.weight", "down_bias": "output.dense.bias",
         "gamma2": "output.LayerNorm.weight", "beta2": "output.LayerNorm.bias"}
SINGLE = {"words": "word_embeddings.weight", "positions": "position_embeddings.weight",
          "segments": "token_type_embeddings.weight", "gamma": "LayerNorm.weight", "beta": "LayerNorm.bias"}


def pack(options):
    root = HERE.parents[1]
    options.folder.mkdir(parents=True, exist_ok=True)
    begin = time.perf_counter()
    subprocess.run([str(options.build / "bin" / "mad"), "build", "--cache=off", "--target=cuda",
                    str(root / "examples" / "minilm" / "minilm.mad"), "-o", str(options.folder)], check=True,
                   stdout=subprocess.DEVNULL)
    print(f"mad build, cold: {time.perf_counter() - begin:.1f} s")
    (options.folder / "minilm.weights").unlink()
    packing.copy_python(options.build, options.folder)
    for file in (Path(__file__), HERE / "packing.py", root / "bench" / "torch_minilm.py"):
        shutil.copy(file, options.folder)


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, x in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for x in tensors.values():
            f.write(x.tobytes())


def random_weights(folder):
    """Writes them under the names of the artifact, and gives them under those of the model."""
    import numpy as np
    rng = np.random.default_rng(1)
    ours, theirs = {}, {}
    for weight in json.loads((folder / "minilm.json").read_text())["weights"]:
        name, shape = weight["name"], weight["shape"]
        x = rng.standard_normal(shape, dtype=np.float32) * np.float32(0.05)
        if name.split(".")[-1].startswith("gamma"):
            x += 1
        ours[name] = x
        if "." not in name:
            theirs["embeddings." + SINGLE[name]] = x
            continue
        field = name.split(".")[1]
        for i, layer in enumerate(x):
            theirs[f"encoder.layer.{i}.{GROUP[field]}"] = np.ascontiguousarray(
                layer.T if GROUP[field].endswith("weight") and layer.ndim == 2 else layer)
    write_safetensors(folder / "random.safetensors", ours)
    write_safetensors(folder / "model.safetensors", theirs)


def timed(call, repeats):
    import torch
    for _ in range(10):
        call()
    torch.cuda.synchronize()
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken)


def run(options):
    folder = options.folder.resolve()
    packing.use_python(folder)
    import mad
    import torch
    from torch_minilm import MiniLM
    random_weights(folder)
    theirs = MiniLM(str(folder / "model.safetensors"))
    theirs.w = {name: x.cuda() for name, x in theirs.w.items()}
    library, weights = str(folder / "libminilm.so"), str(folder / "random.safetensors")
    ours = mad.load(library, weights=weights, device="cuda")
    side = torch.cuda.Stream()
    captured = mad.load(library, weights=weights, device="cuda", stream=side.cuda_stream, wait=False)
    print(torch.cuda.get_device_properties(0).name, "torch", torch.__version__, "mad on", ours.device, flush=True)
    print("batch x tokens    mad us   in a graph   torch   torch graph   times as fast as: torch, graph; graphs of both   "
          "least cosine")
    failed = False
    for text in options.shapes.split(","):
        shape = tuple(map(int, text.split("x")))
        ids = torch.randint(1000, 30000, shape, device="cuda")
        mask = torch.ones(shape, dtype=torch.long, device="cuda")
        mask[1::2, shape[1] * 3 // 4:] = 0
        narrow, known = ids.int(), mask.bool()
        out = torch.empty(shape[0], 384, device="cuda")
        with torch.inference_mode():
            expected = theirs(ids, mask)
            ours.embed(narrow, known, out=out)
            torch.cuda.synchronize()
            cosine = float((out * expected).sum(1).min())
            failed |= not cosine >= 0.99999
            stream = torch.cuda.Stream()
            with torch.cuda.stream(stream):
                theirs(ids, mask)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                theirs(ids, mask)
            with torch.cuda.stream(side):
                captured.embed(narrow, known, out=out)
            captured.synchronize()
            own = torch.cuda.CUDAGraph()
            with torch.cuda.graph(own, stream=side, capture_error_mode="thread_local"):
                captured.embed(narrow, known, out=out)
            out.zero_()
            own.replay()
            torch.cuda.synchronize()
            cosine = min(cosine, float((out * expected).sum(1).min()))
            failed |= not cosine >= 0.99999
            times = [timed(call, options.repeats) for call in (
                lambda: ours.embed(narrow, known, out=out), own.replay, lambda: theirs(ids, mask), graph.replay)]
        us = [1e6 * seconds for seconds in times]
        print(f"{text:>14} {us[0]:9.0f} {us[1]:12.0f} {us[2]:7.0f} {us[3]:13.0f}   {us[2] / us[0]:20.2f} "
              f"{us[3] / us[0]:6.2f} {us[3] / us[1]:16.2f}       {cosine:.6f}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["pack", "run"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release" if len(HERE.parents) > 1
                        else None)
    parser.add_argument("--shapes", default="1x16,1x64,1x256,32x64")
    parser.add_argument("--repeats", type=int, default=50)
    options = parser.parse_args()
    if options.what == "pack":
        return pack(options)
    sys.exit(run(options))


main()
