#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks that definition, file, flag, test and documentation of a thing agree.

- An op of dialects/<D>/IR/*Ops.td stands in test/Dialect/<D>/ops*.mlir and is
  named in dialects/<D>/README.md or docs/.
- A pass `def DoThing` of a Passes.td has the flag `mad-do-thing`, a description,
  a source file or folder of its name, and a test do-thing*.mlir (or a test
  folder of its name).
- A code of frontend/Diag/Codes.def occurs in a test and has a page docs/errors/E<code>.md
  with its title; every page has its code.
- A source file is listed in the CMakeLists.txt that is nearest above it.
- A std module is listed where it is embedded; its functions are documented, each with an example
  (tools/dev/stdlib.py says how; tools/dev/std-docs.py runs them).

One line a fault; the exit status says whether there were any.
"""
import re
import sys
from pathlib import Path

import stdlib

ROOT = Path(__file__).resolve().parents[2]
faults = []


def fault(path, text):
    faults.append(f"{path.relative_to(ROOT)}: {text}")


def read(path):
    return path.read_text(encoding="utf-8", errors="replace")


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def mentions(text, word):
    return re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w-])", text) is not None


def check_ops():
    docs = "\n".join(read(p) for p in sorted((ROOT / "docs").glob("*.md")))
    for td in sorted(ROOT.glob("dialects/*/IR/*Ops.td")):
        folder = td.parents[1]
        texts = [read(p) for p in td.parent.glob("*Dialect.td")]
        name = re.search(r'let name = "(\w+)"', "\n".join(texts))
        if not name:
            fault(td, "no *Dialect.td beside it names the dialect")
            continue
        tests = sorted((ROOT / "test" / "Dialect" / folder.name).glob("ops*.mlir"))
        trips = "\n".join(read(p) for p in tests)
        readme = folder / "README.md"
        described = (read(readme) if readme.exists() else "") + docs
        for op, mnemonic in re.findall(
                r'^def\s+(\w+)Op\s*:\s*\w+<\s*"([\w.]+)"', read(td), re.MULTILINE):
            full = f"{name[1]}.{mnemonic}"
            if not mentions(trips, full):
                fault(td, f"{op}Op: `{full}` is not in test/Dialect/{folder.name}/ops.mlir")
            if not mentions(described, full) and f"`{mnemonic}`" not in described:
                fault(td, f"{op}Op: `{full}` is not in {readme.relative_to(ROOT)}")


def check_passes():
    files = [p for p in (ROOT / "test").rglob("*.mlir")]
    folders = {p.parent.name for p in files}
    for td in sorted([*ROOT.glob("passes/**/Passes.td"), *ROOT.glob("dialects/**/Passes.td")]):
        text = without_comments(read(td))
        defs = list(re.finditer(r'^def\s+(\w+)\s*:\s*Pass<\s*"([^"]*)"', text, re.MULTILINE))
        for i, match in enumerate(defs):
            name, flag = match.groups()
            stem = kebab(name)
            body = text[match.end() : defs[i + 1].start() if i + 1 < len(defs) else None]
            expected = stem if stem.startswith("mad-") else f"mad-{stem}"
            if flag != expected:
                fault(td, f"{name}: its flag is `{flag}`; expected `{expected}`")
            for field in ("summary", "description"):
                if not re.search(rf"let {field} = (\"\S|\[\{{\s*\S)", body):
                    fault(td, f"{name}: no {field}")
            if not list(td.parent.rglob(f"{name}.cpp")) and not (td.parent / name).is_dir():
                fault(td, f"{name}: no {name}.cpp and no folder {name} beside it")
            if name not in folders and not any(p.name.startswith(stem) for p in files):
                fault(td, f"{name}: no test {stem}.mlir")


def check_codes():
    codes = ROOT / "frontend" / "Diag" / "Codes.def"
    if not codes.exists():
        return
    tests = "\n".join(
        read(p) for p in (ROOT / "test").rglob("*")
        if p.suffix in (".mad", ".mlir", ".test", ".cpp", ".h", ".txt"))
    seen = set()
    pages = ROOT / "docs" / "errors"
    for digits, title in re.findall(r'^MAD_CODE\((\d+), "(.*)"\)$', read(codes), re.MULTILINE):
        if digits in seen:
            fault(codes, f"E{digits} is there twice")
        seen.add(digits)
        if not mentions(tests, f"E{digits}"):
            fault(codes, f"E{digits} does not occur in any test")
        page = pages / f"E{digits}.md"
        if not page.exists():
            fault(page, f"is missing: a page with the cause, a wrong and a right example of E{digits}")
        elif read(page).split("\n")[0] != f"# E{digits}: {title}":
            fault(page, f"begins otherwise than `# E{digits}: {title}`")
    for page in sorted(pages.glob("E*.md")):
        if page.stem[1:] not in seen:
            fault(page, "there is no such code in frontend/Diag/Codes.def")


def check_sources():
    for top in ("dialects", "frontend", "passes", "runtime", "tools", "test"):
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix not in (".c", ".cpp", ".re", ".yy") or "Inputs" in path.parts:
                continue
            above = next(p for p in path.parents if (p / "CMakeLists.txt").exists())
            name = path.relative_to(above).as_posix()
            if not mentions(re.sub(r"#[^\n]*", "", read(above / "CMakeLists.txt")), name):
                fault(path, f"is not listed in {above.relative_to(ROOT)}/CMakeLists.txt")


def check_std():
    lists = "\n".join(read(p) for p in (ROOT / "frontend").rglob("CMakeLists.txt"))
    for path in sorted((ROOT / "frontend" / "std").rglob("*.mad")):
        module = path.stem if path.parent.name == "std" else path.parent.name
        if not mentions(lists, module) and path.name not in lists and "std/*.mad" not in lists:
            fault(path, "is not embedded: no CMakeLists.txt of the front end names it")
        for line, text in stdlib.faults(stdlib.read_module(path)):
            faults.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def main():
    for check in (check_ops, check_passes, check_codes, check_sources, check_std):
        check()
    for line in faults:
        print(line)
    print(f"{len(faults)} faults" if faults else "names agree")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
