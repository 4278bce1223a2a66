#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares examples/minilm with ONNX Runtime and PyTorch on the same weights.

usage: bench/minilm.py [--build FOLDER] [--shapes 1x16,32x64] [--threads 1,2] [--repeats N]

Runs in the environment that `examples/minilm/fetch.sh --reference` makes. The calls of the three take turns; shown are
medians, of processor time for one thread and of elapsed time for more, after a pause and a call. "times as fast" is their time
divided by that of mad. The limit is what sums in registers reach on one core (peak.c), measured
before and after.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
EXAMPLE = ROOT / "examples" / "minilm"
PYTHON = EXAMPLE / "venv" / "bin" / "python"
# Multiplications and additions of the six layers for one token, and for one token and key.
FLOPS, FLOPS_A_KEY = 6 * 2 * (4 * 384 * 384 + 2 * 384 * 1536), 6 * 2 * 2 * 384


def batch(shape, seed=1):
    """Ids and mask; every other text of a batch is shorter."""
    import numpy as np
    rng = np.random.default_rng(seed)
    ids = rng.integers(1000, 30000, shape).astype(np.int64)
    mask = np.ones(shape, np.int64)
    mask[1::2, shape[1] * 3 // 4:] = 0
    return ids, mask


def mad_call(build, folder, shape, threads):
    import numpy as np
    from madlib import Model
    model = Model(str(build / "lib" / "libmad_runtime.so"), str(folder / "libminilm.so"), threads)
    ids, mask = batch(shape)
    out = np.empty((shape[0], 384), np.float32)
    run = model.entry("embed", [ids.astype(np.int32), mask.astype(bool)], [out])

    def call():
        run()
        return out

    # The arrays live as long as the call.
    call.keep = model
    return call


def ort_call(folder, shape, threads):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(folder / "minilm.onnx"), options,
                                           providers=["CPUExecutionProvider"])
    ids, mask = batch(shape)
    return lambda: session.run(None, {"ids": ids, "mask": mask})[0]


def torch_call(shape, threads):
    import torch
    from torch_minilm import MiniLM
    model = MiniLM(str(EXAMPLE / "model" / "model.safetensors"))
    ids, mask = map(torch.from_numpy, batch(shape))

    def call():
        torch.set_num_threads(threads)
        with torch.inference_mode():
            return model(ids, mask).numpy()

    return call


def calls_of(build, folder, shape, threads):
    return {"mad": mad_call(build, folder, shape, threads), "ort": ort_call(folder, shape, threads),
            "torch": torch_call(shape, threads)}


def in_turn(calls, clock, repeats, limit):
    """Medians in seconds, after one call of each that does not count."""
    times = {name: [] for name in calls}
    for call in calls.values():
        call()
    end = time.monotonic() + limit
    while len(times["mad"]) < repeats and (len(times["mad"]) < 3 or time.monotonic() < end):
        for name, call in calls.items():
            if clock is time.perf_counter:
                # Threads of the library before still wait for work, and hold a core.
                time.sleep(0.1)
                call()
            start = clock()
            call()
            times[name].append(clock() - start)
    return {name: statistics.median(t) for name, t in times.items()}, len(times["mad"])


def peak_of_core(folder):
    program = folder / "peak"
    if not program.exists():
        subprocess.run(["clang-22", "-std=gnu11", "-O2", "-march=native", "-ffp-contract=fast",
                        str(HERE / "peak.c"), "-o", str(program)], check=True)
    return float(subprocess.run([str(program)], check=True, stdout=subprocess.PIPE).stdout)


def times(build, folder, options):
    import numpy as np
    peak = peak_of_core(folder)
    print("\nbatch x tokens  threads       mad       ort     torch   times as fast as   GFLOP/s of mad")
    print("                               ms        ms        ms      ort   torch    (share of the limit)")
    rows = []
    for threads in options.threads:
        for shape in options.shapes:
            calls = calls_of(build, folder, shape, threads)
            expected = calls["torch"]()
            for name in ("mad", "ort"):
                cosine = (calls[name]() * expected).sum(1).min()
                if not cosine >= 0.99999:
                    sys.exit("%s: the least cosine to PyTorch is %f" % (name, cosine))
            clock = time.thread_time if threads == 1 else time.perf_counter
            median, count = in_turn(calls, clock, options.repeats, options.seconds)
            rows.append((shape, threads, median, count))
            flops = shape[0] * shape[1] * (FLOPS + FLOPS_A_KEY * shape[1])
            rate = 1e-9 * flops / median["mad"]
            print("%10s  %7d   %9.2f %9.2f %9.2f   %6.2f  %6.2f    %6.1f (%.0f %%)   %d runs" % (
                "%d x %d" % shape, threads, *(1e3 * median[n] for n in ("mad", "ort", "torch")),
                median["ort"] / median["mad"], median["torch"] / median["mad"], rate,
                100 * rate / (peak * threads), count), flush=True)
    peak = max(peak, peak_of_core(folder))
    print("limit: %.1f GFLOP/s a core" % peak)


def memory(build, folder, shape, which):
    """Runs in a process of its own: resident memory before and at its highest in the call, MiB."""
    def status(key):
        for line in open("/proc/self/status"):
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    call = None
    import numpy as np  # noqa: F401
    if which == "ort":
        import onnxruntime  # noqa: F401
    before = status("VmRSS")
    call = mad_call(build, folder, shape, 1) if which == "mad" else ort_call(folder, shape, 1)
    loaded = status("VmRSS")
    open("/proc/self/clear_refs", "w").write("5")
    call()
    print(json.dumps({"loaded": loaded - before, "peak": status("VmHWM") - before,
                      "call": status("VmHWM") - loaded}))


def memories(build, folder, shape):
    print("\nmemory for %d x %d, MiB beyond what the process had with its libraries" % shape)
    found = {}
    for which in ("mad", "ort"):
        out = subprocess.run([str(PYTHON), __file__, "--build", str(build), "--folder", str(folder),
                              "--memory", which, "--shapes", "%dx%d" % shape], check=True,
                             stdout=subprocess.PIPE).stdout
        found[which] = json.loads(out)
        print("  %-5s loaded %6.1f, at most in the call %6.1f" % (which, found[which]["loaded"],
                                                                  found[which]["peak"]))
    print("  mad takes %.2f times the memory of ort" % (found["mad"]["peak"] / found["ort"]["peak"]))


def compile_and_load(build, folder):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(build / "bin" / "mad"), "build", "--cache=off", str(EXAMPLE / "minilm.mad"), "-o",
                    str(folder)], check=True, stdout=subprocess.DEVNULL)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - start
    print("\nmad build, cold: %.2f s, of the processor %.2f s" % (
        wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    from madlib import Model
    loads = []
    for _ in range(11):
        start = time.perf_counter()
        model = Model(str(build / "lib" / "libmad_runtime.so"), str(folder / "libminilm.so"))
        loads.append(time.perf_counter() - start)
        variant = model.variant()
        model.close()
    print("loading it: %.2f ms (median of 11), variant %s" % (1e3 * statistics.median(loads), variant))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default=str(ROOT / "build" / "release"))
    parser.add_argument("--shapes", default="1x16,1x64,1x256,32x64")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=30, help="for each line, but three runs at least")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--memory", choices=["mad", "ort"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if Path(sys.prefix) != PYTHON.parent.parent:
        if not PYTHON.exists():
            sys.exit("examples/minilm/venv is missing; make it: examples/minilm/fetch.sh --reference")
        os.execv(str(PYTHON), [str(PYTHON)] + sys.argv)
    build = Path(options.build).resolve()
    options.shapes = [tuple(map(int, s.split("x"))) for s in options.shapes.split(",")]
    options.threads = [int(t) for t in options.threads.split(",")]
    if options.memory:
        memory(build, Path(options.folder), options.shapes[0], options.memory)
        return
    import onnxruntime
    import torch
    from torch_minilm import export
    print("onnxruntime %s, torch %s; load %.1f" % (onnxruntime.__version__, torch.__version__,
                                                   os.getloadavg()[0]))
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        compile_and_load(build, folder)
        export(str(EXAMPLE / "model" / "model.safetensors"), str(folder / "minilm.onnx"))
        memories(build, folder, options.shapes[-1])
        times(build, folder, options)


if __name__ == "__main__":
    main()
