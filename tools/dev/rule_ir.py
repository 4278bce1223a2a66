# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Rules of a module (mad.rule) as Python objects, and their elements at a place.

Sizes are numbers here, so that sums are written out; what numbers are is a matter of a
domain (rule_domains.py), which makes variables and constants and applies scalar functions.
"""
import itertools
import re
import struct


class Unknown(Exception):
    """Something that is not modelled."""


class Type:
    def __init__(self, text):
        inside = re.match(r"tensor<(.*)>$", text.strip()).group(1)
        shape, _, attribute = inside.partition(",")
        *dims, self.element = shape.strip().split("x")
        names = re.findall(r'"([^"]*)"', attribute)
        if names and len(names) != len(dims):
            raise Unknown(f"the type {text}")
        self.dims = [int(d) if d != "?" else name for d, name in zip(dims, names or dims)]

    def shape(self, sizes):
        return tuple(d if isinstance(d, int) else value(d, sizes) for d in self.dims)


class Op:
    def __init__(self, result, name, text, operands, type):
        self.result, self.name, self.text, self.operands, self.type = result, name, text, operands, type


# Ops whose elements are made of elements at other places, or of places.
ELSEWHERE = {"reduce", "contract", "cumulate", "concat", "reshape", "iota", "dim", "gather"}


class Rule:
    def __init__(self, name, permissions, elements, both, conditions, checks):
        self.name, self.elements, self.both = name, elements, both
        self.permissions, self.conditions, self.checks = permissions, conditions, checks
        self.arguments, self.ops, self.left, self.right = [], [], [], []
        self.unknown = None

    def types(self):
        return [t for _, t in self.arguments] + [op.type for op in self.ops]

    def sizes(self):
        return sorted({n for t in self.types() for d in t.dims if isinstance(d, str)
                       for n in re.findall(r"[A-Za-z_]\w*", d)})

    def elementwise(self):
        """Whether an element of a side is made of the elements at its place and of scalars."""
        for op in self.ops:
            if op.name in ELSEWHERE:
                return False
            if op.name == "view":
                dims, _, results = affine(op)
                if results and results != dims:
                    return False
        return True


def value(expression, names):
    """A polynomial of sizes, or an affine expression of places."""
    text = expression.replace("floordiv", "//").replace("mod", "%")
    if not re.fullmatch(r"[\w\s+\-*/%()]*", text):
        raise Unknown(f"the expression {expression}")
    return eval(text, {"__builtins__": {}}, dict(names))  # names, numbers and arithmetic alone


def split(text):
    """Parts between commas that stand in no brackets."""
    parts, depth, last = [], 0, ""
    for c in text:
        depth += (c in "<([{") - (c in ">)]}")
        if c == "," and depth == 0:
            parts.append(last)
            last = ""
        else:
            last += c
    return [p.strip() for p in parts + [last] if p.strip()]


def affine(op, text=None):
    """Dimensions, symbols and results of the map that a text ends in."""
    text = text or op.text.rpartition(" ")[0]
    match = re.search(r"affine_map<\(([^)]*)\)(?:\[([^\]]*)\])? -> \((.*)\)>$", text)
    if not match:
        raise Unknown(f"the map of {op.name}")
    names = [[n.strip() for n in (g or "").split(",") if n.strip()] for g in match.groups()[:2]]
    return names[0], names[1], split(match.group(3))


HEAD = re.compile(r'mad\.rule @("[^"]*"|[\w.$-]+) permits \[(.*?)\] of "(\w+)"( both)? where (\[.*?\])'
                  r'(?: attributes \{(.*)\})? \{$')


def parse(text):
    """The rules of a module as it is printed."""
    maps = dict(re.findall(r"^(#\w+) = (affine_map<.*>)$", text, re.M))
    rules, rule = [], None
    for line in text.splitlines():
        line = re.sub(r"#map\d*\b", lambda m: maps.get(m.group(), m.group()), line.strip())
        head = HEAD.match(line)
        if head:
            rule = begin(*head.groups())
            rules.append(rule)
        elif line == "}":
            rule = None
        elif rule:
            try:
                add(rule, line)
            except (Unknown, AttributeError, ValueError):
                rule.unknown = line
    return rules


def begin(name, permissions, elements, both, where, attributes):
    conditions = []
    for part in re.findall(r"\{([^}]*)\}", where):
        fields = dict(re.findall(r"(\w+) = (\"\w+\"|[^\s,]+)", part))
        bound = number(fields["value"], "f64") if "value" in fields else None
        conditions.append((int(fields["argument"]), fields["is"].strip('"'), bound))
    checks = re.findall(r'#mad\.check<"([^"]*)", (\w+), "([^"]*)"', attributes or "")
    return Rule(name.strip('"'), set(re.findall(r'"(\w+)"', permissions)), elements, bool(both),
                conditions, checks)


def add(rule, line):
    """A line of a rule."""
    if line.startswith("^bb0("):
        for part in split(line[5:-2]):
            name, _, type = part.partition(":")
            rule.arguments.append((name, Type(type)))
    elif line.startswith("mad.sides("):
        left, right = re.match(r"mad\.sides\((.*?)\) and\((.*?)\) :", line).groups()
        rule.left, rule.right = split(left), split(right)
    else:
        result, name, rest, type = re.match(r"(%\w+) = mad\.(\w+)\s*(.*) : (.*)$", line).groups()
        type = Type(type.rsplit("-> ", 1)[-1])
        rule.ops.append(Op(result, name, rest, re.findall(r"%\w+", rest), type))


def number(text, element):
    text = text.strip()
    if text in ("true", "false"):
        return text == "true"
    if text.startswith("0x") and element[0] in "fb":
        bits = int(text, 16)
        if element == "bf16":
            return struct.unpack("<f", struct.pack("<I", bits << 16))[0]
        code = {"f16": "He", "f32": "If", "f64": "Qd"}[element]
        return struct.unpack("<" + code[1], struct.pack("<" + code[0], bits))[0]
    return float(text) if element[0] in "fb" else int(text)


class Elements:
    """The elements of both sides in a domain, for certain sizes."""

    def __init__(self, rule, domain, sizes):
        self.rule, self.domain, self.sizes, self.known = rule, domain, sizes, {}
        self.arguments = {name: (i, type) for i, (name, type) in enumerate(rule.arguments)}
        self.ops = {op.result: op for op in rule.ops}

    def type(self, name):
        return self.arguments[name][1] if name in self.arguments else self.ops[name].type

    def places(self, name):
        return itertools.product(*map(range, self.type(name).shape(self.sizes)))

    def at(self, name, place):
        key = name, place
        if key not in self.known:
            if name in self.arguments:
                number, type = self.arguments[name]
                self.known[key] = self.domain.variable(number, name, place, type.element)
            else:
                self.known[key] = self.compute(self.ops[name], place)
        return self.known[key]

    def fold(self, name, values, element):
        values = list(values)
        if not values:
            raise Unknown("a reduction of nothing")
        result = values[0]
        for v in values[1:]:
            result = self.domain.apply(name, "", [result, v], element, element)
        return result

    def compute(self, op, place):
        special = getattr(self, "make_" + op.name, None)
        if special:
            return special(op, place)
        inner = self.ops.get(op.operands[0]) if op.name == "cast" else None
        if inner and inner.name == "dim":
            return self.domain.constant(value(inner.text.strip('"'), self.sizes), op.type.element)
        operands = [self.at(o, place) for o in op.operands]
        source = self.type(op.operands[-1]).element
        return self.domain.apply(op.name, op.text, operands, source, op.type.element)

    def make_constant(self, op, place):
        text = re.match(r"dense<(.*)>$", op.text).group(1)
        if text.startswith("["):
            entries = [e.strip() for e in text.strip("[]").split(",")]
            if len(place) != 1:
                raise Unknown("a constant of more than one dimension")
            text = entries[place[0]]
        return self.domain.constant(number(text, op.type.element), op.type.element)

    def make_view(self, op, place):
        text, _, boundary = op.text.rpartition(" ")
        if boundary != "inside":
            raise Unknown(f"a view with the boundary {boundary}")
        dims, symbols, results = affine(op, text)
        names = dict(zip(dims, place))
        for symbol, operand in zip(symbols, op.operands[1:]):
            names[symbol] = self.place_of(operand)
        return self.at(op.operands[0], tuple(value(r, names) for r in results))

    def place_of(self, name):
        op = self.ops.get(name)
        if op and op.name == "dim":
            return value(op.text.strip('"'), self.sizes)
        if op and op.name == "constant":
            return number(re.match(r"dense<(.*)>$", op.text).group(1), op.type.element)
        raise Unknown("a view at a computed place")

    def make_dim(self, op, place):
        return self.domain.constant(value(op.text.strip('"'), self.sizes), op.type.element)

    def make_iota(self, op, place):
        return self.domain.constant(place[int(op.text)], op.type.element)

    def make_concat(self, op, place):
        axis = int(op.text.split()[0])
        at = place[axis]
        for part in op.operands:
            size = self.type(part).shape(self.sizes)[axis]
            if at < size:
                return self.at(part, place[:axis] + (at,) + place[axis + 1:])
            at -= size
        raise Unknown("a place outside of parts")

    def make_reshape(self, op, place):
        linear = 0
        for extent, at in zip(op.type.shape(self.sizes), place):
            linear = linear * extent + at
        source = []
        for extent in reversed(self.type(op.operands[0]).shape(self.sizes)):
            source.append(linear % extent)
            linear //= extent
        return self.at(op.operands[0], tuple(reversed(source)))

    def make_reduce(self, op, place):
        kind, dims = re.match(r"(\w+) %\w+ over \[([\d, ]*)\]$", op.text).groups()
        dims = [int(d) for d in dims.split(",") if d.strip()]
        source = op.operands[0]
        names = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "all": "and", "any": "or"}
        if kind not in names:
            raise Unknown(f"reduce {kind}")
        def taken():
            for whole in self.places(source):
                if tuple(p for d, p in enumerate(whole) if d not in dims) == place:
                    yield self.at(source, whole)
        return self.fold(names[kind], taken(), op.type.element)

    def make_contract(self, op, place):
        left, right = (affine(op, f"affine_map<{m})>") for m in
                       re.findall(r"by affine_map<(.*?\) -> \([^)]*)\)>", op.text))
        extents = {}
        for (_, _, results), operand in zip((left, right), op.operands):
            extents.update(zip(results, self.type(operand).shape(self.sizes)))
        rest = left[0][len(place):]
        def products():
            for tail in itertools.product(*(range(extents[d]) for d in rest)):
                names = dict(zip(left[0], place + tail))
                factors = [self.at(o, tuple(names[r] for r in m[2]))
                           for o, m in zip(op.operands, (left, right))]
                yield self.domain.apply("mul", "", factors, op.type.element, op.type.element)
        return self.fold("add", products(), op.type.element)

    def make_cumulate(self, op, place):
        raise Unknown("mad.cumulate")

    def make_gather(self, op, place):
        raise Unknown("mad.gather")
