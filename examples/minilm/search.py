#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Finds the lines of a text that mean what was asked for: search.py [--text=FILE] QUESTION...

Needs NumPy and what fetch.sh brings. The model is compiled in the process, or loaded with
--library=libminilm.so.
"""
import argparse
import os

import mad
from wordpiece import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("questions", nargs="+")
    parser.add_argument("--text", default=os.path.join(HERE, "text.txt"))
    parser.add_argument("--library")
    parser.add_argument("--best", type=int, default=3, help="how many lines to show")
    options = parser.parse_args()
    with open(options.text, encoding="utf-8", errors="replace") as f:
        lines = [line.strip() for line in f if line.strip()]
    model = mad.load(options.library) if options.library else mad.compile(os.path.join(HERE, "minilm.mad"))
    tokenizer = Tokenizer(os.path.join(HERE, "model", "vocab.txt"))

    known = model.embed(*tokenizer.rows(lines))
    asked = model.embed(*tokenizer.rows(options.questions))
    for question, vector in zip(options.questions, asked):
        print(question)
        cosines, places = model.nearest(vector, known)
        for cosine, place in list(zip(cosines, places))[:options.best]:
            print("  %.3f  %s" % (cosine, lines[place]))


main()
