#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ensembles of larger systems on a GPU, a block each: heat on a ring of 64 or 512 points, t = 1, steps of their own.

usage: bench/gpu/systems.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/systems.py run FOLDER                      where the GPU is

Times are of a call with its wait, medians of 7; inputs and results lie on the GPU. The error is the largest one against the
same call with a tolerance of 1e-10, in parts of the largest element. Where diffrax is installed, its calls follow.
"""
import argparse
import statistics
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import captured
import ensemble_diffrax
import packing

POINTS = 64, 512
SYSTEMS = 16384, 2048
PROGRAM = "".join(f"""
ode heat{n}(u: f64[{n}]; k: f64) {{
  let d[i in 0..{n}] = u[i - 1] - 2.0 * u[i] + u[i + 1] with boundary = periodic
  der(u) = k * d + sin(u)
}}
export fn f64_{n}[B](u: f64[B, {n}], k: f64[B], tol: f64) -> f64[B, {n}] {{
  (solve heat{n}(u; k) from 0.0 to 1.0 with tsit5(rtol = tol, atol = tol)).u
}}
""" for n in POINTS)


class Heat(ensemble_diffrax.Diffrax):
    def right(self, dtype):
        jnp = self.jax.numpy
        return lambda t, u, k: k * (jnp.roll(u, 1) - 2 * u + jnp.roll(u, -1)) + jnp.sin(u)


def pack(options):
    packing.pack_program(options, "systems", PROGRAM, (Path(__file__), HERE / "captured.py", HERE / "ensemble_diffrax.py"))


def run(options):
    import numpy as np
    import torch
    stream = torch.cuda.Stream()
    program = captured.Program(options.folder, "libsystems.so", stream.cuda_stream)
    try:
        diffrax = Heat()
    except ImportError:
        diffrax = None
    print(torch.cuda.get_device_properties(0).name, "torch", torch.__version__, diffrax.version if diffrax else "no diffrax")
    random = torch.Generator(device="cuda").manual_seed(1)
    for points, systems in zip(POINTS, SYSTEMS):
        def uniform(*shape):
            return torch.rand(*shape, device="cuda", generator=random, dtype=torch.float64)

        u, k = 2 * uniform(systems, points) - 1, 0.5 + 10 * uniform(systems)

        def call(tol):
            out = torch.zeros_like(u)
            program.call(f"f64_{points}", [u, k, torch.tensor(tol, device="cuda", dtype=torch.float64)], out)()
            program.wait()
            torch.cuda.synchronize()
            return out

        exact, end, taken = call(1e-10), call(1e-5), []
        for _ in range(7):
            begin = time.perf_counter()
            call(1e-5)
            taken.append(1e3 * (time.perf_counter() - begin))
        took = statistics.median(taken)
        error = float((end - exact).abs().max() / exact.abs().max())
        line = f"{systems:6} systems of {points:4} f64 {took:8.3f} ms   error {error:8.1e}"
        if diffrax:
            theirs, end = diffrax.run(np.float64, None, u.cpu().numpy(), k.cpu().numpy(), 1e-5, 5)
            error = float(np.abs(np.float64(end) - exact.cpu().numpy()).max() / float(exact.abs().max()))
            line += f"   diffrax {theirs:8.3f} ms   error {error:8.1e}   {theirs / took:5.1f} times as fast"
        print(line, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("pack", "run"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release")
    options = parser.parse_args()
    (pack if options.what == "pack" else run)(options)


if __name__ == "__main__":
    main()
