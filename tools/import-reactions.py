#!/usr/bin/env python3
"""Writes a network of reactions as MAD: import-reactions.py MODEL [-o FILE.mad] [--name NAME]

MODEL is a BioNetGen network (`.net`: parameters, species, reactions of mass action) or SBML core (`.xml`, `.sbml`:
species, parameters and reactions with kinetic laws). What is not one of these (rules, events, functions of the
file) ends in a message that names it. `mad explain --reactions FILE.mad` tells what the network keeps.
"""
import argparse
import ast
import math
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

# Words of the language, and names that the written file has itself.
WORDS = set("""use dim const weight from transposed as record fn export test let if else true false and or not with
over scan collect iterate while for in by where assert t u to network status stats initial amounts sum prod max min all any
f32 f64 i32 i64 bool exp log sqrt abs sin cos tan tanh floor ceil""".split())
MAX_MOLECULES = 64  # of one species on a side, in MAD
FUNCTIONS = {"exp": math.exp, "ln": math.log, "log": math.log, "log10": math.log10, "sqrt": math.sqrt, "abs": abs,
             "sin": math.sin, "cos": math.cos, "tan": math.tan, "min": min, "max": max}


class Unsupported(Exception):
    pass


class Names:
    """Names of the model as names of MAD, each its own."""

    def __init__(self):
        self.known, self.taken = {}, set(WORDS)

    def of(self, text):
        if text not in self.known:
            base = name = re.sub(r"\W+", "_", text).strip("_") or "S"
            if base[0].isdigit():
                base = name = "S" + base
            number = 2
            while name in self.taken:
                name, number = f"{base}_{number}", number + 1
            self.taken.add(name)
            self.known[text] = name
        return self.known[text]


def number(value):
    """A float as MAD writes it."""
    text = repr(float(value))
    if "inf" in text or "nan" in text:
        raise Unsupported(f"the number {text}")
    return text


def evaluated(text, values):
    """The value of an expression of BioNetGen."""
    def of(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            return float(node.value)
        if isinstance(node, ast.Name) and node.id in values:
            return values[node.id]
        if isinstance(node, ast.Name) and node.id in ("_pi", "_e"):
            return math.pi if node.id == "_pi" else math.e
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            return -of(node.operand) if isinstance(node.op, ast.USub) else of(node.operand)
        if isinstance(node, ast.BinOp):
            x, y = of(node.left), of(node.right)
            for kind, result in ((ast.Add, lambda: x + y), (ast.Sub, lambda: x - y), (ast.Mult, lambda: x * y),
                                 (ast.Div, lambda: x / y), (ast.Pow, lambda: x**y)):
                if isinstance(node.op, kind):
                    return result()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            return FUNCTIONS[node.func.id](*map(of, node.args))
        raise Unsupported(f"the expression `{text}`")

    try:
        return of(ast.parse(text.replace("^", "**"), mode="eval").body)
    except (SyntaxError, ArithmeticError, ValueError) as error:
        raise Unsupported(f"the expression `{text}`") from error


class Network:
    """What is written: species with initial amounts, constants, and lines of reactions."""

    def __init__(self):
        self.names, self.species, self.constants, self.lines = Names(), {}, {}, []
        self.timed = False

    def line(self, left, right, rate):
        def side(counts):
            return " + ".join(name if n == 1 else f"{n} {name}" for name, n in counts.items()) or "0"
        self.lines.append(f"  {side(left)} -> {side(right)}, {rate}")

    def text(self, name, source):
        species = ", ".join(self.species)
        out = [f"// Written by import-reactions.py from {source}."]
        out += [f"const {constant}: f64 = {number(value)}" for constant, value in self.constants.items()]
        out += ["", f"reactions {name}(u: f64[{species}]{'; ; t: f64' if self.timed else ''}) {{", *self.lines, "}", ""]
        count = len(self.species)
        out += [f"const initial: f64[{count}] = [{', '.join(map(number, self.species.values()))}]", "",
                "/// All species at time `to`.", f"export fn amounts(to: f64) -> f64[{count}] {{",
                f"  (solve {name}(initial) from 0.0 to to with rodas5p(rtol = 1e-6, atol = 1e-9)).u", "}"]
        return "\n".join(out) + "\n"


# BioNetGen ---------------------------------------------------------------------------------------------------------

def blocks(text):
    """The lines of each `begin` ... `end`, without comments."""
    found, name = {}, None
    for line in text.splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("begin "):
            name = line[6:].strip()
            found[name] = []
        elif line.startswith("end "):
            name = None
        elif line and name:
            found[name].append(line.split())
    return found


def counted(names):
    return {name: names.count(name) for name in dict.fromkeys(names)}


def rate_of(text, values, names):
    """A rate as an expression of constants: `2*kp1`."""
    evaluated(text, values)
    def token(match):
        word = match.group(0)
        return number(word) if word[0].isdigit() or word[0] == "." else names.of("k " + word)
    text = re.sub(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z_]\w*", token, text)
    return re.sub(r"\s*([*/+])\s*", r" \1 ", text)


def lines_of(parts, block, words, what):
    """The lines of a block, which have so many words at least."""
    for line in parts.get(block, []):
        if len(line) < words:
            raise Unsupported(f"the line `{' '.join(line)}` of `{block}`, which is not {what}")
        yield line


def from_bionetgen(text):
    parts, network, values = blocks(text), Network(), {}
    for name in parts:
        if name not in ("parameters", "species", "reactions", "groups"):
            raise Unsupported(f"the block `{name}`")
    for line in lines_of(parts, "parameters", 3, "`number name value`"):
        values[line[1]] = evaluated(" ".join(line[2:]), values)
    species = {}
    for line in lines_of(parts, "species", 3, "`number name amount`"):
        fixed = line[1].startswith("$")
        if fixed:
            raise Unsupported(f"the fixed species `{line[1]}`")
        species[line[0]] = network.names.of(line[1])
        network.species[species[line[0]]] = evaluated(" ".join(line[2:]), values)
    for line in lines_of(parts, "reactions", 4, "`number reactants products rate`"):
        for one in line[1].split(",") + line[2].split(","):
            if one != "0" and one not in species:
                raise Unsupported(f"the reaction `{' '.join(line)}` with species {one}, which the file does not have")
        sides = [counted([species[i] for i in side.split(",") if i != "0"]) for side in line[1:3]]
        rate = rate_of(" ".join(line[3:]), values, network.names)
        network.line(*sides, f"rate = {rate}")
    for name, value in values.items():
        network.constants[network.names.of("k " + name)] = value
    return network


# SBML --------------------------------------------------------------------------------------------------------------

def tag(node):
    return node.tag.rsplit("}", 1)[-1]


def part(node, *path):
    """The children of `listOfX` and so on; empty where there are none."""
    for name in path:
        node = next((kid for kid in node if tag(kid) == name), None)
        if node is None:
            return []
    return list(node)


class Law:
    """MathML as an expression of MAD."""

    OPERATORS = {"plus": " + ", "times": " * ", "minus": " - ", "divide": " / ", "power": " ^ "}
    CALLS = {"exp": "exp", "ln": "log", "abs": "abs", "sin": "sin", "cos": "cos", "tan": "tan", "tanh": "tanh",
             "floor": "floor", "ceiling": "ceil"}

    def __init__(self, network, symbols):
        self.network, self.symbols = network, symbols

    def cn(self, node):
        kind, texts = node.get("type", "real"), [node.text or ""] + [kid.tail or "" for kid in node]
        numbers = [float(text) for text in texts]
        value = (numbers[0] * 10 ** numbers[1] if kind == "e-notation"
                 else numbers[0] / numbers[1] if kind == "rational" else numbers[0])
        return number(value) if value >= 0 else f"({number(value)})"

    def of(self, node):
        kind = tag(node)
        if kind == "cn":
            return self.cn(node)
        if kind == "ci":
            name = (node.text or "").strip()
            if name not in self.symbols:
                raise Unsupported(f"`{name}` in a kinetic law")
            return self.symbols[name]
        if kind == "csymbol" and node.get("definitionURL", "").endswith("time"):
            self.network.timed = True
            return "t"
        if kind != "apply":
            raise Unsupported(f"`{kind}` in a kinetic law")
        head, rest = tag(node[0]), [self.of(kid) for kid in node[1:] if tag(kid) not in ("degree", "logbase")]
        if head == "minus" and len(rest) == 1:
            return f"(-{rest[0]})"
        if head in self.OPERATORS and rest:
            return "(" + self.OPERATORS[head].join(rest) + ")"
        if head in self.CALLS:
            return f"{self.CALLS[head]}({rest[0]})"
        if head == "root" and len(node) == 2:
            return f"sqrt({rest[0]})"
        raise Unsupported(f"`{head}` in a kinetic law")


def value_of(node, *names):
    for name in names:
        if node.get(name) is not None:
            return float(node.get(name))
    raise Unsupported(f"`{node.get('id')}` has no value: no attribute `{'` or `'.join(names)}`")


def known(table, node, attribute, what):
    """What the file declares under the name that an element has in an attribute."""
    if node.get(attribute) not in table:
        raise Unsupported(f"`{tag(node)}` with the {what} `{node.get(attribute)}`, which the file does not declare")
    return table[node.get(attribute)]


def sides_of(reaction, species, held):
    found = []
    for side in ("listOfReactants", "listOfProducts"):
        counts = {}
        for one in part(reaction, side):
            times = float(one.get("stoichiometry", 1))
            name = known(species, one, "species", "species")
            if one.get("species") not in held:
                counts[name] = counts.get(name, 0) + times
            if not times.is_integer() or len(one) or not 0 <= counts.get(name, 0) <= MAX_MOLECULES:
                raise Unsupported(f"the stoichiometry of `{one.get('species')}` in `{reaction.get('id')}`")
        counts = {name: int(count) for name, count in counts.items() if count}
        found.append(counts)
    return found


def from_sbml(text):
    root = xml.fromstring(text)
    model = next((kid for kid in root if tag(kid) == "model"), None)
    if tag(root) != "sbml" or model is None:
        raise Unsupported("a file that is not SBML")
    for kid in model:
        what = tag(kid)
        if len(kid) and what in ("listOfRules", "listOfEvents", "listOfFunctionDefinitions", "listOfInitialAssignments",
                                 "listOfConstraints", "listOfSubmodels"):
            raise Unsupported(f"`{what}`")
    # Each of them would change what is computed.
    for kid in model.iter():
        if kid.get("conversionFactor") is not None:
            raise Unsupported(f"the conversion factor of `{kid.get('id')}`")
        if kid.get("fast") == "true":
            raise Unsupported(f"the fast reaction `{kid.get('id')}`")
    network, species, held, symbols, volumes = Network(), {}, set(), {}, {}

    def constant(key, value):
        name = network.names.of(key)
        network.constants[name] = value
        return name

    for one in part(model, "listOfCompartments"):
        volume = volumes[one.get("id")] = float(one.get("size", one.get("volume", 1)))
        if not 0 < volume < math.inf:
            raise Unsupported(f"the compartment `{one.get('id')}` of size {volume}")
        symbols[one.get("id")] = constant("V " + one.get("id"), volumes[one.get("id")])
    for one in part(model, "listOfParameters"):
        symbols[one.get("id")] = constant("k " + one.get("id"), value_of(one, "value"))
    for one in part(model, "listOfSpecies"):
        key, volume = one.get("id"), known(volumes, one, "compartment", "compartment")
        if key in species:
            raise Unsupported(f"the species `{key}`, which is there twice")
        amount = value_of(one, "initialAmount", "initialConcentration")
        # Laws read concentrations, or amounts where the file says so.
        whole = one.get("hasOnlySubstanceUnits") == "true"
        if "initialAmount" in one.attrib and not whole:
            amount /= volume
        if "initialAmount" not in one.attrib and whole:
            amount *= volume
        if volume != 1 and whole:
            raise Unsupported(f"the species `{key}` in amounts, in a compartment of size {volume}")
        name = network.names.of(key)
        symbols[key] = species[key] = name
        if one.get("boundaryCondition") == "true" or one.get("constant") == "true":
            held.add(key)
            network.constants[name] = amount
        else:
            network.species[name] = amount
    sizes = {one.get("id"): volumes[one.get("compartment")] for one in part(model, "listOfSpecies")}
    for reaction in part(model, "listOfReactions"):
        own = dict(symbols)
        for one in part(reaction, "kineticLaw", "listOfParameters") + part(reaction, "kineticLaw", "listOfLocalParameters"):
            own[one.get("id")] = constant(f"k {reaction.get('id')} {one.get('id')}", value_of(one, "value"))
        math_nodes = part(reaction, "kineticLaw", "math")
        if not math_nodes:
            raise Unsupported(f"`{reaction.get('id')}` without a kinetic law")
        law = Law(network, own).of(math_nodes[0])
        sides = sides_of(reaction, species, held)
        taking = {sizes[one.get("species")] for name in ("listOfReactants", "listOfProducts")
                  for one in part(reaction, name) if one.get("species") not in held}
        if len(taking) > 1:
            raise Unsupported(f"`{reaction.get('id')}` between compartments of different sizes")
        if taking and taking != {1.0}:
            law = f"{law} / {number(taking.pop())}"
        network.line(*sides, f"law = {law}")
    return network


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("-o", dest="out", type=pathlib.Path)
    parser.add_argument("--name", default="network")
    options = parser.parse_args()
    try:
        text = options.model.read_text()
        network = (from_bionetgen if options.model.suffix == ".net" else from_sbml)(text)
        if not network.species or not network.lines:
            raise Unsupported("a model without species or reactions")
        result = network.text(options.name, options.model.name)
    except (OSError, UnicodeDecodeError, xml.ParseError) as error:
        sys.exit(f"error: {options.model}: {error}")
    except Unsupported as error:
        sys.exit(f"error: {options.model}: not imported: {error}")
    except ValueError as error:
        sys.exit(f"error: {options.model}: not a number: {str(error).removeprefix('could not convert string to float: ')}")
    except (ArithmeticError, IndexError, TypeError) as error:
        sys.exit(f"error: {options.model}: an `apply` without operands, an element without `id`, or a number that is none: {error}")
    if options.out:
        options.out.write_text(result)
    else:
        sys.stdout.write(result)


if __name__ == "__main__":
    main()
