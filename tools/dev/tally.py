#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Counts the results of test programs.

usage: tally.py gtest FILE.json...    reports of GoogleTest programs
       tally.py lit FILE.json         the report of lit
Prints `passed failed skipped`; the names of failures go to standard error. A
report that is missing or damaged is one failure: its program crashed.
"""
import json
import sys


def gtest(path):
    passed = failed = skipped = 0
    for suite in json.load(open(path))["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if "failures" in test:
                failed += 1
                print(f"failed: {name} ({path})", file=sys.stderr)
            elif test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN":
                skipped += 1
                print(f"skipped: {name}", file=sys.stderr)
            else:
                passed += 1
    return passed, failed, skipped


def lit(path):
    counts = [0, 0, 0]
    for test in json.load(open(path))["tests"]:
        code = test["code"]
        if code in ("PASS", "XFAIL", "FLAKYPASS"):
            counts[0] += 1
        elif code in ("UNSUPPORTED", "EXCLUDED", "SKIPPED"):
            counts[2] += 1
            print(f"skipped: {test['name']}", file=sys.stderr)
        else:
            counts[1] += 1
            print(f"failed: {test['name']} ({code}, {path[:-5]}.log)", file=sys.stderr)
    return counts


def main():
    count = {"gtest": gtest, "lit": lit}[sys.argv[1]]
    total = [0, 0, 0]
    for path in sys.argv[2:]:
        try:
            part = count(path)
        except (OSError, ValueError, KeyError) as error:
            print(f"failed: {path} has no results: {error}", file=sys.stderr)
            part = (0, 1, 0)
        total = [a + b for a, b in zip(total, part)]
    if not sys.argv[2:] or total == [0, 0, 0]:
        print("failed: no tests were found", file=sys.stderr)
        total[1] += 1
    print(*total)


if __name__ == "__main__":
    main()
