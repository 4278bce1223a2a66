#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the pages of the errors: check-errors.py MAD FOLDER [CODE ...]

Each page of FOLDER has a wrong example, which must give the code of the page and no other, and a right
one, which must check. An example is fenced as `mad`, or as `sh`: a script that writes `wrong.mad` or
`right.mad` into its folder. Examples of E05xx are built, since weights are not read before.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

EXAMPLE = re.compile(r"^(Wrong|Right):\n\n```(mad|sh)\n(.*?)^```", re.M | re.S)


def run(mad, code, kind, language, text):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"{kind}.mad")
        if language == "mad":
            file.write_text(text)
        else:
            subprocess.run(["sh", "-e", "-c", text], cwd=folder, check=True)
        command = ["build", "-o", folder] if code.startswith("E05") else ["check"]
        return subprocess.run([mad, *command, str(file)], capture_output=True, text=True)


def check(mad, page):
    code, text = page.stem, page.read_text()
    examples = {kind.lower(): (language, body) for kind, language, body in EXAMPLE.findall(text)}
    if sorted(examples) != ["right", "wrong"]:
        return ["expected one block under `Wrong:` and one under `Right:`"]
    faults = []
    wrong = run(mad, code, "wrong", *examples["wrong"])
    found = set(re.findall(r"^error\[(E\d+)\]", wrong.stderr, re.M))
    if wrong.returncode != 1 or found != {code}:
        faults.append(f"the wrong example gives {sorted(found) or 'no error'}:\n{wrong.stderr}")
    right = run(mad, code, "right", *examples["right"])
    if right.returncode != 0:
        faults.append(f"the right example does not check:\n{right.stderr}")
    return faults


def main():
    mad, folder, only = sys.argv[1], Path(sys.argv[2]), sys.argv[3:]
    pages = [p for p in sorted(folder.glob("E*.md")) if not only or p.stem in only]
    if not pages:
        sys.exit("no pages found")
    faults = [f"{page.name}: {fault}" for page in pages for fault in check(mad, page)]
    print("\n".join(faults + [f"{len(pages)} pages, {len(faults)} faults"]))
    sys.exit(1 if faults else 0)


main()
