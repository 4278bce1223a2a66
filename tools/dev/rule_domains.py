# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What numbers of rules are: floats and integers bit by bit, real numbers, or numbers of Python.

Each domain makes variables and constants and applies the scalar functions as the summaries of
dialects/Mad/IR define them.
"""
import math
from fractions import Fraction

import z3

from rule_ir import Unknown

WIDTHS = {"i8": (8, True), "ui8": (8, False), "i32": (32, True), "i64": (64, True)}
ODD = {"sin", "tan", "sinh", "tanh", "asin", "atan", "asinh", "atanh", "erf", "cbrt"}
EVEN = {"cos", "cosh"}


def predicate(text):
    return text.split()[0]


class Integers:
    """Of bit vectors; `element` stands for the element type that rules for numbers write as f32."""

    def __init__(self, element=None):
        self.element, self.opaque = element, False
        self.variables = {}

    def width(self, element):
        element = self.element if element == "f32" and self.element else element
        if element not in WIDTHS:
            raise Unknown(f"elements of {element}")
        return WIDTHS[element]

    def variable(self, number, name, place, element):
        key = number, place
        label = name + "".join(f"[{p}]" for p in place) if any(place) else name
        if key not in self.variables:
            self.variables[key] = (z3.Bool(label) if element == "i1" else
                                   z3.BitVec(label, self.width(element)[0]))
        return self.variables[key]

    def constant(self, number, element):
        if element == "i1":
            return z3.BoolVal(bool(number))
        if number != int(number):
            raise Unknown(f"{number} among integers")
        return z3.BitVecVal(int(number), self.width(element)[0])

    def same(self, a, b):
        return a == b

    def apply(self, name, text, x, source, result):
        if name in ("and", "or", "not"):
            return {"and": z3.And, "or": z3.Or, "not": z3.Not}[name](*x)
        if name == "select":
            return z3.If(*x)
        if source == "i1":
            return self.of_bools(name, text, x, result)
        width, signed = self.width(source)
        zero, one = z3.BitVecVal(0, width), z3.BitVecVal(1, width)
        less = (lambda a, b: a < b) if signed else z3.ULT
        if name in ("add", "sub", "mul"):
            return {"add": x[0] + x[1], "sub": x[0] - x[1], "mul": x[0] * x[1]}[name]
        if name == "neg":
            return -x[0]
        if name == "abs":
            return z3.If(x[0] < 0, -x[0], x[0]) if signed else x[0]
        if name == "sign":
            return z3.If(x[0] == 0, zero, z3.If(less(zero, x[0]), one, -one))
        if name in ("min", "max"):
            return z3.If(less(*x) if name == "min" else less(x[1], x[0]), x[0], x[1])
        if name in ("div", "rem"):
            return self.divide(name, x, signed, zero)
        if name == "compare":
            a, b = x
            return {"eq": a == b, "ne": a != b, "lt": less(a, b), "gt": less(b, a),
                    "le": z3.Not(less(b, a)), "ge": z3.Not(less(a, b))}[predicate(text)]
        if name.startswith("bit_"):
            return {"and": lambda: x[0] & x[1], "or": lambda: x[0] | x[1],
                    "xor": lambda: x[0] ^ x[1], "not": lambda: ~x[0]}[name[4:]]()
        if name in ("shift_left", "shift_right"):
            # Negative counts are large ones without a sign.
            inside = z3.ULT(x[1], z3.BitVecVal(width, width))
            if name == "shift_left":
                return z3.If(inside, x[0] << x[1], zero)
            rest = z3.If(x[0] < 0, -one, zero) if signed else zero
            return z3.If(inside, x[0] >> x[1] if signed else z3.LShR(x[0], x[1]), rest)
        if name == "pow":
            return self.power(*x)
        if name == "cast":
            return self.cast(x[0], width, signed, result)
        raise Unknown(f"mad.{name} of integers")

    def of_bools(self, name, text, x, result):
        if name == "compare" and predicate(text) in ("eq", "ne"):
            return x[0] == x[1] if predicate(text) == "eq" else x[0] != x[1]
        if name == "cast":
            return x[0] if result == "i1" else z3.If(x[0], self.constant(1, result),
                                                     self.constant(0, result))
        raise Unknown(f"mad.{name} of bools")

    def divide(self, name, x, signed, zero):
        a, b = x
        if signed:
            # z3 rounds towards zero; so does not the language.
            down = z3.And(z3.SRem(a, b) != 0, (a < 0) != (b < 0))
            quotient = z3.If(down, a / b - 1, a / b)
        else:
            quotient = z3.UDiv(a, b)
        quotient = z3.If(b == 0, zero, quotient)
        return quotient if name == "div" else z3.If(b == 0, zero, a - quotient * b)

    def power(self, base, exponent):
        exponent = z3.simplify(exponent)
        if not z3.is_bv_value(exponent) or not 0 < exponent.as_signed_long() <= 8:
            raise Unknown("a power of integers")
        result = base
        for _ in range(exponent.as_signed_long() - 1):
            result = result * base
        return result

    def cast(self, x, width, signed, result):
        if result == "i1":
            return x != 0
        to, _ = self.width(result)
        if to <= width:
            return z3.Extract(to - 1, 0, x) if to < width else x
        return (z3.SignExt if signed else z3.ZeroExt)(to - width, x)


class Floats(Integers):
    """Of IEEE floats, round to nearest, all NaN alike. Functions of the library are unknown, but
    are functions, keep NaN, and are odd or even as they should be."""

    def __init__(self, sort, exact, nsz=False, bools=()):
        super().__init__()
        self.sort, self.exact, self.nsz = sort, exact, nsz
        self.bools = dict(bools)
        self.calls, self.axioms = {}, []

    def float_sort(self, element):
        if self.exact and element != "f32":
            sorts = {"f16": z3.Float16(), "f64": z3.Float64(), "bf16": z3.FPSort(8, 8)}
            return sorts[element]
        return self.sort

    def variable(self, number, name, place, element):
        key = number, place
        if key in self.bools:
            self.variables[key] = z3.BoolVal(self.bools[key])
            return self.variables[key]
        if element[0] not in "fb":
            return super().variable(number, name, place, element)
        label = name + "".join(f"[{p}]" for p in place) if any(place) else name
        if key not in self.variables:
            self.variables[key] = z3.FP(label, self.float_sort(element))
        return self.variables[key]

    def constant(self, number, element):
        if element[0] not in "fb":
            return super().constant(number, element)
        return z3.FPVal(number, self.float_sort(element))

    def same(self, a, b):
        return a == b

    def call(self, name, x):
        self.opaque = True
        sort = x[0].sort()
        function = z3.Function(name, *[v.sort() for v in x], sort)
        result = function(*x)
        if len(x) == 1:
            self.axioms.append(z3.Implies(z3.fpIsNaN(x[0]), z3.fpIsNaN(result)))
            for other, image in self.calls.setdefault(name, []):
                if name in ODD | EVEN:
                    mirrored = z3.fpNeg(image) if name in ODD else image
                    self.axioms.append(z3.Implies(x[0] == z3.fpNeg(other), result == mirrored))
            self.calls[name].append((x[0], result))
        return result

    def apply(self, name, text, x, source, result):
        if source[0] not in "fb" or (name == "select" and result[0] not in "fb"):
            if name == "cast" and result[0] in "fb":
                sort = self.float_sort(result)
                if source == "i1":
                    return z3.If(x[0], z3.FPVal(1, sort), z3.FPVal(0, sort))
                signed = WIDTHS[source][1]
                return (z3.fpSignedToFP if signed else z3.fpUnsignedToFP)(z3.RNE(), x[0], sort)
            return super().apply(name, text, x, source, result)
        return self.of_floats(name, text, x, result)

    def of_floats(self, name, text, x, result):
        even = z3.RNE()
        if name == "select":
            return x[1] if z3.is_true(x[0]) else x[2] if z3.is_false(x[0]) else z3.If(*x)
        if name in ("add", "sub"):
            return self.sum(x[0], self.negative(x[1]) if name == "sub" else x[1])
        if name in ("mul", "div"):
            return self.product(name, *x)
        if name == "fma":
            return z3.fpFMA(even, *x)
        if name == "sqrt":
            return z3.fpSqrt(even, x[0])
        if name in ("neg", "abs"):
            return self.negative(x[0]) if name == "neg" else z3.fpAbs(x[0])
        roundings = {"floor": z3.RTN, "ceil": z3.RTP, "trunc": z3.RTZ, "round": z3.RNE}
        if name in roundings:
            return z3.fpRoundToIntegral(roundings[name](), x[0])
        if name in ("min", "max"):
            return self.extreme(name, *x)
        if name == "sign":
            sort = x[0].sort()
            return z3.If(z3.fpGT(x[0], z3.FPVal(0, sort)), z3.FPVal(1, sort),
                         z3.If(z3.fpLT(x[0], z3.FPVal(0, sort)), z3.FPVal(-1, sort), x[0]))
        if name == "compare":
            return {"eq": z3.fpEQ, "ne": z3.fpNEQ, "lt": z3.fpLT, "le": z3.fpLEQ, "gt": z3.fpGT,
                    "ge": z3.fpGEQ}[predicate(text)](*x)
        if name in ("isnan", "isinf"):
            return z3.fpIsNaN(x[0]) if name == "isnan" else z3.fpIsInf(x[0])
        if name == "isfinite":
            return z3.Not(z3.Or(z3.fpIsNaN(x[0]), z3.fpIsInf(x[0])))
        if name == "cast":
            return self.float_cast(x[0], result)
        return self.call(name, x)

    # Facts of IEEE 754 that z3 finds hard: a - b is a + -b, sums and products commute, signs go out of
    # products and quotients, and, but for the sign of zero, into sums.

    def negative(self, a):
        if a.decl().kind() == z3.Z3_OP_FPA_NEG:
            return a.arg(0)
        if self.nsz and a.decl().kind() == z3.Z3_OP_FPA_ADD:
            return self.sum(self.negative(a.arg(1)), self.negative(a.arg(2)))
        return z3.fpNeg(a)

    def sum(self, *x):
        return z3.fpAdd(z3.RNE(), *sorted(x, key=lambda v: v.get_id()))

    def product(self, name, *x):
        plain = [v.arg(0) if v.decl().kind() == z3.Z3_OP_FPA_NEG else v for v in x]
        turned = sum(v is not p for v, p in zip(x, plain)) % 2
        if name == "mul":
            plain.sort(key=lambda v: v.get_id())
        result = (z3.fpMul if name == "mul" else z3.fpDiv)(z3.RNE(), *plain)
        return self.negative(result) if turned else result

    def extreme(self, name, a, b):
        """NaN if one is, and +0 above -0."""
        first = z3.fpLT(a, b) if name == "min" else z3.fpGT(a, b)
        zeros = z3.And(z3.fpIsZero(a), z3.fpIsZero(b))
        signed = z3.fpIsNegative(a) if name == "min" else z3.fpIsPositive(a)
        nan = z3.Or(z3.fpIsNaN(a), z3.fpIsNaN(b))
        return z3.If(nan, z3.fpNaN(a.sort()), z3.If(z3.Or(first, z3.And(zeros, signed)), a, b))

    def float_cast(self, x, result):
        if result[0] in "fb":
            return z3.fpFPToFP(z3.RNE(), x, self.float_sort(result))
        if result == "i1":
            return z3.Not(z3.fpIsZero(x))
        width, signed = WIDTHS[result]
        if not signed:
            raise Unknown("a cast of floats to ui8")
        least, most = -(1 << (width - 1)), (1 << (width - 1)) - 1
        bound = z3.FPVal(float(1 << (width - 1)), x.sort())
        inside = z3.fpToSBV(z3.RTZ(), x, z3.BitVecSort(width))
        return z3.If(z3.fpIsNaN(x), z3.BitVecVal(0, width),
                     z3.If(z3.fpGEQ(x, bound), z3.BitVecVal(most, width),
                           z3.If(z3.fpLEQ(x, z3.fpNeg(bound)), z3.BitVecVal(least, width), inside)))


class Real:
    """A real number, or a truth, and where it is defined."""

    def __init__(self, value, defined=None):
        self.value, self.defined = value, z3.BoolVal(True) if defined is None else defined


class Reals:
    """Of real numbers. Roots are numbers whose square is known; exponentials, logarithms, powers and
    angles are known by the equations between those that occur."""

    def __init__(self):
        self.variables, self.axioms, self.opaque = {}, [], False
        self.roots, self.exponentials, self.angles, self.calls = {}, [], [], {}
        self.domains, self.count = [], 0

    def variable(self, number, name, place, element):
        if element[0] not in "fb" and element != "i1":
            raise Unknown(f"{element} among real numbers")
        key = number, place
        label = name + "".join(f"[{p}]" for p in place) if any(place) else name
        if key not in self.variables:
            self.variables[key] = Real(z3.Bool(label) if element == "i1" else z3.Real(label))
        return self.variables[key]

    def constant(self, number, element):
        if element == "i1":
            return Real(z3.BoolVal(bool(number)))
        if not math.isfinite(number):
            raise Unknown(f"{number} among real numbers")
        fraction = Fraction(number)
        return Real(z3.RealVal(f"{fraction.numerator}/{fraction.denominator}"))

    def fresh(self, hint):
        self.count += 1
        return z3.Real(f"{hint}!{self.count}")

    def zero(self, difference):
        """1: it is zero, -1: it is another number, 0: it depends."""
        rest = z3.simplify(difference, som=True)
        return 0 if not z3.is_rational_value(rest) else 1 if rest.as_fraction() == 0 else -1

    #===-- Roots, exponentials, angles -----------------------------------------===#

    def root(self, x, degree=2):
        key = degree, z3.simplify(x, som=True).sexpr()
        if key not in self.roots:
            s = self.roots[key] = self.fresh("root")
            if degree == 2:
                self.axioms.append(z3.Implies(x >= 0, z3.And(s >= 0, s * s == x)))
            else:
                self.axioms.append(s * s * s == x)
        return self.roots[key]

    def exp(self, x):
        for argument, image in self.exponentials:
            if self.zero(argument - x) == 1:
                return image
        image = self.fresh("exp")
        self.note_exponential(x, image)
        return image

    def log(self, x):
        for argument, image in self.exponentials:
            if self.zero(image - x) == 1:
                return argument
        argument = self.fresh("log")
        self.note_exponential(argument, x, x > 0)
        return argument

    def note_exponential(self, x, image, where=None):
        """exp(x) is `image`, with what follows beside the others: only where that is positive."""
        self.opaque = True
        positive = z3.BoolVal(True) if where is None else where
        self.axioms.append(z3.Implies(positive, image > 0))
        self.axioms.append(z3.Implies(positive, (x == 0) == (image == 1)))
        self.exponentials.append((x, image))
        self.domains.append(positive)
        last, n = len(self.exponentials) - 1, len(self.exponentials)
        if n > 8:
            return
        def both(*numbers):
            return z3.And(*[self.domains[i] for i in numbers])
        for i in range(n):
            for j in range(i, n):
                (a, u), (b, v) = self.exponentials[i], self.exponentials[j]
                if last in (i, j):
                    self.relate(a + b, u * v - 1, both(i, j))
                    if i != j:
                        self.relate(a - b, u - v, both(i, j))
                for k in range(n):
                    if last in (i, j, k):
                        c, w = self.exponentials[k]
                        self.relate(a + b - c, u * v - w, both(i, j, k))

    def relate(self, sum, product, where):
        """The one is zero just when the other is."""
        known = self.zero(sum), self.zero(product)
        if known[0] == 1:
            self.axioms.append(z3.Implies(where, product == 0))
        elif known[1] == 1:
            self.axioms.append(z3.Implies(where, sum == 0))
        elif -1 not in known and len(self.exponentials) <= 6:
            self.axioms.append(z3.Implies(where, (sum == 0) == (product == 0)))

    def angle(self, x):
        """Sine and cosine."""
        self.opaque = True
        for a, s, c in self.angles:
            if self.zero(a - x) == 1:
                return s, c
        s, c = self.fresh("sin"), self.fresh("cos")
        self.axioms.append(s * s + c * c == 1)
        if self.zero(x) == 1:
            self.axioms += [s == 0, c == 1]
        self.angles.append((x, s, c))
        last = len(self.angles) - 1
        for i, (a, sa, ca) in enumerate(self.angles):
            if self.zero(a + x) == 1:
                self.axioms += [sa == -s, ca == c]
            for j, (b, sb, cb) in list(enumerate(self.angles))[i:]:
                for k, (whole, sw, cw) in enumerate(self.angles):
                    if last in (i, j, k) and self.zero(a + b - whole) == 1:
                        self.axioms += [sw == sa * cb + ca * sb, cw == ca * cb - sa * sb]
                    if last in (i, j, k) and self.zero(a - b - whole) == 1:
                        self.axioms += [sw == sa * cb - ca * sb, cw == ca * cb + sa * sb]
        return s, c

    def call(self, name, values):
        self.opaque = True
        sort = z3.RealSort()
        result = z3.Function(name, *[sort] * len(values), sort)(*values)
        if len(values) == 1:
            for other, image in self.calls.setdefault(name, []):
                if name in ODD | EVEN and self.zero(values[0] + other) == 1:
                    self.axioms.append(result == (-image if name in ODD else image))
            self.calls[name].append((values[0], result))
        return result

    #===-- Functions -----------------------------------------------------------===#

    def apply(self, name, text, x, source, result):
        if name == "select":
            condition, a, b = x
            return Real(z3.If(condition.value, a.value, b.value),
                        z3.And(condition.defined, z3.If(condition.value, a.defined, b.defined)))
        defined = z3.And(*[v.defined for v in x])
        v = [v.value for v in x]
        if name in ("and", "or", "not"):
            return Real({"and": z3.And, "or": z3.Or, "not": z3.Not}[name](*v), defined)
        if name == "cast":
            return self.cast(v[0], defined, source, result)
        if source[0] not in "fb" and not (name == "compare" and source == "i1"):
            raise Unknown(f"mad.{name} of {source} among real numbers")
        made, where = self.function(name, text, v)
        return Real(made, defined if where is None else z3.And(defined, where))

    def cast(self, v, defined, source, result):
        floats = source[0] in "fb", result[0] in "fb"
        if all(floats) or source == result:
            return Real(v, defined)
        if source == "i1" and floats[1]:
            return Real(z3.If(v, z3.RealVal(1), z3.RealVal(0)), defined)
        if floats[0] and result == "i1":
            return Real(v != 0, defined)
        raise Unknown(f"a cast of {source} to {result} among real numbers")

    def function(self, name, text, v):
        """The value, and where it is defined."""
        a, b = v[0], v[1] if len(v) > 1 else None
        if name in ("add", "sub", "mul"):
            return {"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b}[name](), None
        if name == "fma":
            return a * b + v[2], None
        if name == "div":
            return a / b, b != 0
        if name == "neg":
            return -a, None
        if name == "abs":
            return z3.If(a < 0, -a, a), None
        if name == "sign":
            return z3.If(a < 0, z3.RealVal(-1), z3.If(a > 0, z3.RealVal(1), z3.RealVal(0))), None
        if name in ("min", "max"):
            return z3.If(a < b if name == "min" else a > b, a, b), None
        if name == "compare":
            kind = predicate(text)
            return {"eq": lambda: a == b, "ne": lambda: a != b, "lt": lambda: a < b,
                    "le": lambda: a <= b, "gt": lambda: a > b, "ge": lambda: a >= b}[kind](), None
        if name in ("isnan", "isinf", "isfinite"):
            return z3.BoolVal(name == "isfinite"), None
        if name in ("floor", "ceil", "trunc", "round"):
            return self.rounding(name, a), None
        if name in ("sqrt", "rsqrt"):
            root = self.root(a)
            return (root, a >= 0) if name == "sqrt" else (1 / root, a > 0)
        if name == "cbrt":
            return self.root(a, 3), None
        if name == "rem":
            return a - z3.ToReal(z3.ToInt(a / b)) * b, b != 0
        if name == "pow":
            return self.power(a, b)
        return self.transcendental(name, v)

    def rounding(self, name, a):
        down = z3.ToReal(z3.ToInt(a))
        up = -z3.ToReal(z3.ToInt(-a))
        if name == "floor":
            return down
        if name == "ceil":
            return up
        if name == "trunc":
            return z3.If(a < 0, up, down)
        even = z3.ToInt(a) % 2 == 0
        return z3.If(a - down < z3.Q(1, 2), down,
                     z3.If(z3.Or(a - down > z3.Q(1, 2), z3.Not(even)), up, down))

    def power(self, a, b):
        exponent = z3.simplify(b)
        if z3.is_rational_value(exponent):
            number = exponent.as_fraction()
            if number.denominator == 1 and abs(number) <= 8:
                product = z3.RealVal(1)
                for _ in range(abs(number.numerator)):
                    product = product * a
                return (product, None) if number >= 0 else (1 / product, a != 0)
            if number == Fraction(1, 2):
                return self.root(a), a >= 0
        return self.exp(b * self.log(a)), a > 0

    def transcendental(self, name, v):
        a = v[0]
        if name == "exp":
            return self.exp(a), None
        if name == "expm1":
            return self.exp(a) - 1, None
        if name == "log":
            return self.log(a), a > 0
        if name == "log1p":
            return self.log(1 + a), a > -1
        if name in ("exp2", "log2", "log10"):
            base = self.log(z3.RealVal(10 if name == "log10" else 2))
            return (self.exp(a * base), None) if name == "exp2" else (self.log(a) / base, a > 0)
        if name in ("sinh", "cosh", "tanh"):
            up, down = self.exp(a), self.exp(-a)
            return {"sinh": (up - down) / 2, "cosh": (up + down) / 2,
                    "tanh": (up - down) / (up + down)}[name], None
        if name in ("sin", "cos", "tan"):
            s, c = self.angle(a)
            return (s / c, c != 0) if name == "tan" else (s if name == "sin" else c, None)
        if name == "erfc":
            return 1 - self.call("erf", v), None
        where = {"asin": lambda: z3.And(a >= -1, a <= 1), "acos": lambda: z3.And(a >= -1, a <= 1),
                 "acosh": lambda: a >= 1, "atanh": lambda: z3.And(a > -1, a < 1)}.get(name)
        if name not in ("asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "erf"):
            raise Unknown(f"mad.{name}")
        return self.call(name, v), where() if where else None


def quotient(a, b):
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


class Numbers:
    """Of Python's floats, with what was seen on the way: a point, given by `values`."""

    def __init__(self, draw):
        self.draw, self.values, self.largest, self.nan = draw, {}, 0.0, False

    def see(self, v):
        if isinstance(v, float):
            self.nan |= math.isnan(v) or math.isinf(v)
            self.largest = max(self.largest, abs(v))
        return v

    def variable(self, number, name, place, element):
        key = number, place
        if key not in self.values:
            self.values[key] = self.draw(number, element)
        return self.see(self.values[key])

    def constant(self, number, element):
        return bool(number) if element == "i1" else self.see(float(number))

    def apply(self, name, text, x, source, result):
        if source[0] not in "fb" and source != "i1" or result[0] not in "fb" and result != "i1":
            raise Unknown(f"{source} among numbers")
        try:
            return self.see(self.function(name, text, x, result))
        except (ValueError, ZeroDivisionError):
            return self.see(math.nan)
        except OverflowError:
            return self.see(math.inf)

    def function(self, name, text, x, result):
        a, b = x[0], x[1] if len(x) > 1 else None
        if name == "select":
            return x[1] if a else x[2]
        if name in ("and", "or", "not"):
            return {"and": lambda: a and b, "or": lambda: a or b, "not": lambda: not a}[name]()
        if name == "cast":
            return bool(a) if result == "i1" else float(a)
        if name == "compare":
            return {"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b,
                    "ge": a >= b}[predicate(text)]
        if name in ("isnan", "isinf", "isfinite"):
            return getattr(math, name)(a)
        if name in ("min", "max"):
            if math.isnan(a) or math.isnan(b):
                return math.nan
            return min(a, b) if name == "min" else max(a, b)
        simple = {"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b,
                  "div": lambda: quotient(a, b), "fma": lambda: a * b + x[2], "neg": lambda: -a,
                  "abs": lambda: abs(a), "sign": lambda: float((a > 0) - (a < 0)) if a == a else a,
                  "floor": lambda: float(math.floor(a)), "ceil": lambda: float(math.ceil(a)),
                  "trunc": lambda: float(math.trunc(a)), "round": lambda: float(round(a)),
                  "log": lambda: math.log(a) if a else -math.inf,
                  "rsqrt": lambda: 1 / math.sqrt(a), "exp2": lambda: 2.0 ** a,
                  "rem": lambda: a - math.floor(a / b) * b, "pow": lambda: math.pow(a, b),
                  "cbrt": lambda: math.copysign(abs(a) ** (1 / 3), a)}
        return simple[name]() if name in simple else float(getattr(math, name)(*x))
