#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times equality saturation on the same rules and terms, against egglog.

usage: bench/egraph.py [--build FOLDER] [--repeats N] [--only WORD]

egglog is compared where this Python has it (PyPI). Its rules run one iteration after the other until
nothing is new, or as often as ours, without a scheduler in both. Both are asked for the number of their nodes; if it
differs the line says so. Times are medians of the elapsed time of runs from an empty graph, without reading the
program.
"""
import argparse
import json
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

try:
    from egglog.bindings import EGraph
except ImportError:
    EGraph = None

ROOT = Path(__file__).resolve().parent.parent

SUM = [("comm", "(+ ?a ?b)", "(+ ?b ?a)"), ("assoc", "(+ (+ ?a ?b) ?c)", "(+ ?a (+ ?b ?c))")]
CHAIN = [("right", "(* (* ?a ?b) ?c)", "(* ?a (* ?b ?c))"),
         ("left", "(* ?a (* ?b ?c))", "(* (* ?a ?b) ?c)")]
RING = [("comm-add", "(+ ?a ?b)", "(+ ?b ?a)"), ("comm-mul", "(* ?a ?b)", "(* ?b ?a)"),
        ("assoc-add", "(+ ?a (+ ?b ?c))", "(+ (+ ?a ?b) ?c)"),
        ("assoc-mul", "(* ?a (* ?b ?c))", "(* (* ?a ?b) ?c)"),
        ("sub", "(- ?a ?b)", "(+ ?a (* -1 ?b))"),
        ("zero-add", "(+ ?a 0)", "?a"), ("zero-mul", "(* ?a 0)", "0"), ("one-mul", "(* ?a 1)", "?a"),
        ("sub-same", "(- ?a ?a)", "0"),
        ("distribute", "(* ?a (+ ?b ?c))", "(+ (* ?a ?b) (* ?a ?c))"),
        ("factor", "(+ (* ?a ?b) (* ?a ?c))", "(* ?a (+ ?b ?c))"),
        ("pow-mul", "(* (pow ?a ?b) (pow ?a ?c))", "(pow ?a (+ ?b ?c))"),
        ("pow-one", "(pow ?a 1)", "?a"), ("pow-two", "(pow ?a 2)", "(* ?a ?a)"),
        ("div-mul", "(* ?a (/ ?b ?c))", "(/ (* ?a ?b) ?c)"),
        ("d-add", "(d ?x (+ ?a ?b))", "(+ (d ?x ?a) (d ?x ?b))"),
        ("d-mul", "(d ?x (* ?a ?b))", "(+ (* ?a (d ?x ?b)) (* ?b (d ?x ?a)))")]


def nest(op, leaves):
    text = leaves[0]
    for leaf in leaves[1:]:
        text = f"({op} {leaf} {text})"
    return text


def cases():
    """(name, rules, terms, iterations or None)"""
    for n in (7, 8, 9, 10):
        yield f"sum of {n}", SUM, [nest("+", [f"x{i}" for i in range(n)])], None
    for n in (20, 40, 80):
        yield f"chain of {n} matrices", CHAIN, [nest("*", [f"m{i}" for i in range(n)])], None
    terms = ["(* (+ x 3) (+ x 1))", "(+ x (+ x (+ x x)))", "(+ 1 (- a (* (- 2 1) a)))",
             "(/ 1 (- (/ (+ 1 (sqrt five)) 2) (/ (- 1 (sqrt five)) 2)))",
             "(d x (+ 1 (* 2 x)))", "(d x (- (pow x 3) (* 7 (pow x 2))))"]
    for iterations in (5, 6, 7):
        yield f"math, {iterations} iterations", RING, terms, iterations


def ours(program, rules, terms, iterations, repeats):
    lines = [f"term {t}" for t in terms] + [f"rule {n} | {l} | {r}" for n, l, r in rules]
    if iterations:
        lines.append(f"iterations {iterations}")
    with tempfile.NamedTemporaryFile("w", suffix=".case") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        out = subprocess.run([str(program), file.name, str(repeats)], check=True,
                             capture_output=True, text=True).stdout
    return json.loads(out)


NAMES = {"+": "Add", "*": "Mul", "-": "Sub", "/": "Div", "pow": "Pow", "d": "D", "sqrt": "Sqrt"}


def words(text):
    return text.replace("(", " ( ").replace(")", " ) ").split()


def to_egglog(text):
    out = []
    for i, word in enumerate(words(text)):
        if word in "()":
            out.append(word)
        elif i and out[-1] == "(":
            out.append(NAMES[word])
        elif word.startswith("?"):
            out.append(word[1:])
        else:
            out.append(f"(Num {word})" if word.lstrip("-").isdigit() else f'(Var "{word}")')
    return " ".join(out)


def egglog_program(rules, terms):
    used = {w for text in terms + [t for r in rules for t in r[1:]] for w in words(text)} & set(NAMES)
    kinds = " ".join(f"({NAMES[o]} M{'' if o == 'sqrt' else ' M'})" for o in sorted(used))
    lines = [f"(datatype M (Num i64) (Var String) {kinds})"]
    lines += [f"(rewrite {to_egglog(l)} {to_egglog(r)})" for _, l, r in rules]
    lines += [f"(let $t{i} {to_egglog(t)})" for i, t in enumerate(terms)]
    return "\n".join(lines), [NAMES[o] for o in sorted(used)] + ["Num", "Var"]


def theirs(rules, terms, iterations, repeats):
    text, functions = egglog_program(rules, terms)
    schedule = f"(run {iterations})" if iterations else "(run-schedule (saturate (run)))"
    times = []
    for _ in range(repeats):
        graph = EGraph()
        graph.run_program(*graph.parse_program(text))
        commands = graph.parse_program(schedule)
        start = time.perf_counter()
        graph.run_program(*commands)
        times.append(time.perf_counter() - start)
    sizes = "\n".join(f"(print-size {f})" for f in functions)
    nodes = sum(int(re.search(r"\d+", repr(o)).group())
                for o in graph.run_program(*graph.parse_program(sizes)))
    return statistics.median(times), nodes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build/release")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="a part of the names of the cases")
    options = parser.parse_args()
    subprocess.run(["ninja", "-C", str(options.build), "saturate"], check=True,
                   stdout=subprocess.DEVNULL)
    program = options.build / "bin" / "saturate"
    if EGraph is None:
        print("no egglog here (pip install egglog): our times alone")
    print(f"{'case':24} {'nodes':>8} {'ms':>9} {'M adds/s':>9} {'M visits/s':>11} {'bytes/node':>10} "
          f"{'egglog ms':>10} {'times as fast':>13}")
    for name, rules, terms, iterations in cases():
        if options.only not in name:
            continue
        r = ours(program, rules, terms, iterations, options.repeats)
        line = (f"{name:24} {r['nodes']:8} {1e3 * r['seconds']:9.2f} "
                f"{1e-6 * r['adds'] / max(r['apply'], 1e-9):9.1f} "
                f"{1e-6 * r['visits'] / max(r['search'], 1e-9):11.1f} {r['bytes'] / r['nodes']:10.0f}")
        if EGraph is not None:
            seconds, nodes = theirs(rules, terms, iterations, min(options.repeats, 3))
            line += f" {1e3 * seconds:10.2f} {seconds / r['seconds']:13.2f}"
            if nodes != r["nodes"]:
                line += f"   egglog has {nodes} nodes"
        print(line, flush=True)


if __name__ == "__main__":
    main()
