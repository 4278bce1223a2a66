#!/usr/bin/env python3
"""Checks the loops of products of one row of bytes with codes, without running them: code-loop.py MAD FOLDER OBJDUMP MCA

The code of a product is disassembled; the longest innermost loop of a kernel goes through a block of 32 codes in all columns of
a tile. By llvm-mca's model of a CPU it makes at least so many products a cycle.
"""
import re
import subprocess
import sys

import numpy as np

mad, folder, objdump, mca = sys.argv[1:]
# Target, columns of a tile, what the name of the kernel ends with, CPU, products a cycle of 2 and of 4 bits.
CASES = [("x86-64-v4", 64, ".vnni", "sapphirerapids", (58, 58)),
         ("x86-64-v3", 32, ".vnni", "sapphirerapids", (38, 43)),
         ("x86-64-v3", 32, "", "znver3", (29, 29))]


def run(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def longest(library, kernel):
    """The instructions of the longest innermost loop of a kernel."""
    code, inside = [], False
    for line in run(objdump, "-d", "--no-show-raw-insn", library).splitlines():
        if line.endswith(">:"):
            inside = f"<{kernel}>:" in line
        if inside and (found := re.match(r"\s*([0-9a-f]+):\s+(.*)", line)):
            code.append((int(found[1], 16), found[2].split("#")[0].strip()))
    places, best = {address: number for number, (address, _) in enumerate(code)}, []
    for number, (address, text) in enumerate(code):
        jump = re.match(r"j\w+\s+(?:0x)?([0-9a-f]+)", text)
        start = places.get(int(jump[1], 16)) if jump else None
        if start is None or start > number:
            continue
        body = [text for _, text in code[start:number]]
        if not any(re.match(r"(j|call|ret)", line) for line in body) and len(body) > len(best):
            best = body + [text.split()[0] + " loop"]
    return best or sys.exit(f"{kernel}: there is no loop")


def cycles(cpu, lines):
    """Cycles of one round, of many."""
    rounds = 200
    out = run(mca, f"-mcpu={cpu}", f"-iterations={rounds}", "-mtriple=x86_64",
              text="\n".join(["loop:"] + lines) + "\n")
    return int(re.search(r"Total Cycles:\s+(\d+)", out)[1]) / rounds


def main():
    w = np.random.default_rng(1).normal(size=(512, 128)).astype(np.float32)
    np.savez(f"{folder}/w.npz", w=w)
    with open(f"{folder}/codes.mad", "w") as f:
        for bits in (2, 4):
            f.write(f'weight w{bits}: f32[512, 128] from "{folder}/w.npz" : "w" as lut.int(bits = {bits}, group = 256)\n'
                    f"export fn f{bits}(x: f32[1, 512]) -> f32[1, 128] {{ x @ w{bits}  with activations = i8 }}\n")
    for target, columns, ending, cpu, least in CASES:
        run(mad, "build", f"{folder}/codes.mad", "--name=codes", f"--target={target}", "-o", folder)
        for bits, limit in zip((2, 4), least):
            kernel = f"multiply_bytes.int{bits}.packed.woven{ending}"
            body = longest(f"{folder}/libcodes.so", kernel)
            count = 32 * columns / cycles(cpu, body)
            print(f"{target} on {cpu}, {kernel}: {count:.1f} products a cycle")
            if count < limit:
                sys.exit(f"{limit} were expected\n" + "\n".join(body))
    print("codes are read as they lie")


main()
