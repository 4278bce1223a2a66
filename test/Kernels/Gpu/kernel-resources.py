# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares a table of `mad-kernels --emit=resources` with the recorded one.

usage: kernel-resources.py [--renew] [--recorded=TABLE] [--page=PAGE] [FOUND]

TABLE is Inputs/kernel-resources.txt beside this file, PAGE docs/gpu-kernels.md, which shows the
same table: both must be equal, line by line. FOUND is compared with TABLE. Of the same version
of ptxas all numbers must be equal. Another version divides registers differently: then threads
and shared memory, which are ours, must be equal, and registers and occupancy must be within the
slack below. Nothing may be spilled, whatever the version. --renew writes FOUND into TABLE and
PAGE, if nothing is spilled.
"""
import argparse
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
MORE_REGISTERS = 16  # than recorded that another version of ptxas may take
LEAST_OCCUPANCY = 0.75  # of the recorded one that it must leave
COLUMNS = ("threads", "registers", "spills", "stack", "shared", "occupancy")
OF_ANY_VERSION = ("threads", "shared")
RENEW = """if these numbers are wanted, write them into the table and into the page:
  mad-kernels --emit=resources > found.txt
  python3 test/Kernels/Gpu/kernel-resources.py --renew found.txt"""
# The table as the page has it: a fenced block that begins with the version.
BLOCK = re.compile(r"(?<=^```\n)ptxas .*?(?=^```$)", re.M | re.S)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def parse(text):
    """The version of ptxas, and the rows by kernel and chip."""
    version, _, *lines = text.splitlines()
    table = {}
    for line in lines:
        kernel, chip, *words = line.split(None, 8)
        table[kernel, chip] = dict(zip(COLUMNS, (int(w.rstrip("%")) for w in words)),
                                   limit=words[6].strip())
    return version, table


def spilled(table):
    for key, now in table.items():
        if now["spills"] or now["stack"]:
            yield (f"{' on '.join(key)}: {now['spills']} bytes spilled, {now['stack']} bytes of "
                   "stack, expected 0")


def exact(old, now, columns):
    for column in columns:
        if now[column] != old[column]:
            yield f"{column} {now[column]}, recorded is {old[column]}"


def near(old, now):
    if now["registers"] > old["registers"] + MORE_REGISTERS:
        yield (f"registers {now['registers']}, recorded is {old['registers']}, "
               f"{MORE_REGISTERS} more are allowed")
    if now["occupancy"] < LEAST_OCCUPANCY * old["occupancy"]:
        yield (f"occupancy {now['occupancy']}, recorded is {old['occupancy']}, "
               f"{LEAST_OCCUPANCY:.0%} of it is allowed")


def faults(recorded, found):
    (version, old), (found_version, new) = recorded, found
    yield from spilled(new)
    for key in sorted(old.keys() | new.keys()):
        name = " on ".join(key)
        if key not in new or key not in old:
            yield f"{name}: not in the {'found' if key not in new else 'recorded'} table"
        elif found_version == version:
            columns = [c for c in (*COLUMNS, "limit") if c not in ("spills", "stack")]
            yield from (f"{name}: {text}" for text in exact(old[key], new[key], columns))
        else:
            yield from (f"{name}: {text}" for text in exact(old[key], new[key], OF_ANY_VERSION))
            yield from (f"{name}: {text}" for text in near(old[key], new[key]))


def differences(page, table):
    """Of the page's table: what it has that the recorded one has not, and the other way round."""
    shown = BLOCK.search(page)
    if not shown:
        yield "the page has no table that begins with the version of ptxas"
        return
    ours, theirs = table.splitlines(), shown.group().splitlines()
    yield from (f"only on the page: {line}" for line in theirs if line not in ours)
    yield from (f"not on the page: {line}" for line in ours if line not in theirs)
    if ours != theirs and sorted(ours) == sorted(theirs):
        yield "the rows of the page are in another order"


def renew(given, text):
    wrong = list(spilled(parse(text)[1]))
    page, count = BLOCK.subn(lambda _: text, read(given.page))
    if count != 1:
        wrong.append("the page has no table that begins with the version of ptxas")
    if not wrong:
        for path, content in ((given.recorded, text), (given.page, page)):
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
    return wrong


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--renew", action="store_true")
    arguments.add_argument("--recorded", default=f"{HERE}/Inputs/kernel-resources.txt")
    arguments.add_argument("--page", default=f"{ROOT}/docs/gpu-kernels.md")
    arguments.add_argument("found", nargs="?")
    given = arguments.parse_args()
    if given.renew:
        wrong = renew(given, read(given.found))
        sys.exit("\n".join(wrong) or 0)
    recorded = read(given.recorded)
    wrong = list(differences(read(given.page), recorded))
    count = len(parse(recorded)[1])
    if given.found:
        table, found = parse(recorded), parse(read(given.found))
        wrong += faults(table, found)
        if found[0] != table[0]:
            print(f"found by {found[0]}, recorded by {table[0]}: registers and occupancy may "
                  "differ a little")
    if wrong:
        sys.exit("\n".join(wrong + [RENEW]))
    print(f"{count} kernels are as recorded")


main()
