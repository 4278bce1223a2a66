#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Proves rewrite rules, or finds numbers for which they are wrong, with z3 (PyPI: z3-solver).

usage: tools/dev/prove-rules.py [--mad MAD] [--limit SECONDS] [--only RULE] FILE...

FILE: a program, whose rules and those of the files it uses are taken (`mad check --dump=mad`), or
IR (.mlir). A rule is taken for the conditions it states; the side that is looked for is defined.

    proved (floats)   the same bits for all f32; NaN are all alike. `nsz`, `nnan`, `ninf` permit
                      zeros of either sign, and that no number of the matched side is NaN, infinite
    proved (reals)    with further permissions: equal as real numbers, and defined where the matched
                      side is: divisors are not 0, roots are of no negative numbers, and so on
    proved (bits)     the same bits of integers: i32, i8, ui8 for rules of all numbers
    holds (.., sizes) the same where sums or places are involved: for certain small sizes only
    not decided (why)
    REFUTED           with numbers for which the sides differ

Ends with 1 if a rule is refuted, with 2 where something cannot be read.
"""
import argparse
import itertools
import math
import random
import struct
import subprocess
import sys
from pathlib import Path


def fail(message):
    sys.stderr.write(message.strip() + "\n")
    sys.exit(2)


try:
    import z3
except ImportError:
    fail("prove-rules: this Python has no z3: `pip install z3-solver`, or the package python3-z3")

from rule_domains import Floats, Integers, Numbers, Reals
from rule_ir import Elements, Unknown, parse, value

ROOT = Path(__file__).resolve().parent.parent.parent
ROUNDINGS = "functions of the library may round in any way"
VALUES = {"nsz", "nnan", "ninf"}
RELATIONS = {"eq": "==", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}


class Nothing(Exception):
    """No numbers satisfy the conditions of a rule."""


class Verdict:
    """proved, open or refuted; how or why."""

    def __init__(self, kind, text):
        self.kind, self.text = kind, text


def is_float(element):
    return element[0] in "fb"


def sizes_of(rule):
    """Sizes to try: one place is enough for elementwise rules."""
    names = rule.sizes()
    if rule.elementwise():
        return [dict.fromkeys(names, 1)]
    tried = [{n: 2 for n in names}, {n: 1 + (i + 2) % 3 for i, n in enumerate(names)}]
    good = []
    for sizes in tried:
        try:
            if all(holds(check, sizes) for check in rule.checks):
                good.append(sizes)
        except Unknown:
            pass
    return good


def holds(check, sizes):
    left, relation, right = check
    a, b = value(left, sizes), value(right, sizes)
    return {"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[relation]


def pairs(rule, sides, elements):
    """The elements of both sides, beside each other."""
    for a, b in zip(*sides):
        for place in elements.places(a):
            yield elements.at(a, place), elements.at(b, place), elements.type(a).element


def matched(rule, side, elements):
    """Floats that occur in a side, with their types: those of variables and of results."""
    names, todo = [], list(side)
    while todo:
        name = todo.pop()
        if name not in names:
            names.append(name)
            op = elements.ops.get(name)
            todo += op.operands if op else []
    for name in names:
        op = elements.ops.get(name)
        if is_float(elements.type(name).element) and not (op and op.name == "constant"):
            for key, made in list(elements.known.items()):
                if key[0] == name:
                    yield made


#===-- Numbers ----------------------------------------------------------------===#

def drawing(rule, random):
    """Draws numbers that satisfy the conditions."""
    def draw(number, element):
        if element == "i1":
            return random.random() < 0.5
        for _ in range(1000):
            v = random.choice([random.uniform(-3, 3), random.uniform(0.05, 3), random.uniform(-1, 1),
                               float(random.randint(-3, 3))])
            for argument, kind, bound in rule.conditions:
                if argument == number and kind == "eq":
                    v = bound
                elif argument == number and bound is not None and abs(bound) > 2:
                    v = bound + random.choice([-1, 1]) * random.uniform(0, 3)
            if all(satisfied(v, kind, bound) for argument, kind, bound in rule.conditions
                   if argument == number):
                return v
        raise Unknown("no number that satisfies the conditions was found")
    return draw


def satisfied(v, kind, bound):
    if kind in ("constant", "finite"):
        return True
    return {"eq": v == bound, "ne": v != bound, "lt": v < bound, "le": v <= bound, "gt": v > bound,
            "ge": v >= bound}[kind]


def shown(rule, values):
    """Values of variables, {(number, place): value}, as text."""
    parts = []
    for (number, place), v in sorted(values.items()):
        at = "".join(f"[{p}]" for p in place) if any(place) or any(
            k[0] == number and any(k[1]) for k in values) else ""
        v = f"{v:.9g}" if isinstance(v, float) else str(v).lower()
        parts.append(f"{rule.arguments[number][0].replace('%arg', 'v')}{at} = {v}")
    return ", ".join(parts)


def try_numbers(rule, sides, sizes, count=300):
    """Tries points in f64. A verdict if one refutes, and the largest relative difference."""
    generator, worst, used = random.Random(1), 0.0, 0
    for _ in range(count):
        domain = Numbers(drawing(rule, generator))
        elements = Elements(rule, domain, sizes)
        left = [elements.at(a, p) for a in sides[0] for p in elements.places(a)]
        if domain.nan:
            continue
        used += 1
        for a, b, element in pairs(rule, sides, elements):
            if isinstance(a, bool):
                wrong = a != b
            elif domain.largest > 1e100:
                continue
            else:
                scale = max(domain.largest, 1e-3)
                difference = abs(a - b) / scale if not math.isnan(b) else math.inf
                worst = max(worst, difference)
                wrong = difference > 1e-4
            if wrong:
                text = shown(rule, domain.values)
                return Verdict("refuted", f"{text}: {a} and {b} (in f64)".lower()), worst, used
    return None, worst, used


def lost_nan(rule, sides, sizes):
    """Variables whose NaN only one side gives, of rules that do not say nnan."""
    lost = []
    for wanted in {number for number, (_, type) in enumerate(rule.arguments) if is_float(type.element)}:
        generator = random.Random(2)
        for _ in range(5):
            draw = drawing(rule, generator)
            domain = Numbers(lambda n, e: math.nan if n == wanted else draw(n, e))
            elements = Elements(rule, domain, sizes)
            for a, b, element in pairs(rule, sides, elements):
                if isinstance(a, float) and math.isnan(a) != math.isnan(b) and wanted not in lost:
                    lost.append(wanted)
    excluded = {n for n, kind, _ in rule.conditions if kind not in ("constant", "ne")}
    return [rule.arguments[n][0].replace("%arg", "v") for n in lost if n not in excluded]


#===-- Proofs -------------------------------------------------------------------===#

def solve(assumptions, goal, limit):
    """unsat: the goal follows."""
    simple = z3.simplify(goal)
    if z3.is_true(simple):
        return z3.unsat, None
    solver = z3.Solver()
    solver.set("timeout", int(limit * 1000))
    solver.add(*assumptions)
    solver.add(z3.Not(goal))
    answer = solver.check()
    if answer == z3.unsat:
        # From what contradicts itself everything follows.
        solver = z3.Solver()
        solver.set("timeout", 1000)
        solver.add(*assumptions)
        if solver.check() == z3.unsat:
            raise Nothing
    return answer, solver.model() if answer == z3.sat else None


def number_of(model, variable, signed=True):
    """The value of a variable in a model, as a number of Python."""
    v = model.eval(variable, model_completion=True)
    if z3.is_bool(v):
        return z3.is_true(v)
    if z3.is_bv(v):
        return v.as_signed_long() if signed else v.as_long()
    if z3.is_fp(v):
        if z3.is_true(z3.simplify(z3.fpIsNaN(v))):
            return math.nan
        bits = z3.simplify(z3.fpToIEEEBV(v)).as_long()
        width = v.sort().ebits() + v.sort().sbits()
        if width == 16 and v.sort().ebits() == 8:
            bits, width = bits << 16, 32
        code = {16: "He", 32: "If", 64: "Qd"}[width]
        return struct.unpack("<" + code[1], struct.pack("<" + code[0], bits))[0]
    if z3.is_algebraic_value(v):
        v = v.approx(12)
    return float(v.as_fraction())


def report(rule, domain, model, a, b):
    signed = getattr(domain, "element", None) != "ui8"
    def read(v):
        return number_of(model, getattr(v, "value", v), signed)
    values = {key: read(v) for key, v in domain.variables.items()}
    sides = [read(a), read(b)]
    sides = [f"{v:.9g}" if isinstance(v, float) else str(v).lower() for v in sides]
    return f"{shown(rule, values)}: {sides[0]} and {sides[1]}"


def prove_integers(rule, sides, sizes, limit, element=None):
    domain = Integers(element)
    elements = Elements(rule, domain, sizes)
    found = list(pairs(rule, sides, elements))
    assumptions = [condition for c in rule.conditions for condition in
                   integer_condition(rule, domain, c)]
    for a, b, _ in found:
        answer, model = solve(assumptions, domain.same(a, b), limit)
        if answer == z3.sat:
            return Verdict("refuted", f"{element or 'integers'}: {report(rule, domain, model, a, b)}")
        if answer != z3.unsat:
            return Verdict("open", f"{element or 'bits'}: none found in {limit:g} s")
    return Verdict("proved", "bits")


def integer_condition(rule, domain, condition):
    argument, kind, bound = condition
    if kind in ("constant", "finite"):
        return []
    element = rule.arguments[argument][1].element
    if bound != int(bound):
        raise Unknown("a condition with a fraction among integers")
    bound = domain.constant(int(bound), element)
    return [domain.apply("compare", kind, [v, bound], element, "i1")
            for (number, _), v in domain.variables.items() if number == argument]


def prove_floats(rule, sides, sizes, limit, sort):
    """For each value of the variables that are true or false."""
    keys = [(number, place) for number, (name, type) in enumerate(rule.arguments)
            if type.element == "i1"
            for place in itertools.product(*map(range, type.shape(sizes)))]
    cases = list(itertools.product((True, False), repeat=len(keys))) if len(keys) <= 4 else [()]
    for case in cases:
        verdict = prove_floats_for(rule, sides, sizes, limit, sort, list(zip(keys, case)))
        if verdict.kind != "proved":
            return verdict
    return verdict


def prove_floats_for(rule, sides, sizes, limit, sort, bools):
    domain = Floats(sort, rule.elements == "exact", "nsz" in rule.permissions, bools)
    elements = Elements(rule, domain, sizes)
    found = list(pairs(rule, sides, elements))
    assumptions = []
    for argument, kind, bound in rule.conditions:
        for (number, _), v in domain.variables.items():
            if number == argument and kind == "finite":
                assumptions.append(z3.Not(z3.Or(z3.fpIsNaN(v), z3.fpIsInf(v))))
            elif number == argument and kind != "constant":
                element = rule.arguments[argument][1].element
                bound_value = domain.constant(bound, element)
                assumptions.append(domain.apply("compare", kind, [v, bound_value], element, "i1"))
    for v in matched(rule, sides[0], elements):
        if "nnan" in rule.permissions:
            assumptions.append(z3.Not(z3.fpIsNaN(v)))
        if "ninf" in rule.permissions:
            assumptions.append(z3.Not(z3.fpIsInf(v)))
    name = {16: "f16", 32: "f32"}[sort.ebits() + sort.sbits()]
    for a, b, element in found:
        goal = domain.same(a, b)
        if is_float(element) and "nsz" in rule.permissions:
            goal = z3.Or(goal, z3.fpEQ(a, b))
        answer, model = solve(assumptions + domain.axioms, goal, limit)
        if answer == z3.sat and domain.opaque:
            return Verdict("open", ROUNDINGS)
        if answer == z3.sat:
            return Verdict("refuted", f"{report(rule, domain, model, a, b)} ({name})")
        if answer != z3.unsat:
            return Verdict("open", f"{name}: none found in {limit:g} s")
    named = ", ".join(sorted(domain.calls))
    return Verdict("proved", "floats" + (f", whatever {named} give" if named else ""))


def prove_reals(rule, sides, sizes, limit):
    domain = Reals()
    elements = Elements(rule, domain, sizes)
    found = list(pairs(rule, sides, elements))
    assumptions = list(domain.axioms)
    for argument, kind, bound in rule.conditions:
        if kind in ("constant", "finite"):
            continue
        element = rule.arguments[argument][1].element
        for (number, _), v in domain.variables.items():
            if number == argument:
                limit_value = domain.constant(bound, element).value
                assumptions.append(domain.function("compare", kind, [v.value, limit_value])[0])
    defined, note = [a.defined for a, _, _ in found], ""
    for a, b, _ in found:
        known = not z3.is_bool(a.value) and domain.zero(a.value - b.value) == 1
        equal = z3.BoolVal(True) if known else a.value == b.value
        answer, model = solve(assumptions + defined, z3.And(b.defined, equal), limit)
        if answer == z3.sat and not z3.is_true(model.eval(b.defined, model_completion=True)) and \
                agrees(rule, sides, sizes, domain, model):
            # As 1 / (1 / 0) is 0: infinities on the way, but no other result.
            answer, model = solve(assumptions + defined + [b.defined], equal, limit)
            note = " where both sides are defined"
        if answer == z3.sat and domain.opaque:
            return Verdict("open", "what is known of its functions is not enough")
        if answer == z3.sat:
            text = report(rule, domain, model, a, b)
            if not z3.is_true(model.eval(b.defined, model_completion=True)):
                text = text.rsplit(" and ", 1)[0] + " and nothing defined"
            return Verdict("refuted", text + " (reals)")
        if answer != z3.unsat:
            return Verdict("open", f"reals: none found in {limit:g} s")
    return Verdict("proved", "reals" + note)


def agrees(rule, sides, sizes, domain, model):
    """Whether IEEE floats give the same at a point where real numbers give nothing."""
    values = {key: number_of(model, v.value) for key, v in domain.variables.items()}
    numbers = Numbers(lambda *_: 0.0)
    numbers.values = values
    elements = Elements(rule, numbers, sizes)
    return all(a == b or isinstance(a, float) and abs(a - b) <= 1e-9 * numbers.largest and
               not math.isinf(numbers.largest) for a, b, _ in pairs(rule, sides, elements))


def of_floats(rule, sides, sizes, limit):
    """As floats: bit by bit where nothing else is permitted, else as real numbers."""
    if rule.permissions <= VALUES:
        small = prove_floats(rule, sides, sizes, limit / 3, z3.Float16()) if rule.elements != "exact" \
            else Verdict("open", "")
        if small.kind == "refuted" or small.text == ROUNDINGS:
            return small
        whole = prove_floats(rule, sides, sizes, limit, z3.Float32())
        if whole.kind == "open" and small.kind == "proved":
            return Verdict("proved", f"f16; {whole.text}")
        return whole
    wrong, worst, used = try_numbers(rule, sides, sizes)
    if wrong:
        return wrong
    verdict = prove_reals(rule, sides, sizes, limit)
    if verdict.kind == "open":
        verdict.text += f"; {used} points in f64 differ by {worst:.0e} at most"
    if "nnan" not in rule.permissions:
        lost = lost_nan(rule, sides, sizes)
        if lost and verdict.kind != "refuted":
            verdict.text += f"; one side alone is NaN where {', '.join(lost)} is, which takes nnan"
    return verdict


def directions(rule):
    return [(rule.left, rule.right)] + ([(rule.right, rule.left)] if rule.both else [])


def decide(rule, limit):
    if rule.unknown:
        raise Unknown(f"`{rule.unknown}`")
    elements = {t.element for t in rule.types()}
    floats = any(map(is_float, elements))
    methods = []
    if rule.elements != "exact" or floats:
        methods.append(of_floats)
    if rule.elements == "number":
        for element in ("i32", "i8", "ui8"):
            methods.append(lambda r, s, z, l, e=element: prove_integers(r, s, z, l, e))
    if not methods:
        methods.append(prove_integers)
    texts, tried = [], sizes_of(rule)
    if not tried:
        return Verdict("open", "no sizes that satisfy its relations were found")
    for method in methods:
        for sizes in tried:
            for sides in directions(rule):
                verdict = method(rule, sides, sizes, limit)
                if verdict.kind == "refuted":
                    return verdict
                texts.append((verdict.kind, verdict.text))
    open_ones = [text for kind, text in texts if kind == "open"]
    if open_ones:
        return Verdict("open", "; ".join(dict.fromkeys(open_ones)))
    texts = list(dict.fromkeys(text for _, text in texts))
    text = ", ".join(t for t in texts if not any(o != t and o.startswith(t + " ") for o in texts))
    if rule.elementwise():
        return Verdict("proved", text)
    return Verdict("holds", text + "; " + " and ".join(
        " ".join(f"{n}={s}" for n, s in sizes.items()) for sizes in tried))


def read(path, mad):
    try:
        if path.suffix == ".mlir":
            return parse(path.read_text())
        done = subprocess.run([mad, "check", "--dump=mad", path], capture_output=True, text=True)
    except OSError as error:
        fail(f"prove-rules: {error.filename}: {error.strerror}")
    if done.returncode:
        fail(done.stderr)
    return parse(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--mad", default=ROOT / "build/release/bin/mad", help="the compiler")
    parser.add_argument("--limit", type=float, default=10, help="seconds for each question to z3")
    parser.add_argument("--only", help="this rule")
    options = parser.parse_args()
    count, seen = dict.fromkeys(("proved", "holds", "open", "refuted"), 0), set()
    for path in options.files:
        rules = read(path, options.mad)
        if not rules:
            fail(f"prove-rules: {path} has no rules")
        for rule in rules:
            if rule.name in seen or options.only not in (None, rule.name):
                continue
            seen.add(rule.name)
            try:
                verdict = decide(rule, options.limit)
            except Unknown as unknown:
                verdict = Verdict("open", f"{unknown} is not modelled")
            except Nothing:
                verdict = Verdict("open", "no numbers satisfy its conditions")
            count[verdict.kind] += 1
            kind = "not decided" if verdict.kind == "open" else verdict.kind
            text = f"{kind} ({verdict.text})" if kind != "refuted" else f"REFUTED: {verdict.text}"
            print(f"{rule.name}: {text}", flush=True)
    print(f"{sum(count.values())} rules: {count['proved']} proved, {count['holds']} hold for the sizes "
          f"tried, {count['open']} not decided, {count['refuted']} refuted")
    sys.exit(1 if count["refuted"] else 0)


if __name__ == "__main__":
    main()
