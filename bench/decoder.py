#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares one step of examples/decoder with PyTorch: one byte, batch 1, a cache of 256 positions.

usage: bench/decoder.py [--build FOLDER] [--repeats N]

Runs in the environment that `examples/minilm/fetch.sh --reference` makes. One thread; they take turns of 16 steps;
shown are medians of processor time. "times as fast" is the time of PyTorch divided by that of mad.
"""
import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
EXAMPLE = ROOT / "examples" / "decoder"
PYTHON = ROOT / "examples" / "minilm" / "venv" / "bin" / "python"
ROOM, SIZE = 256, 32
# In a row, as a text is written: what one step leaves in the caches the next one finds.
STEPS = 16


def torch_steps():
    """The step as written, and compiled where that works: {name: function of byte, position, cache}."""
    import torch
    from torch.nn import functional as F
    from torch_minilm import read_safetensors
    spec = importlib.util.spec_from_file_location("train", EXAMPLE / "train.py")
    train = importlib.util.module_from_spec(spec)
    sys.modules["train"] = train
    spec.loader.exec_module(train)
    model = train.Decoder()
    weights = read_safetensors(EXAMPLE / "weights.safetensors")
    model.load_state_dict({name: w.float() for name, w in weights.items()})
    cos, sin = train.rotary(ROOM, SIZE, "cpu")
    places = torch.arange(ROOM)

    def step(byte, position, cache):
        x = model.embed.weight[byte]
        seen = (places <= position)[None, None, :]
        for i, layer in enumerate(model.layers):
            h = layer.norm1(x)
            q, k, v = (f(h).view(train.HEADS, 1, SIZE) for f in (layer.query, layer.key, layer.value))
            cache[i, 0].index_copy_(1, position, train.turn(k, cos[position], sin[position]))
            cache[i, 1].index_copy_(1, position, v)
            y = F.scaled_dot_product_attention(train.turn(q, cos[position], sin[position]), cache[i, 0],
                                               cache[i, 1], seen)
            x = x + layer.join(y.reshape(1, -1))
            h = layer.norm2(x)
            x = x + layer.down(F.silu(layer.gate(h)) * layer.up(h))
        return (model.norm(x) @ model.embed.weight.T)[0]

    return {"torch": step, "compiled": torch.compile(step)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--repeats", type=int, default=100)
    options = parser.parse_args()
    if Path(sys.prefix) != PYTHON.parent.parent:
        if not PYTHON.exists():
            sys.exit("examples/minilm/venv is missing; make it: examples/minilm/fetch.sh --reference")
        os.execv(str(PYTHON), [str(PYTHON)] + sys.argv)
    import numpy as np
    import torch
    from madlib import Model
    torch.set_num_threads(1)
    build = Path(options.build).resolve()
    position = 128
    print("torch %s, position %d of %d; load %.1f" % (torch.__version__, position, ROOM,
                                                     os.getloadavg()[0]))
    with tempfile.TemporaryDirectory() as folder:
        start, before = time.perf_counter(), os.times()
        subprocess.run([str(build / "bin" / "mad"), "build", "--cache=off", str(EXAMPLE / "decoder.mad"),
                        "-o", folder], check=True, stdout=subprocess.DEVNULL)
        after, wall = os.times(), time.perf_counter() - start
        print("mad build, cold: %.2f s, of the processor %.2f s" % (
            wall, after.children_user - before.children_user + after.children_system - before.children_system))
        mad = Model(str(build / "lib" / "libmad_runtime.so"), folder + "/libdecoder.so")
        filled = np.random.default_rng(1).standard_normal((4, 2, 4, ROOM, SIZE)).astype(np.float32)
        cache, scores = filled.copy(), np.empty(256, np.float32)
        calls = {"mad": mad.entry("step", [np.array(101, np.int32), np.array(position, np.int64), cache],
                                  [scores, cache])}
        calls["mad"]()
        byte, at = torch.tensor([101]), torch.tensor([position])
        for name, step in torch_steps().items():
            held = torch.from_numpy(filled.copy())

            def call(step=step, held=held):
                with torch.inference_mode():
                    return step(byte, at, held)

            try:
                found = call().numpy()
            except Exception as error:
                if name == "torch":
                    raise
                print("torch.compile does not work here: %s" % str(error).split("\n")[0])
                continue
            # As in examples/decoder/test.py.
            if not np.abs(found - scores).max() < 1e-3:
                sys.exit("mad and PyTorch differ by %g" % np.abs(found - scores).max())
            calls[name] = call
        times = {name: [] for name in calls}
        for _ in range(options.repeats + 1):
            for name, call in calls.items():
                call()
                before = time.thread_time()
                for _ in range(STEPS):
                    call()
                times[name].append((time.thread_time() - before) / STEPS)
    median = {name: statistics.median(t[1:]) for name, t in times.items()}
    weights = 4 * 803584
    print("\none step           us   times as fast")
    for name, t in median.items():
        print("  %-9s %9.1f   %s" % (name, 1e6 * t, "" if name == "mad" else "%.2f" % (t / median["mad"])))
    print("mad reads %.1f MB of weights a step: %.1f GB/s" % (1e-6 * weights, 1e-9 * weights / median["mad"]))


if __name__ == "__main__":
    main()
