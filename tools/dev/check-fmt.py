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

    def trees(paths):
        """Of those that parse, in one call: a start takes longer than parsing a file."""
        done = run("check", "--dump=ast", *paths)
        parts = re.split(r"^== (.*)\n", done.stdout, flags=re.M)
        return {name: re.sub(r"\s*(\\n|doc=\")\s*", r"\1", text) for name, text in zip(parts[1::2], parts[2::2])}

    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    all_of = []
    for number, (name, text) in enumerate(programs(folder)):
        path = scratch / f"{number}.mad"
        path.write_bytes(text)
        all_of.append((name, str(path), text))
    before = trees([path for _, path, _ in all_of])
    parse = list(before)
    faults = 0

    def report(name, fault):
        nonlocal faults
        faults += 1
        print(f"{name}: {fault}")

    done = run("fmt", *parse)
    if done.returncode != 0:
        report(folder, f"some files cannot be formatted: {done.stderr}")
    once = {path: Path(path).read_bytes() for path in parse}
    run("fmt", *parse)
    after = trees(parse)
    for name, path, text in all_of:
        if path not in before:
            done = run("fmt", path)
            if Path(path).read_bytes() != text or done.returncode != 1:
                report(name, "does not parse and was changed")
        elif after.get(path) != before[path]:
            report(name, "has another tree when formatted")
        elif Path(path).read_bytes() != once[path]:
            report(name, "is formatted differently the second time")
    print(f"{len(all_of)} programs, {faults} faults")
    sys.exit(faults > 0 or not parse)


main()
