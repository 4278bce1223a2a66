# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads the modules of frontend/std: what they declare, its documentation and examples.

The `///` comment above a function or constant holds its meaning. That of a function has besides a line
that begins with `Numerics: `, one that begins with `Cost: `, and one example: a block fenced as `mad`
with statements that become a test. A name that begins with `_` is for the module alone.
"""
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "frontend" / "std"
# What the comment of a function states on lines of their own, and what that is.
PARTS = {"Numerics": "how exact it is, where it overflows, what it does to special values",
         "Cost": "operations an element or as a polynomial of the sizes, passes, memory"}


@dataclass
class Item:
    module: str
    kind: str  # fn or const
    name: str
    signature: str
    doc: str  # without the examples
    examples: list  # (number of the first line inside the fence, lines)
    line: int  # of the declaration, from 1


@dataclass
class Module:
    """One file: a module, or a part of it from the folder of its name."""
    name: str
    path: Path
    about: str
    items: list
    parts: list  # itself, and the others


def split_doc(lines, first):
    """The text of a comment, and its examples."""
    text, examples, example = [], [], None
    for i, line in enumerate(lines):
        if example is None and line == "```mad":
            example = (first + i + 1, [])
        elif example is not None and line == "```":
            examples.append(example)
            example = None
        elif example is not None:
            example[1].append(line)
        else:
            # The parts are paragraphs.
            text += ["", line] if line.split(":")[0] in PARTS else [line]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(text)).strip(), examples


def signature_at(lines, at):
    """A declaration from its keyword to its body; of a constant, the line."""
    if lines[at].startswith("const "):
        return lines[at]
    taken = []
    for line in lines[at:]:
        taken.append(line.split(" {")[0])
        if " {" in line or line.endswith("{"):
            break
    return "\n".join(taken).rstrip("{ ")


def read_module(path, folder=FOLDER):
    lines = path.read_text(encoding="utf-8").split("\n")
    about = []
    for line in lines:
        if not re.match(r"//( |$)", line):
            break
        about.append(line[3:])
    name = path.stem if path.parent == folder else path.parent.name
    module = Module(name, path, "\n".join(about).strip(), [], [])
    module.parts.append(module)
    comment = []
    for i, line in enumerate(lines):
        if line.startswith("///"):
            comment.append(line[4:])
            continue
        found = re.match(r"(fn|const)\s+(\w+)", line)
        if found and not found[2].startswith("_"):
            doc, examples = split_doc(comment, i - len(comment) + 1)
            module.items.append(Item(name, found[1], found[2], signature_at(lines, i), doc,
                                     examples, i + 1))
        comment = []
    return module


def read_library(folder=FOLDER):
    library = [read_module(p, folder) for p in sorted(folder.glob("*.mad"))]
    for module in library:
        module.parts += [read_module(p, folder) for p in sorted((folder / module.name).glob("*.mad"))]
    return library


def all_items(module):
    return [item for part in module.parts for item in part.items]


def faults(module):
    """(line, text) for what the documentation of a module lacks."""
    for item in module.items:
        if not item.doc:
            yield item.line, f"`{item.name}` has no `///` comment"
            continue
        if item.kind != "fn":
            continue
        for part, what in PARTS.items():
            if not re.search(rf"^{part}: \S", item.doc, re.MULTILINE):
                yield item.line, f"`{item.name}` has no line `{part}: ...` in its comment: {what}"
        if not item.examples:
            yield item.line, f"`{item.name}` has no example: a block fenced as `mad` in its comment"
    if not module.about:
        yield 1, "the module does not begin with a `//` comment that says what it holds"
