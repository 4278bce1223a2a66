#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Wrong programs and what the compiler says about them: wrong-programs.py MAD [--update] FILE.txt ...

A file is a sequence of

    === what is wrong
    the program, a file called wrong.mad
    ---
    the whole output of `mad check wrong.mad`, which must fail

--update writes the outputs; read the difference before you commit it.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path


def said(mad, program, folder):
    (Path(folder) / "wrong.mad").write_text(program)
    done = subprocess.run([mad, "check", "wrong.mad"], capture_output=True, text=True, cwd=folder,
                          timeout=60)
    # Lines of the library may move.
    text = re.sub(r"(<std\.\w+>):\d+:\d+", r"\1", done.stderr)
    status = "" if done.returncode == 1 else f"exit status {done.returncode}\n"
    return (status + text).rstrip("\n") + "\n"


def main():
    mad, files = sys.argv[1], sys.argv[2:]
    update = "--update" in files
    wrong = count = 0
    for path in (Path(f) for f in files if f != "--update"):
        parts = re.split(r"^=== (.*)\n", path.read_text(), flags=re.M)
        out = parts[0]
        with tempfile.TemporaryDirectory() as folder:
            for title, text in zip(parts[1::2], parts[2::2]):
                count += 1
                program, _, expected = text.partition("---\n")
                found = said(mad, program, folder)
                out += f"=== {title}\n{program}---\n{found}\n"
                if not update and found.rstrip("\n") != expected.rstrip("\n"):
                    wrong += 1
                    print(f"{path.name}: {title}\n--- expected\n{expected.rstrip()}\n--- found\n{found}")
        if update:
            path.write_text(out.rstrip("\n") + "\n")
    print(f"{count} wrong programs, {wrong} with another message than expected")
    sys.exit(wrong > 0 or not count)


main()
