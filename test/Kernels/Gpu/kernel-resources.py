# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares a table of `mad-kernels --emit=resources` with the recorded one.

usage: kernel-resources.py RECORDED FOUND

Threads and shared memory are ours and must be equal; nothing may be spilled. Registers depend
on the version of ptxas: 16 more than recorded are too many, and so is a lower occupancy.
"""
import sys

SLACK = 16


def rows(path):
    table = {}
    for line in open(path).read().splitlines()[1:]:
        kernel, chip, *numbers = line.split()[:8]
        table[kernel, chip] = [int(n.rstrip("%")) for n in numbers]
    return table


def faults(recorded, found):
    for key in sorted(recorded.keys() | found.keys()):
        name = " on ".join(key)
        if key not in found or key not in recorded:
            yield f"{name}: not in the {'found' if key not in found else 'recorded'} table"
            continue
        threads, registers, _, _, shared, occupancy = recorded[key]
        now = dict(zip(("threads", "registers", "spills", "stack", "shared", "occupancy"), found[key]))
        if now["spills"] or now["stack"]:
            yield f"{name}: {now['spills']} bytes spilled, {now['stack']} bytes of stack, expected 0"
        if (now["threads"], now["shared"]) != (threads, shared):
            yield f"{name}: {now['threads']} threads with {now['shared']} bytes shared, recorded are {threads} with {shared}"
        if now["registers"] > registers + SLACK:
            yield f"{name}: {now['registers']} registers, recorded are {registers}"
        if now["occupancy"] < occupancy:
            yield f"{name}: occupancy {now['occupancy']}%, recorded is {occupancy}%"


found = rows(sys.argv[2])
wrong = list(faults(rows(sys.argv[1]), found))
print("\n".join(wrong) or f"{len(found)} kernels are as recorded")
sys.exit(bool(wrong) or not found)
