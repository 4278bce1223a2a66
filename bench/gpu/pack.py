#!/usr/bin/env python3
"""Packs the programs of test/execute for a machine with a GPU; see pack.sh.

Results are expected to be those of the interpreter in f64 within the tolerance of the program,
and for strict code those of the interpreter in the declared types, to the bit (test/execute/
compare.py says the same of the other targets). Programs that only scripts call are left out.
"""
import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time

import packing

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EXECUTE = os.path.join(ROOT, "test", "execute")


class Failure(Exception):
    """Why a program is not in the pack."""


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=EXECUTE)


def must(*command):
    done = run(*command)
    if done.returncode:
        raise Failure(f"exit status {done.returncode} of {' '.join(command)}\n"
                      f"{done.stdout}{done.stderr}".rstrip())
    return done


MOST = 2 << 20  # bytes of the inputs or the results of a case; larger ones are left out


class Packer:
    def __init__(self, mad, programs, folder, target):
        self.mad, self.programs, self.folder, self.target = mad, programs, folder, target
        self.files, self.known, self.large = 0, {}, []

    def file(self, ending):
        self.files += 1
        return f"data/{self.files:04}.{ending}"

    def settled(self, name):
        """The file, or an equal one that is there already, which then is the only one."""
        with open(f"{self.folder}/{name}", "rb") as f:
            key = hashlib.sha256(f.read()).digest()
        if self.known.setdefault(key, name) != name:
            os.remove(f"{self.folder}/{name}")
        return self.known[key]

    def is_large(self, title, *names):
        if all(os.path.getsize(f"{self.folder}/{name}") <= MOST for name in names):
            return False
        self.large.append(title)
        for name in names:
            os.remove(f"{self.folder}/{name}")
        return True

    def call(self, path, target, words, wanted=True):
        """Where the inputs and the results of a call are; `wanted`: it is to succeed."""
        inputs, results = self.file("safetensors"), self.file("safetensors")
        done = (must if wanted else run)(
            self.mad, "run", path, f"--target={target}", *words, "--save-inputs",
            f"{self.folder}/{inputs}", "-o", f"{self.folder}/{results}")
        return inputs, results, done

    def cases(self, path, text):
        for line in re.findall(r"^// EXECUTE: (.*)$", text, re.M):
            entry, *rest = line.split()
            limits = dict(w.split("=") for w in rest if w.startswith(("rtol=", "atol=")))
            words = [entry] + [w for w in rest if not w.startswith(("rtol=", "atol="))]
            inputs, results, _ = self.call(path, "ref64", words)
            if self.is_large(line, inputs, results):
                continue
            yield {"kind": "near", "entry": entry, "title": line, "inputs": self.settled(inputs),
                   "results": self.settled(results), "rtol": float(limits.get("rtol", 2e-6)),
                   "atol": float(limits.get("atol", 1e-6))}
        for line in re.findall(r"^// EXECUTE-EXACT: (.*)$", text, re.M):
            words = [w for w in line.split() if not w.startswith("gpu=")]
            near = [float(w[4:]) for w in line.split() if w.startswith("gpu=")]
            inputs, results, _ = self.call(path, "ref", words)
            if self.is_large(line, inputs, results):
                continue
            yield {"kind": "near" if near else "exact", "entry": words[0], "title": line,
                   "inputs": self.settled(inputs), "results": self.settled(results),
                   **({"rtol": near[0], "atol": near[0]} if near else {})}
        for line, message in re.findall(r"^// EXECUTE-FAIL: (.*?) : (.*)$", text, re.M):
            inputs, _, done = self.call(path, "ref", line.split(), wanted=False)
            if done.returncode != 1 or message not in done.stderr:
                raise Failure(f"{line}: exit status {done.returncode}\n{done.stderr}".rstrip())
            # Else it is the tool that refuses, not the program.
            if os.path.exists(f"{self.folder}/{inputs}"):
                if not self.is_large(line, inputs):
                    yield {"kind": "fail", "entry": line.split()[0], "title": line,
                           "inputs": self.settled(inputs), "message": message}

    def program(self, name):
        path = f"{self.programs}/{name}"
        with open(path) as f:
            text = f.read()
        tests = bool(re.search(r'^test "', text, re.M))
        if not tests and not re.search(r"^// EXECUTE", text, re.M):
            return None
        stem = re.sub(r"\W", "_", name[:-len(".mad")])
        begin = time.time()
        must(self.mad, "build", path, f"--target={self.target}", f"--name={stem}", "--with-tests",
             "-o", f"{self.folder}/programs")
        seconds = time.time() - begin
        cases = list(self.cases(path, text))
        with open(f"{self.folder}/programs/{stem}.json") as f:
            entries = [entry["name"] for entry in json.load(f)["entries"]]
        cases += [{"kind": "test", "entry": entry, "title": entry} for entry in entries
                  if re.fullmatch(r"test\.\d+", entry)]
        os.remove(f"{self.folder}/programs/{stem}.h")
        print(f"{name}: {len(cases)} cases, built in {seconds:.1f} s", flush=True)
        return {"name": stem, "library": f"programs/lib{stem}.so", "cases": cases}

    def program_or_failure(self, name):
        """The program; or why it is not there, and nothing of it in the folder."""
        files, known, large = self.all_files(), dict(self.known), list(self.large)
        try:
            return self.program(name)
        except Failure as failure:
            for path in self.all_files() - files:
                os.remove(path)
            self.known, self.large = known, large
            print(f"FAILED {name}", flush=True)
            return {"name": name[:-len(".mad")], "failure": str(failure)}

    def all_files(self):
        return {os.path.join(at, name) for at, _, names in os.walk(self.folder) for name in names}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("folder")
    arguments.add_argument("--filter", default="", help="only programs whose names match")
    arguments.add_argument("--target", default="cpu,cuda")
    arguments.add_argument("--programs", default=EXECUTE, help="the folder that holds them")
    arguments.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    given = arguments.parse_args()
    folder = os.path.abspath(given.folder)
    if os.path.exists(folder) and os.listdir(folder):
        sys.exit(f"{folder} is not empty")
    for part in ("programs", "data", "lib"):
        os.makedirs(f"{folder}/{part}", exist_ok=True)
    packer = Packer(f"{given.build}/bin/mad", os.path.abspath(given.programs), folder, given.target)
    programs = [packer.program_or_failure(name) for name in sorted(os.listdir(given.programs))
                if name.endswith(".mad") and re.search(given.filter, name)]
    programs = [program for program in programs if program]
    packing.copy_python(given.build, folder, "lib")
    for name in ("run.sh", "run.py"):
        shutil.copy(f"{ROOT}/bench/gpu/{name}", folder)
    with open(f"{folder}/programs.json", "w") as f:
        json.dump(programs, f, indent=1)
    size = sum(os.path.getsize(path) for path in packer.all_files())
    for title in packer.large:
        print(f"left out, its data is larger than {MOST >> 20} MB: {title}")
    print(f"{folder}: {size / 1e6:.1f} MB; there, run.sh runs it", flush=True)
    failed = [program for program in programs if "failure" in program]
    for program in failed:
        print(f"not packed: {program['name']}: {program['failure']}", file=sys.stderr)
    if failed:
        sys.exit(f"{folder} is not complete: {len(failed)} of {len(programs)} programs are not "
                 f"packed: {', '.join(program['name'] for program in failed)}")


main()
