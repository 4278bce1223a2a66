#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes into wrong programs what `mad check` says about them: expect.py MAD FILE.mad ...

Everything from the first CHECK line on is replaced. Read the difference before you commit it: the
test then holds these messages, good or bad.
"""
import os
import re
import subprocess
import sys


def pattern(line, path):
    line = re.sub(r"(<std\.\w+>):\d+:\d+", r"\1:{{[0-9]+:[0-9]+}}", line)
    line = line.replace(path, "{{.*}}" + os.path.basename(path))
    return re.sub(r"\[\[", r"{{\\[\\[}}", line) if "{{.*}}" not in line else line


def update(mad, path):
    with open(path) as f:
        program = re.split(r"^// +CHECK", f.read(), maxsplit=1, flags=re.M)[0].rstrip("\n")
    # The messages show lines of the program; what comes behind it does not matter.
    done = subprocess.run([mad, "check", path], capture_output=True, text=True)
    if done.returncode != 1:
        sys.exit(f"{path}: exit status {done.returncode}\n{done.stderr}")
    out = []
    for line in done.stderr.rstrip("\n").split("\n"):
        kind = "     CHECK:" if not out else "CHECK-NEXT:" if line else "CHECK-EMPTY:"
        out.append("// " + kind + pattern(line, path))
    with open(path, "w") as f:
        f.write(program + "\n\n" + "\n".join(out) + "\n// CHECK-NOT:{{.*error.*}}\n")


for file in sys.argv[2:]:
    update(sys.argv[1], file)
