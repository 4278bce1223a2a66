#!/usr/bin/env python3
"""Runs a program on every target and compares the results.

    compare.py MAD FILE.mad

The file holds lines of the form

    // EXECUTE: entry name=VALUE ... [rtol=R] [atol=A]
    // EXECUTE-EXACT: entry name=VALUE ... [gpu=R]
    // EXECUTE-FAIL: entry name=VALUE ... : text of the error

The first kind runs the entry in f64 (the oracle), in the declared types, compiled in memory, ahead
of time, ahead of time for any CPU, as kernels of a GPU in the emulator, and on a GPU where there
is one. Integers and bools must be equal. Floats must be within
rtol * |oracle| + atol of the oracle; the defaults are a few roundings of f32. Memory and ahead of time
must agree to the bit. The second kind, for strict code, runs in the declared types on all targets,
and all must agree to the bit with the reference (any NaN is as good as another); with gpu=R, where
functions of f64 are those of CUDA, a GPU must be within R * (1 + |reference|). The third kind must
fail with the text on all targets. Test blocks of the file run on all targets too. What took kernels of a chip
9.0 in the emulator, as `mad` notes, runs there as on a chip 8.0 besides.
"""
import os
import re
import subprocess
import sys
import tempfile
import zlib

import numpy as np


OTHER_CHIPS = "`--target=simt:80` tests these"


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def must(*command):
    done = run(*command)
    if done.returncode:
        sys.exit(f"failed: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done


def results(mad, target, words, out):
    """What a call gives, and whether chips 8.0 would run other kernels for it."""
    done = must(mad, "run", *target, *words, "-o", out)
    with np.load(out) as data:
        return {name: data[name] for name in data.files}, OTHER_CHIPS in done.stderr


def compare(name, oracle, got, rtol, atol):
    if oracle.shape != got.shape:
        sys.exit(f"{name}: shape {got.shape}, expected {oracle.shape}")
    if got.dtype.kind != "f":
        if not np.array_equal(oracle, got):
            sys.exit(f"{name}: {got}\nexpected {oracle}")
        return
    with np.errstate(invalid="ignore"):
        good = np.abs(got - oracle) <= atol + rtol * np.abs(oracle)
    good |= (got == oracle) | (np.isnan(got) & np.isnan(oracle))
    if not good.all():
        at = tuple(np.argwhere(~good)[0])
        sys.exit(f"{name}{list(map(int, at))}: {got[at]!r}, expected {oracle[at]!r}")


def exact(name, expected, got):
    if expected.shape != got.shape or expected.dtype != got.dtype:
        sys.exit(f"{name}: {got.dtype}{got.shape}, expected {expected.dtype}{expected.shape}")
    bits = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}[expected.itemsize]
    good = expected.view(bits) == got.view(bits)
    if expected.dtype.kind == "f":
        good |= np.isnan(expected) & np.isnan(got)
    if not good.all():
        at = tuple(np.argwhere(~good)[0])
        sys.exit(f"{name}{list(map(int, at))}: {got[at]!r}, expected the bits of {expected[at]!r}; "
                 f"{np.count_nonzero(~good)} of {good.size} differ")


def main():
    mad, path = (os.path.abspath(p) for p in sys.argv[1:3])
    with open(path) as f:
        text = f.read()
    cases = re.findall(r"^// EXECUTE: (.*)$", text, re.M)
    exacts = re.findall(r"^// EXECUTE-EXACT: (.*)$", text, re.M)
    failures = re.findall(r"^// EXECUTE-FAIL: (.*?) : (.*)$", text, re.M)
    tests = len(re.findall(r'^test "', text, re.M))
    if not cases and not exacts and not failures and not tests:
        sys.exit("nothing to execute")
    os.chdir(os.path.dirname(os.path.abspath(path)))
    with tempfile.TemporaryDirectory() as folder:
        # An entry that is called again with other inputs is not compiled again.
        os.environ["MAD_CACHE"] = folder + "/cache"
        targets = {
            "ref": [path, "--target=ref"],
            "jit": [path, "--target=jit"],
            # Three times: each launch has another order of its threads, and memory what the last call left.
            "simt": [path, "--target=simt", "--repeat=3", f"--seed={zlib.crc32(text.encode()) % 1000}"],
        }
        simt80 = [path, "--target=simt:80"]
        if os.environ.get("MAD_TEST_GPU"):
            targets["cuda"] = [path, "--target=cuda"]
        if cases or exacts or failures:
            must(mad, "build", path, "--name=m", "--target=x86-64,native", "-o", folder)
            targets["aot"] = [folder + "/libm.so"]
            # The variant for any CPU: no FMA, narrower vectors. Its code is in the cache.
            must(mad, "build", path, "--name=b", "--target=x86-64", "-o", folder)
            targets["baseline"] = [folder + "/libb.so"]

        def everywhere(words):
            for target, where in targets.items():
                given, others = results(mad, where, words, folder + "/g.npz")
                yield target, given
                if others:
                    yield "simt80", results(mad, simt80, words, folder + "/g.npz")[0]

        for case in cases:
            entry, *rest = case.split()
            options = dict(w.split("=") for w in rest if w.startswith(("rtol=", "atol=")))
            words = [entry] + [w for w in rest if not w.startswith(("rtol=", "atol="))]
            rtol, atol = float(options.get("rtol", 2e-6)), float(options.get("atol", 1e-6))
            oracle, _ = results(mad, [path, "--target=ref64"], words, folder + "/o.npz")
            got = {}
            for target, given in everywhere(words):
                got[target] = given
                for name, value in got[target].items():
                    compare(f"{case} on {target}: {name}", oracle[name], value, rtol, atol)
            for name, value in got["jit"].items():
                if value.tobytes() != got["aot"][name].tobytes():
                    sys.exit(f"{case}: {name} differs between memory and ahead of time")
        for case in exacts:
            words = [w for w in case.split() if not w.startswith("gpu=")]
            near = [float(w[4:]) for w in case.split() if w.startswith("gpu=")]
            expected, _ = results(mad, targets["ref"], words, folder + "/o.npz")
            for target, got in everywhere(words):
                for name, value in got.items():
                    if near and target == "cuda":
                        compare(f"{case} on {target}: {name}", expected[name], value, *near, *near)
                    else:
                        exact(f"{case} on {target}: {name}", expected[name], value)
        for case, expected in failures:
            left = list(targets.items())
            for target, where in left:
                done = run(mad, "run", *where, *case.split())
                if OTHER_CHIPS in done.stderr:
                    left.append(("simt80", simt80))
                if done.returncode != 1 or expected not in done.stderr:
                    sys.exit(f"{case} on {target}: exit {done.returncode}\n{done.stderr}")
        on = sorted({target for target in targets if target not in ("aot", "baseline")} | {"ref64"})
        for target in on if tests else []:
            done = must(mad, "test", path, "--target=" + target, *(["--repeat=3"] if target == "simt" else []))
            if OTHER_CHIPS in done.stderr:
                on.append("simt:80")
    print(f"{len(cases) + len(exacts)} entries, {len(failures)} failures, {tests} tests as expected")


main()
