#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the formatter on every program of a folder: check-fmt.py MAD FOLDER SCRATCH

Each .mad file below FOLDER and each `mad` block of a page there is formatted in the new folder SCRATCH. One
that parses must keep its syntax tree, and formatting it twice must equal once; one that does not parse
must stay as it is. Spaces around `///` are no part of the tree.
"""
import re
import shutil
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
        return subprocess.run([mad, *arguments], capture_output=True, text=True)

    def tree(path):
        done = run("check", "--dump=ast", str(path))
        return re.sub(r"\s*(\\n|doc=\")\s*", r"\1", done.stdout) if done.returncode == 0 else None

    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    all_of = []
    for number, (name, text) in enumerate(programs(folder)):
        path = scratch / f"{number}.mad"
        path.write_bytes(text)
        all_of.append((name, path, text, tree(path)))
    parse = [str(path) for _, path, _, before in all_of if before is not None]
    faults = 0

    def report(name, fault):
        nonlocal faults
        faults += 1
        print(f"{name}: {fault}")

    # Those that parse in one call, and again: a start takes longer than formatting a file.
    done = run("fmt", *parse)
    if done.returncode != 0:
        report(folder, f"some files cannot be formatted: {done.stderr}")
    once = {path: path.read_bytes() for _, path, _, _ in all_of}
    run("fmt", *parse)
    for name, path, text, before in all_of:
        if before is None:
            done = run("fmt", str(path))
            if path.read_bytes() != text or done.returncode != 1:
                report(name, "does not parse and was changed")
        elif tree(path) != before:
            report(name, "has another tree when formatted")
        elif path.read_bytes() != once[path]:
            report(name, "is formatted differently the second time")
    print(f"{len(all_of)} programs, {faults} faults")
    sys.exit(faults > 0 or not parse)


main()
