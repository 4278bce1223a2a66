#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the formatter on every program of a folder: check-fmt.py MAD FOLDER SCRATCH

Each .mad file below FOLDER and each `mad` block of a page there is formatted in the file SCRATCH. One
that parses must keep its syntax tree, and formatting it twice must equal once; one that does not parse
must stay as it is. Spaces around `///` are no part of the tree.
"""
import re
import subprocess
import sys
from pathlib import Path


def programs(folder):
    for path in sorted(folder.rglob("*.mad")):
        if "build" not in path.relative_to(folder).parts:
            yield str(path), path.read_bytes()
    for path in sorted(folder.glob("docs/**/*.md")):
        for block in re.finditer(r"^```mad\n(.*?)^```", path.read_text(), re.M | re.S):
            yield str(path), block[1].encode()


def main():
    mad, folder, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

    def run(*arguments):
        return subprocess.run([mad, *arguments, str(scratch)], capture_output=True, text=True)

    def tree():
        done = run("check", "--dump=ast")
        return re.sub(r"\s*(\\n|doc=\")\s*", r"\1", done.stdout) if done.returncode == 0 else None

    faults = total = 0
    for name, text in programs(folder):
        total += 1
        scratch.write_bytes(text)
        before = tree()
        done = run("fmt")
        once = scratch.read_bytes()
        if before is None:
            fault = "does not parse and was changed" if once != text or done.returncode != 1 else None
        elif done.returncode != 0:
            fault = f"cannot be formatted: {done.stderr}"
        elif tree() != before:
            fault = "has another tree when formatted"
        else:
            run("fmt")
            fault = "is formatted differently the second time" if scratch.read_bytes() != once else None
        if fault:
            faults += 1
            print(f"{name}: {fault}")
    print(f"{total} programs, {faults} faults")
    sys.exit(faults > 0 or total == 0)


main()
