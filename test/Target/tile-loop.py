#!/usr/bin/env python3
"""Checks the loop of a tile without running it: tile-loop.py MAD FOLDER OBJDUMP MCA

The code of a product is disassembled, the innermost loops with most fused multiply-adds are those
of full tiles. Such a loop keeps its sums in registers: no vector goes to the stack or comes from
it. By llvm-mca's model of a CPU it takes at most 1 / 0.9 of the cycles that its multiply-adds alone
would need.
"""
import sys

from machine_loops import cycles, loops, run

mad, folder, objdump, mca = sys.argv[1:]
SOURCE = """
export fn f32s[M, K, N](x: f32[M, K], w: f32[K, N]) -> f32[M, N] { x @ w }
export fn f64s[M, K, N](x: f64[M, K], w: f64[K, N]) -> f64[M, N] { x @ w }
"""
# Multiply-adds of a step: 6 rows of 2 vectors, 6 rows of 4.
TARGETS = [("x86-64-v3", 12, "ymm", ["znver3", "skylake"]),
           ("x86-64-v4", 24, "zmm", ["znver4", "sapphirerapids", "icelake-server"])]
SHARE = 0.9


def check(target, count, register, cpus):
    run(mad, "build", f"{folder}/tiles.mad", "--name=tiles", f"--target={target}", "-o", folder)
    for kind in ("ps", "pd"):
        full = [b for b in loops(objdump, f"{folder}/libtiles.so", "<multiply.")
                if sum(f"fmadd" in line and f"{kind}\t" in line.replace(" ", "\t")
                       and register in line for line in b) == count
                # The last panel of a product, of which not all columns are there.
                and not any("maskmov" in line for line in b)]
        if not full:
            sys.exit(f"{target}, {kind}: there is no loop of {count} multiply-adds")
        for body in full:
            spilled = [line for line in body if "rsp" in line and register in line]
            if spilled:
                sys.exit(f"{target}, {kind}: vectors on the stack: {spilled}\n" + "\n".join(body))
        alone = [f"vfmadd231{kind} %{register}14, %{register}15, %{register}{i % 12}"
                 for i in range(count)]
        # The model of znver4 lets a broadcast from memory of 512 bits take the place of a multiply-add;
        # the CPU does not: it was measured to do the loop at 98 % of its peak (docs/performance/products.md).
        loads = [f"vbroadcasts{kind[1]} (%rax), %zmm{16 + i}" for i in range(6)]
        for cpu in cpus:
            least = cycles(mca, cpu, alone + (loads if cpu == "znver4" else []))
            worst = max(cycles(mca, cpu, body) for body in full)
            if worst * SHARE > least:
                sys.exit(f"{target} on {cpu}, {kind}: {worst} cycles, multiply-adds need {least}\n" +
                         "\n".join(full[0]))
            print(f"{target} on {cpu}, {kind}: {len(full)} loops, {least / worst:.0%} of the peak")


with open(f"{folder}/tiles.mad", "w") as f:
    f.write(SOURCE)
for one in TARGETS:
    check(*one)
print("tiles stay in registers")
