#!/usr/bin/env python3
"""Runs the programs of a folder that pack.sh made; see run.sh.

Each program runs in a process of its own: after an error of a kernel a process cannot use the
GPU any more.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import time

import numpy as np

import mad

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = 300  # that a program may take
TYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I8": np.int8, "U8": np.uint8,
         "I32": np.int32, "I64": np.int64, "BOOL": np.bool_, "BF16": np.uint16}


def tensors(name):
    """name -> array of a .safetensors file; of bf16 its bits."""
    with open(f"{HERE}/{name}", "rb") as f:
        data = f.read()
    size = int.from_bytes(data[:8], "little")
    made = {}
    for key, entry in json.loads(data[8:8 + size]).items():
        if key != "__metadata__":
            begin, end = (8 + size + at for at in entry["data_offsets"])
            array = np.frombuffer(data[begin:end], TYPES[entry["dtype"]])
            made[key] = array.reshape(entry["shape"]).copy()
    return made


def wide(array, dtype):
    """bf16 as the numbers that its bits are."""
    array = np.asarray(array)
    if dtype == "bf16" and array.dtype == np.uint16:
        return (array.astype(np.uint32) << 16).view(np.float32)
    return array


def difference(name, expected, got, case):
    """What is wrong, or nothing."""
    if expected.shape != got.shape:
        return f"{name}: shape {got.shape}, expected {expected.shape}"
    if case["kind"] == "near":
        with np.errstate(invalid="ignore", over="ignore"):
            good = np.abs(got.astype(np.float64) - expected) <= (
                case["atol"] + case["rtol"] * np.abs(expected)) if got.dtype.kind == "f" else got == expected
        if got.dtype.kind == "f":
            good |= (got == expected) | (np.isnan(got) & np.isnan(expected))
    else:
        good = got == expected
        if got.dtype.kind == "f":
            good = ((good & (np.signbit(got) == np.signbit(expected)))
                    | (np.isnan(got) & np.isnan(expected)))
    if np.all(good):
        return None
    at = tuple(np.argwhere(~np.asarray(good))[0])
    with np.errstate(all="ignore"):
        worst = (np.nanmax(np.abs(got.astype(np.float64) - expected)) if got.dtype.kind == "f" else 0)
    return (f"{name}{list(map(int, at))}: {got[at]!r}, expected {expected[at]!r}; "
            f"{np.count_nonzero(~np.asarray(good))} of {np.size(good)} differ, by up to {worst:.3g}")


def outputs(entry, inputs, call):
    """name -> result of a call; a state is in the input that it is the new value of."""
    answer = call(*inputs)
    visible = entry.results
    values = [answer] if len(visible) == 1 else list(answer or [])
    found = {v.name: wide(value, v.dtype) for v, value in zip(visible, values)}
    for value in entry.outputs:
        if value.state:
            found[value.name] = wide(inputs[value._other], value.dtype)
    return found


def check(case, call):
    """What is wrong with a case, or nothing."""
    entry = call.entry
    if case["kind"] == "test":
        wrong = [name for name, value in outputs(entry, [], call).items() if not value]
        return f"assertions {', '.join(wrong)} do not hold" if wrong else None
    given = tensors(case["inputs"])
    inputs = [given[v.name] for v in entry.inputs]
    try:
        found = outputs(entry, inputs, call)
    except mad.Error as error:
        if case["kind"] == "fail":
            return None if case["message"] in str(error) else f"another failure: {error}"
        return f"{type(error).__name__}: {error}"
    if case["kind"] == "fail":
        return f"it succeeded, expected `{case['message']}`"
    kinds = {v.name: v.dtype for v in entry.outputs}
    for name, value in tensors(case["results"]).items():
        text = difference(name, wide(value, kinds[name]), found[name], case)
        if text:
            return text
    return None


def run_program(program, device):
    """One line of JSON a case."""
    begin = time.time()
    module = mad.load(f"{HERE}/{program['library']}", device=device)
    print(json.dumps({"device": module.device, "variant": module.variant,
                      "load": time.time() - begin}), flush=True)
    for case in program["cases"]:
        begin = time.time()
        problem = check(case, module.entries[case["entry"]])
        print(json.dumps({"title": case["title"], "kind": case["kind"], "problem": problem,
                          "seconds": time.time() - begin}), flush=True)


def in_process(program, device):
    """The lines of a program, and what ended it early."""
    command = [sys.executable, __file__, "--program", program["name"], f"--device={device}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        ended = done.stderr.strip().split("\n")[-1] if done.returncode else ""
        out = done.stdout
    except subprocess.TimeoutExpired as late:
        ended, out = f"not done after {SECONDS} s", late.stdout or b""
        out = out.decode() if isinstance(out, bytes) else out
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")], ended


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--device", default="cuda")
    arguments.add_argument("--filter", default="")
    arguments.add_argument("--json", default=f"{HERE}/results.json")
    arguments.add_argument("--program", help=argparse.SUPPRESS)
    arguments.add_argument("-v", action="store_true", help="a line for each case")
    given = arguments.parse_args()
    with open(f"{HERE}/programs.json") as f:
        programs = json.load(f)
    unpacked = [p["name"] for p in programs if "failure" in p and re.search(given.filter, p["name"])]
    programs = [p for p in programs if "failure" not in p]
    if given.program:
        run_program(next(p for p in programs if p["name"] == given.program), given.device)
        return 0
    passed, failed, all_results = 0, 0, []
    for program in programs:
        if not re.search(given.filter, program["name"]):
            continue
        begin = time.time()
        lines, ended = in_process(program, given.device)
        head, cases = (lines[0], lines[1:]) if lines else ({}, [])
        # Cases behind the one at which the process ended were not run, and count as failed.
        bad = [case for case in cases if case["problem"]]
        missing = len(program["cases"]) - len(cases)
        passed += len(cases) - len(bad)
        failed += len(bad) + missing
        print(f"{'ok    ' if not bad and not missing else 'FAILED'} {program['name']}: "
              f"{len(cases) - len(bad)} of {len(program['cases'])} cases, "
              f"{time.time() - begin:.1f} s", flush=True)
        for case in cases if given.v else bad:
            print(f"    {case['title']}: {case['problem'] or 'ok'}")
        if ended or missing:
            print(f"    ended early: {ended}")
        all_results.append({"program": program["name"], **head, "cases": cases, "missing": missing,
                            "ended": ended})
    print(f"{passed} passed, {failed} failed")
    if unpacked:
        print(f"not packed, so not run: {', '.join(unpacked)}")
    with open(given.json, "w") as f:
        json.dump({"passed": passed, "failed": failed, "unpacked": unpacked,
                   "programs": all_results}, f, indent=1)
    return 1 if failed or unpacked or not passed else 0


sys.exit(main())
