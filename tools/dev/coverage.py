#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which test runs each op and each function of std against NumPy, and on what.

    coverage.py MAD [--all]

Nothing here is a claim: the columns are found in the tests.
- A function of std: the cases of test/execute/std say which types, sizes and special numbers their runs
  have (their option --list). All run on ref64, ref, in memory, ahead of time and for any CPU.
- An op: the programs of test/execute/sweep.py, as IR, show the element types that it stands there with.
  The sweep runs all targets with odd sizes, none, NaN, infinities and denormals.
One line a hole, and exit status 1: a new op or function needs its case. --all prints the table.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import stdlib

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "test" / "execute"
COLUMNS = ("f32", "f64", "odd", "empty", "special")
FLOATS, INTEGERS = {"f16", "bf16", "f32", "f64"}, {"i8", "ui8", "i32", "i64"}
ALL = FLOATS | INTEGERS | {"i1"}

# Why a column does not apply to a function.
INTEGER = {"f32": "of integers", "f64": "of integers", "special": "of integers"}
FIXED = {"odd": "of one shape", "empty": "of one shape"}
APART = {
    "math.gcd": INTEGER, "math.lcm": INTEGER, "nn.one_hot": INTEGER,
    "linalg.cond": {"empty": "needs a column"},
    "linalg.eye": {"special": "has no numbers to read"},
    "nn.embedding": {"special": "moves numbers, as mad.gather"},
    "nn.sinusoidal": {"empty": "of one shape", "special": "has no numbers to read"},
    "nn.alibi": {"empty": "of one shape", "special": "has no numbers to read"},
    "random.key": INTEGER | FIXED, "random.split": INTEGER | FIXED,
    "math.linspace": {"odd": "1 and 12 points", "empty": "a number of points", "special": "see lerp"},
    "nn.mse_loss": {"empty": "see mean"}, "nn.l1_loss": {"empty": "see mean"},
    "nn.huber_loss": {"empty": "see mean"}, "nn.kl_divergence": {"empty": "see mean"},
    "nn.binary_cross_entropy": {"empty": "see mean"},
    "nn.binary_cross_entropy_with_logits": {"empty": "see mean"},
    "signal.convolve": {"empty": "needs one element each"}, "signal.stft": {"empty": "needs a window"},
}
for name in ("bits", "bits64", "bernoulli", "randint", "permutation"):
    APART[f"random.{name}"] = INTEGER
# Exactly, with all options, of f32 as formats are.
for name in ("rtn", "ternary", "codebook"):
    APART[f"quant.{name}"] = dict.fromkeys(COLUMNS, "see test/execute/formats.py")
APART["quant.gptq"] = dict.fromkeys(COLUMNS, "evaluated by the compiler: see test/Tools/gptq.test")
for name in ("uniform", "normal", "exponential", "categorical"):
    APART[f"random.{name}"] = {"special": "made from words"}

# Types that an op must be swept on, where its definition does not say so.
OPS = {"constant": ALL, "iota": {"i64"}, "view": ALL, "gather": ALL, "reshape": ALL, "concat": ALL,
       "scatter": ALL, "sort": ALL, "cumulate": FLOATS | INTEGERS, "reduce": ALL,
       "contract": FLOATS | INTEGERS, "if": ALL, "scan": ALL, "iterate": ALL, "update": ALL,
       "select": ALL, "compare": ALL, "cast": ALL, "fma": FLOATS}
CLASSES = {"Mad_FloatTensor": FLOATS, "Mad_IntegerTensor": INTEGERS, "Mad_BoolTensor": {"i1"},
           "Mad_NumberTensor": FLOATS | INTEGERS}
# Ops that the sweep has no use for, and what compares them instead.
ELSEWHERE = {"weight": "sweep.py: weights()", "weight_source": "sweep.py: weights()",
             "dim": "test/execute/index-notation.mad", "philox": "test/execute/std/std_random.py",
             "yield": "if, scan and iterate"}


def std_rows():
    """Function -> columns -> the tests that have them."""
    rows = {f"{m.name}.{item.name}": {} for m in stdlib.read_library() for item in stdlib.all_items(m) if item.kind == "fn"}
    for path in sorted((TESTS / "std").glob("*.py")):
        if path.name == "harness.py":
            continue
        done = subprocess.run([sys.executable, path, "--list"], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{path}: {done.stderr}")
        for line in done.stdout.splitlines():
            name, kinds = line.split(": ") if ": " in line else (line.rstrip(":"), "")
            for kind in kinds.split():
                if name in rows:
                    rows[name].setdefault(kind, path.name)
    return rows


def required_types():
    """Op -> the element types that it must be swept on."""
    result = {}
    for td in sorted((ROOT / "dialects" / "Mad" / "IR").glob("*Ops.td")):
        text = td.read_text(encoding="utf-8")
        for template, mnemonic, rest in re.findall(
                r'^def\s+Mad_\w+Op\s*:\s*(\w+)<\s*"(\w+)"(.*)', text, re.MULTILINE):
            operand = re.search(r"Mad_\w+Tensor", rest)
            if template == "Mad_FloatPredicateOp":
                result[mnemonic] = FLOATS
            elif operand:
                result[mnemonic] = CLASSES[operand[0]]
            else:
                result[mnemonic] = OPS.get(mnemonic)
    return result


def swept_types(mad):
    """Op -> element types of its operands and results in the programs of the sweep."""
    sys.path.insert(0, str(TESTS))
    import sweep
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for t in sweep.TYPES:
            path = os.path.join(folder, f"{t}.mad")
            with open(path, "w") as f:
                f.write(sweep.program(t))
            done = subprocess.run([mad, "build", path, "--stop-after=mad"], capture_output=True, text=True)
            if done.returncode:
                sys.exit(f"the program of {t}: {done.stderr}")
            for op, rest in re.findall(r"\bmad\.(\w+) (.*)", done.stdout):
                found.setdefault(op, set()).update(re.findall(r"(?:<|x)((?:bf|f|i|ui)\d+)(?=[,>])", rest))
    return found


def main():
    mad, everything = sys.argv[1], "--all" in sys.argv
    holes = []
    rows = std_rows()
    for name, have in rows.items():
        apart = APART.get(name, {})
        cells = [have.get(c) or (f"({apart[c]})" if c in apart else "-") for c in COLUMNS]
        if everything:
            print(f"{name}: " + ", ".join(f"{c} {cell}" for c, cell in zip(COLUMNS, cells)))
        missing = [c for c, cell in zip(COLUMNS, cells) if cell == "-"]
        if missing:
            holes.append(f"{name}: no case in test/execute/std with {', '.join(missing)}")
    holes += [f"coverage.py excuses {name}, which std does not have" for name in APART if name not in rows]
    swept, required = swept_types(mad), required_types()
    for op, types in required.items():
        if op in ELSEWHERE:
            if everything:
                print(f"mad.{op}: {ELSEWHERE[op]}")
            continue
        if types is None:
            holes.append(f"mad.{op}: coverage.py does not say on which types")
            continue
        missing = types - swept.get(op, set())
        if everything:
            print(f"mad.{op}: sweep.py {' '.join(sorted(swept.get(op, set())))}")
        if missing:
            holes.append(f"mad.{op}: not in the sweep on {' '.join(sorted(missing))}")
    for hole in holes:
        print(hole)
    if holes:
        sys.exit(f"{len(holes)} holes")
    print(f"{len(rows)} functions and {len(required)} ops are compared")


if __name__ == "__main__":
    main()
