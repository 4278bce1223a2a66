"""Loops of compiled code, for tests that look at them without running them: disassembly, and llvm-mca's model of a CPU."""
import re
import subprocess
import sys


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def loops(objdump, library, mark):
    """The instructions of the innermost loops of functions with `mark` in their lines `<name>:`."""
    code, inside = [], False
    for line in run(objdump, "-d", "--no-show-raw-insn", library).splitlines():
        if line.endswith(">:"):
            inside = mark in line
        if inside and (found := re.match(r"\s*([0-9a-f]+):\s+(.*)", line)):
            code.append((int(found[1], 16), found[2].split("#")[0].strip()))
    places = {address: number for number, (address, _) in enumerate(code)}
    for number, (address, text) in enumerate(code):
        jump = re.match(r"j\w+\s+(?:0x)?([0-9a-f]+)", text)
        start = places.get(int(jump[1], 16)) if jump else None
        if start is None or start > number:
            continue
        body = [text for _, text in code[start:number]]
        if not any(re.match(r"(j|call|ret)", line) for line in body):
            yield body + [text.split()[0] + " loop"]


def cycles(mca, cpu, lines):
    """Cycles of one round, of many."""
    rounds = 200
    out = run(mca, f"-mcpu={cpu}", f"-iterations={rounds}", "-mtriple=x86_64",
              text="\n".join(["loop:"] + lines) + "\n")
    return int(re.search(r"Total Cycles:\s+(\d+)", out)[1]) / rounds
