#!/usr/bin/env python3
"""Checks the loops of products of one row of bytes with codes, without running them: code-loop.py MAD FOLDER OBJDUMP MCA

The code of a product is disassembled; the longest innermost loop of a kernel goes through a block of 32 codes in all columns of
a tile. By llvm-mca's model of a CPU it makes at least so many products a cycle.
"""
import sys

import numpy as np

from machine_loops import cycles, loops, run

mad, folder, objdump, mca = sys.argv[1:]
# Target, columns of a tile, what the name of the kernel ends with, CPU, products a cycle of 2 and of 4 bits.
CASES = [("x86-64-v4", 64, ".vnni", "sapphirerapids", (58, 58)),
         ("x86-64-v3", 32, ".vnni", "sapphirerapids", (38, 43)),
         ("x86-64-v3", 32, "", "znver3", (29, 29))]


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
            body = max(loops(objdump, f"{folder}/libcodes.so", f"<{kernel}>:"), key=len, default=None)
            if not body:
                sys.exit(f"{kernel}: there is no loop")
            count = 32 * columns / cycles(mca, cpu, body)
            print(f"{target} on {cpu}, {kernel}: {count:.1f} products a cycle")
            if count < limit:
                sys.exit(f"{limit} were expected\n" + "\n".join(body))
    print("codes are read as they lie")


main()
