#!/usr/bin/env python3
"""Compares the bits of results for several numbers of threads.

    threads.py MAD FILE.mad

Takes the EXECUTE lines of the file (compare.py), in memory and ahead of time.
"""
import os
import re
import subprocess
import sys
import tempfile

mad, path = sys.argv[1], os.path.abspath(sys.argv[2])
with open(path) as f:
    cases = re.findall(r"^// EXECUTE: (.*)$", f.read(), re.M)
with tempfile.TemporaryDirectory() as folder:
    os.environ["MAD_CACHE"] = folder + "/cache"  # each entry is compiled once
    subprocess.run([mad, "build", path, "--name=m", "--target=native", "-o", folder], check=True,
                   stdout=subprocess.DEVNULL)
    for case in cases:
        words = [w for w in case.split() if not w.startswith(("rtol=", "atol="))]
        runs = [(folder + "/libm.so", n) for n in (1, 2, 3, 7)] + [(path, 1), (path, 3)]
        first = None
        for target, threads in runs:
            out = folder + "/out.npz"
            subprocess.run([mad, "run", target, *words, f"--threads={threads}", "-o", out],
                           check=True)
            with open(out, "rb") as f:
                bits = f.read()
            first = first or bits
            if bits != first:
                sys.exit(f"{case}: other bits with {threads} threads from {target}")
print(f"{len(cases)} entries have the same bits")
