#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Ensembles of differential equations on a GPU: 2^20 systems of Lorenz, t = 1, each with steps of its own.

usage: bench/gpu/ensemble.py pack FOLDER [--build BUILD]     where MAD is built
       bench/gpu/ensemble.py run FOLDER                      where the GPU is

Times are of a call in a CUDA graph, medians of 20; inputs and results lie on the GPU. The error is the largest one of 4096
systems against a tolerance of 1e-10 in f64, in parts of the largest element. Where diffrax is installed (`pip install
"jax[cuda13]" diffrax`), its calls follow on the same inputs: the time until the result is there, compiled before.
"""
import argparse
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import captured
import ensemble_diffrax
import packing

PROGRAM = """
ode narrow(u: f32[3]; sigma: f32, rho: f32, beta: f32) {
  let (x, y, z) = u
  der(u) = [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]
}
ode wide(u: f64[3]; sigma: f64, rho: f64, beta: f64) {
  let (x, y, z) = u
  der(u) = [sigma * (y - x), x * (rho - z) - y, x * y - beta * z]
}
export fn f32_default[B](u: f32[B, 3], p: f32[B], tol: f64) -> f32[B, 3] {
  (solve narrow(u; 10.0, p, 8.0 / 3.0) from 0.0 to 1.0 with tsit5(rtol = tol, atol = tol)).u
}
// With the first step and the control of a kernel in CUDA C++ that this is compared with.
export fn f32_given[B](u: f32[B, 3], p: f32[B], tol: f64) -> f32[B, 3] {
  (solve narrow(u; 10.0, p, 8.0 / 3.0) from 0.0 to 1.0 with tsit5(rtol = tol, atol = tol, first = 1e-3, controller = i)).u
}
export fn f64_default[B](u: f64[B, 3], p: f64[B], tol: f64) -> f64[B, 3] {
  (solve wide(u; 10.0, p, 8.0 / 3.0) from 0.0 to 1.0 with tsit5(rtol = tol, atol = tol)).u
}
export fn f64_given[B](u: f64[B, 3], p: f64[B], tol: f64) -> f64[B, 3] {
  (solve wide(u; 10.0, p, 8.0 / 3.0) from 0.0 to 1.0 with tsit5(rtol = tol, atol = tol, first = 1e-3, controller = i)).u
}
"""
SYSTEMS = 1 << 20
FEW = 4096


def pack(options):
    packing.pack_program(options, "ensemble", PROGRAM, (Path(__file__), HERE / "captured.py", HERE / "ensemble_diffrax.py"))


def run(options):
    import numpy as np
    import torch
    stream = torch.cuda.Stream()
    program = captured.Program(options.folder, "libensemble.so", stream.cuda_stream)
    try:
        diffrax = ensemble_diffrax.Diffrax()
    except ImportError:
        diffrax = None
    print(torch.cuda.get_device_properties(0).name, "torch", torch.__version__, diffrax.version if diffrax else "no diffrax")
    random = torch.Generator(device="cuda").manual_seed(1)

    def uniform(*shape):
        return torch.rand(*shape, device="cuda", generator=random, dtype=torch.float64)

    start = uniform(SYSTEMS, 3) * 2 - 1 + torch.tensor([1.0, 1, 20], device="cuda", dtype=torch.float64)
    for rhos, rho in (("28", torch.full((SYSTEMS,), 28.0, device="cuda", dtype=torch.float64)),
                      ("0 to 28", 28 * uniform(SYSTEMS))):
        exact = solved(torch, program, "f64_default", start[:FEW], rho[:FEW], 1e-10)
        for name in "f32_default", "f32_given", "f64_default", "f64_given":
            dtype = torch.float32 if name[1:3] == "32" else torch.float64
            u, p = start.to(dtype), rho.to(dtype)
            end = solved(torch, program, name, u[:FEW], p[:FEW], 1e-5)
            error = float((end.double() - exact).abs().max() / exact.abs().max())
            out, tol = torch.zeros_like(u), torch.tensor(1e-5, device="cuda", dtype=torch.float64)
            graph = captured.graph_of([program.call(name, [u, p, tol], out)], stream, program.wait)
            taken = []
            for _ in range(20):
                begin, stop = torch.cuda.Event(True), torch.cuda.Event(True)
                with torch.cuda.stream(stream):
                    begin.record(stream)
                    graph.replay()
                    stop.record(stream)
                torch.cuda.synchronize()
                taken.append(begin.elapsed_time(stop))
            took = statistics.median(taken)
            line = f"rho {rhos:8} {name:12} {took:7.3f} ms   error {error:8.1e}"
            if diffrax:
                theirs, end = diffrax.run(np.float32 if name[1:3] == "32" else np.float64, 1e-3 if "given" in name else None,
                                          start.cpu().numpy(), rho.cpu().numpy(), 1e-5, 20)
                error = float(np.abs(np.float64(end[:FEW]) - exact.cpu().numpy()).max() / float(exact.abs().max()))
                line += f"   diffrax {theirs:8.3f} ms   error {error:8.1e}   {theirs / took:5.1f} times as fast"
            print(line, flush=True)


def solved(torch, program, name, u, p, tol):
    out = torch.zeros_like(u)
    program.call(name, [u.contiguous(), p.contiguous(), torch.tensor(tol, device="cuda", dtype=torch.float64)], out)()
    program.wait()
    torch.cuda.synchronize()
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("pack", "run"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--build", type=Path, default=HERE.parents[1] / "build" / "release")
    options = parser.parse_args()
    (pack if options.what == "pack" else run)(options)


if __name__ == "__main__":
    main()
