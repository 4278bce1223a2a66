#!/usr/bin/env python3
"""Checks that the programs in a page work: check-docs.py MAD page.md ...

Every block fenced as `mad` is a complete file. It must pass `mad check`; its test blocks must pass on
the compiled target. Weights are not needed: blocks with tests use none.
"""
import re
import subprocess
import sys
import tempfile


def main():
    mad, pages = sys.argv[1], sys.argv[2:]
    failed = total = 0
    for page in pages:
        with open(page) as f:
            text = f.read()
        for block in re.finditer(r"^```mad\n(.*?)^```", text, re.M | re.S):
            line = text.count("\n", 0, block.start()) + 2
            total += 1
            with tempfile.NamedTemporaryFile("w", suffix=".mad") as f:
                f.write(block[1])
                f.flush()
                command = "test" if re.search(r'^test "', block[1], re.M) else "check"
                done = subprocess.run([mad, command, f.name], capture_output=True, text=True)
            if done.returncode:
                failed += 1
                print(f"{page}:{line}: the program does not work:\n{done.stdout}{done.stderr}")
    if not total:
        sys.exit("no programs found")
    print(f"{total - failed} programs work, {failed} do not")
    sys.exit(failed > 0)


main()
