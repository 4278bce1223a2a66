#!/usr/bin/env python3
"""What ptxas makes of the kernels of whole programs: it takes all of them, for each chip. Some spill a few
registers: kernels of the catalogue do not (test/Kernels/Gpu), but with what follows a product one or two may
be missing, and serial code of large functions has more values than there are registers.

    ptxas.py MAD FILE.mad ...
    ptxas.py MAD --all          all programs of this folder, but signal.mad and linalg.mad, which take minutes

Each program is compiled once, and ptxas runs once a chip for all of its kernels. The chip 8.0 is for programs that
have other kernels there, those with `EXECUTE-ALSO: simt:80`. The others' text for it is the same but for what lets kernels
overlap; what it takes of each kernel of the catalogue is in test/Kernels/Gpu.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

ALSO = "// EXECUTE-ALSO: simt:80"
MOST = 160  # bytes that a kernel may spill: behind loops, where sums that are cut meet what follows a product
HERE = os.path.dirname(os.path.abspath(__file__))


def check(mad, path, folder):
    """The number of kernels of a program, and what is wrong with them."""
    with open(path) as f:
        chips = {"sm_80", "sm_90a"} if ALSO in f.read().splitlines() else {"sm_90a"}
    done = subprocess.run([mad, "build", path, "--target=cuda", f"--chips={','.join(chips)}", "--with-tests",
                           "--name=m", "-o", folder], capture_output=True, text=True)
    if done.returncode:
        return 0, [done.stderr.strip()]
    with open(f"{folder}/m.json") as f:
        variant = next(v for v in json.load(f)["variants"] if v["name"] == "cuda")
    kinds = {(image["kind"], image["chip"]) for image in variant["images"]}
    expected = {("ptx", "sm_80")} | {("cubin", chip) for chip in chips}
    wrong = [] if kinds == expected else [f"images {sorted(kinds)}, expected {sorted(expected)}"]
    for kernel in variant["kernels"]:
        # Kernels of groups of warps are for one chip, and what they take the place of for the others.
        if set(kernel["chips"]) not in (chips, {"sm_90a"}, chips - {"sm_90a"}):
            wrong.append(f"`{kernel['name']}` is described for {sorted(kernel['chips'])}")
        wrong += [f"`{kernel['name']}` ({kernel['place']}) spills {found['spills']} bytes on {chip}"
                  for chip, found in kernel["chips"].items() if found["spills"] > MOST]
    return len(variant["kernels"]), wrong


def main():
    mad, *paths = sys.argv[1:]
    if paths == ["--all"]:
        paths = [f"{HERE}/{name}" for name in sorted(os.listdir(HERE))
                 if name.endswith(".mad") and name not in ("signal.mad", "linalg.mad")]
    total, bad = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            count, wrong = check(mad, path, folder)
            total += count
            bad += bool(wrong)
            for text in wrong:
                print(f"{os.path.basename(path)}: {text}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{used.ru_utime + used.ru_stime:.0f} s of the processor", file=sys.stderr)
    print(f"{total} kernels of {len(paths)} programs, {bad} programs with faults")
    return 1 if bad or not total else 0


sys.exit(main())
