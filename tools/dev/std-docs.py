#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documentation of the standard library.

    std-docs.py                    writes docs/std.md
    std-docs.py --check            fails when docs/std.md is not what would be written
    std-docs.py --test MAD [M...]  runs the examples of all modules, or of those named, on every target

The examples of a module, or of a part of it, become one file whose lines are those of the module, so
that an error has the number of the line to change.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from stdlib import ROOT, all_items, read_library

PAGE = ROOT / "docs" / "std.md"
TARGETS = ["ref64", "ref", "jit"]


def page(library):
    out = ["# The standard library", "",
           "Written by `tools/dev/std-docs.py` from the comments in `frontend/std`: change those, then "
           "run it. The tests run every example on all targets.", ""]
    for module in library:
        names = " ".join(f"[`{i.name}`](#{module.name}{i.name.lower()})" for i in all_items(module))
        out += [f"- [`std.{module.name}`](#std{module.name}): {names}"]
    for module in library:
        out += ["", f"## std.{module.name}", "", module.about]
        for item in all_items(module):
            out += ["", f"### {module.name}.{item.name}", "", "```", item.signature, "```", "",
                    item.doc]
            for _, lines in item.examples:
                out += ["", "```mad", *lines, "```"]
    return "\n".join(out) + "\n"


def test_file(module, library):
    """The examples as tests, each on its own lines of the module."""
    lines = [""] * (module.path.read_text(encoding="utf-8").count("\n") + 1)
    text = ""
    for item in module.items:
        for first, example in item.examples:
            lines[first - 2] = f'test "{module.name}.{item.name}" {{'
            lines[first - 1:first - 1 + len(example)] = example
            lines[first - 1 + len(example)] = "}"
            text += "\n".join(example) + "\n"
    used = [m.name for m in library if m.name == module.name or re.search(rf"\b{m.name}\.", text)]
    lines[0] = "; ".join(f"use std.{name}" for name in used)
    return "\n".join(lines) + "\n"


def run_examples(mad, names):
    library = read_library()
    failed = 0
    for module in [part for whole in library for part in whole.parts]:
        if names and module.name not in names:
            continue
        count = sum(len(item.examples) for item in module.items)
        if not count:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{module.name}.mad"
            path.write_text(test_file(module, library))
            for target in TARGETS:
                done = subprocess.run([mad, "test", str(path), f"--target={target}"],
                                      capture_output=True, text=True)
                if done.returncode == 0:
                    continue
                failed += 1
                bad = [l for l in done.stdout.split("\n") if not re.match(r"ok  |\d+ passed", l)]
                print(f"{module.path.relative_to(ROOT)} on {target} (lines as in that file):",
                      done.stderr, *bad, sep="\n")
                break
        print(f"{module.path.relative_to(ROOT)}: {count} examples")
    return failed


def main():
    words = sys.argv[1:]
    if words and words[0] == "--test":
        sys.exit(run_examples(words[1], words[2:]) > 0)
    text = page(read_library())
    if words == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
            sys.exit("docs/std.md is not what the comments in frontend/std say: run "
                     "tools/dev/std-docs.py")
        return
    if words:
        sys.exit(__doc__)
    PAGE.write_text(text, encoding="utf-8")


main()
