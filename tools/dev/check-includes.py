#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Names the files that only build because the precompiled header holds what they do not include.

    check-includes.py [--build FOLDER] [--jobs N] [--since REVISION | --all | FILE ...]

Each file is parsed as its build would compile it, but without the precompiled header: .cpp files, and
headers by themselves, with the flags of a .cpp file nearby. Without FILE these are the files that differ
from REVISION (default: HEAD), new ones too; with --all those of the build, which takes about 20 minutes of
one processor. Files whose build does without the header are left out. Needs a build folder (default: build/release) that is up to date, for generated files.
"""
import argparse
import concurrent.futures
import json
import os
import shlex
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def git(*words):
    return subprocess.run(["git", "-C", ROOT, *words], check=True, capture_output=True,
                          text=True).stdout.split("\n")


def changed(revision):
    names = git("diff", "--name-only", "--diff-filter=d", revision)
    names += git("ls-files", "--others", "--exclude-standard")
    return sorted({os.path.join(ROOT, n) for n in names if n.endswith((".cpp", ".h"))})


def commandsOf(build):
    path = os.path.join(build, "compile_commands.json")
    if not os.path.exists(path):
        sys.exit(f"check-includes.py: there is no `{path}`; build first, or name the folder with --build")
    with open(path) as f:
        return {e["file"]: e for e in json.load(f) if e["file"].endswith(".cpp")}


def distance(a, b):
    common = os.path.commonpath([a, b])
    return len(os.path.relpath(a, common).split("/")) + len(os.path.relpath(b, common).split("/"))


def check(path, entry):
    """What the compiler says, or nothing; `entry` is how `path` or a file nearby is built."""
    words, kept, skip = shlex.split(entry["command"]), [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-include-pch", "-include", "-o"):
            skip = True
        elif word not in ("-c", "-Winvalid-pch", entry["file"]):
            kept.append(word)
    language = ["-x", "c++-header"] if path.endswith(".h") else []
    # What a header declares for others is no fault of it.
    kept += ["-fsyntax-only", "-Wno-unused", "-Wno-pragma-once-outside-header", *language, path]
    done = subprocess.run(kept, cwd=entry["directory"], capture_output=True, text=True)
    return done.stderr if done.returncode else ""


def main():
    parser = argparse.ArgumentParser(description="see the head of this file")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"))
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--since", default="HEAD")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("files", nargs="*")
    arguments = parser.parse_args()
    commands = commandsOf(arguments.build)
    files = [os.path.abspath(f) for f in arguments.files] or (
        sorted(f for f in commands if not f.startswith(os.path.abspath(arguments.build) + "/"))
        if arguments.all else changed(arguments.since))
    work, left, plain = [], [], 0
    for path in files:
        entry = commands.get(path)
        if path.endswith(".h") and commands:
            entry = commands[min(commands, key=lambda other: (distance(path, other), other))]
        if entry and path.endswith(".cpp") and "-include-pch" not in entry["command"]:
            plain += 1
        else:
            (work if entry else left).append((path, entry))
    for path, _ in left:
        print(f"{os.path.relpath(path, ROOT)}: not in this build, not checked")
    wrong = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for (path, _), text in zip(work, pool.map(lambda w: check(*w), work)):
            if text:
                wrong += 1
                errors = [line for line in text.split("\n") if " error: " in line]
                print(f"{os.path.relpath(path, ROOT)}: does not build by itself", *errors[:3], sep="\n  ",
                      flush=True)
    print(f"{len(work)} files checked, {wrong} lack an include; {plain} build without the header anyway")
    sys.exit(wrong > 0)


main()
