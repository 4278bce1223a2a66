#!/usr/bin/env python3
"""What ptxas makes of the kernels of whole programs: it takes all of them, for each chip. Some spill a few
registers: kernels of the catalogue do not (test/Kernels/Gpu), but with what follows a product one or two may
be missing, and serial code of large functions has more values than there are registers.

    ptxas.py MAD FILE.mad ...
    ptxas.py MAD --all          all programs of this folder, but signal.mad and linalg.mad, which take minutes

ptxas runs once a chip for all kernels of a program. The chip 8.0 is for programs with kernels that a chip 9.0 never runs,
which has others in their place: these are compiled for it, too. The others' text for it is the same but for what lets
kernels overlap; what it takes of each kernel of the catalogue is in test/Kernels/Gpu.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

MOST = 160  # bytes that a kernel may spill: behind loops, where sums that are cut meet what follows a product
HERE = os.path.dirname(os.path.abspath(__file__))


def compiled(mad, path, folder, chip):
    """The kernels of a program, with what ptxas says of them on a chip."""
    done = subprocess.run([mad, "build", path, "--target=cuda", f"--chips={chip}", "--with-tests",
                           "--name=m", "-o", folder], capture_output=True, text=True)
    if done.returncode:
        return [], [done.stderr.strip()]
    with open(f"{folder}/m.json") as f:
        variant = next(v for v in json.load(f)["variants"] if v["name"] == "cuda")
    kinds = {(image["kind"], image["chip"]) for image in variant["images"]}
    if chip == "sm_80":
        kinds.discard(("ptx", "sm_90a"))  # kernels that the other chip has no code for
    expected = {("ptx", "sm_80"), ("cubin", chip)}
    return variant["kernels"], [] if kinds == expected else [f"images {sorted(kinds)}, expected {sorted(expected)}"]


def check(mad, path, folder):
    """The number of kernels of a program, and what is wrong with them."""
    kernels, wrong = compiled(mad, path, folder, "sm_90a")
    found = [kernel["chips"] for kernel in kernels]
    # Of kernels of groups of warps some take the place of others, which only other chips run.
    if not all(found):
        older, more = compiled(mad, path, folder, "sm_80")
        wrong += more
        found = [dict(kernel["chips"], **seen) for kernel, seen in zip(older, found)]
    for kernel, chips in zip(kernels, found):
        if not chips:
            wrong.append(f"no chip has code for `{kernel['name']}`")
        wrong += [f"`{kernel['name']}` ({kernel['place']}) spills {what['spills']} bytes on {chip}"
                  for chip, what in chips.items() if what["spills"] > MOST]
    return len(kernels), wrong


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
