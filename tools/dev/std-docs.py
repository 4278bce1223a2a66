#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The documentation of the standard library.

    std-docs.py                    writes docs/std.md
    std-docs.py --check [FOLDER]   fails where a comment lacks what stdlib.py says, or docs/std.md is not
                                   what would be written; of another FOLDER only the former
    std-docs.py --test MAD [M...]  runs the examples of all modules, or of those named, on every target

The examples of a module, or of a part of it, become one file whose lines are those of the module, so
that an error has the number of the line to change.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from stdlib import FOLDER, PARTS, ROOT, all_items, faults, read_library

PAGE = ROOT / "docs" / "std.md"
TARGETS = ["ref64", "ref", "jit"]
CONVENTIONS = """
*Numerics* says how far a result may be from the formula, for floats, with `fp = default`:

- ulp is the distance of neighbouring numbers at the result, eps that at 1 (2⁻²³ in f32, 2⁻⁵² in f64). Both
  are of numbers that are neither infinite nor denormal.
- `+ - * /` and `sqrt` round once, within half an ulp. A function of the language, such as `exp`, is within 4 ulp in
  f32 and 2 in f64, where that is not left to the C library ([performance/functions.md](performance/functions.md) has them all).
- The bound of sums is that of [language.md](language.md), "Precision": for n terms (1100 + n / 1024) eps / 2 times
  the sum of their absolute values, and mostly a hundredth of it.
- In f16 and bf16 each operation computes in f32 and rounds to the type, whose eps is 2⁻¹⁰ and 2⁻⁷.
- Where nothing is said, an operand NaN gives NaN, and what is too large is infinite.

*Cost* counts what the compiled code does: operations an element, or in all as a polynomial of the sizes, of which
`B...` are left out. One pass reads the operands and writes the result once. Functions of elements become part of the
loops beside them, so that theirs is a pass only where they stand alone. Memory is named where it is more than the
operands and the result.
""".strip().split("\n")


def page(library):
    out = ["# The standard library", "",
           "Written by `tools/dev/std-docs.py` from the comments in `frontend/std`: change those, then "
           "run it. The tests run every example on all targets.", "", *CONVENTIONS, ""]
    for module in library:
        names = " ".join(f"[`{i.name}`](#{module.name}{i.name.lower()})" for i in all_items(module))
        out += [f"- [`std.{module.name}`](#std{module.name}): {names}"]
    for module in library:
        out += ["", f"## std.{module.name}", "", module.about]
        for item in all_items(module):
            doc = re.sub(rf"^({'|'.join(PARTS)}):", r"*\1:*", item.doc, flags=re.MULTILINE)
            out += ["", f"### {module.name}.{item.name}", "", "```", item.signature, "```", "", doc]
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


def check(folder):
    """What is wrong with the comments of a library; of ours also with its page."""
    library = read_library(folder)
    wrong = [f"{path.relative_to(ROOT) if folder == FOLDER else path}:{line}: {text}"
             for module in library for path, line, text in
             ((part.path, *fault) for part in module.parts for fault in faults(part))]
    written = PAGE.read_text(encoding="utf-8") if PAGE.exists() else None
    if folder == FOLDER and written != page(library):
        wrong.append("docs/std.md is not what the comments in frontend/std say: run tools/dev/std-docs.py")
    return wrong


def main():
    words = sys.argv[1:]
    if words and words[0] == "--test":
        sys.exit(run_examples(words[1], words[2:]) > 0)
    if words and words[0] == "--check" and len(words) <= 2:
        sys.exit("\n".join(check(Path(words[1]) if len(words) == 2 else FOLDER)) or None)
    if words:
        sys.exit(__doc__)
    PAGE.write_text(page(read_library()), encoding="utf-8")


main()
