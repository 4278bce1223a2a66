#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stores the matrices of examples/decoder in formats of few bits: decoder_formats.py [--build FOLDER] [--only WORDS] [--bytes N] [--ggml FOLDER]

Each line is the example with `as FORMAT` behind its 28 matrices; the table of bytes stays. Bits are those of the matrices.
The text is docs/*.md of this repository, which the model was not trained on, in rows of 256 bytes: its cross entropy in bits
a byte (perplexity is 2 to that), and how much more than in f32. GPTQ (`gptq`) is calibrated with other rows of it. With `--ggml`
(bench/lut.py says how to build it) further lines have the matrices as types of llama.cpp hold them, in f32.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

import ggmllib
from madlib import Model
from minilm_formats import FORMATS

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "decoder"
MATRICES = ("query", "key", "value", "join", "gate", "up", "down")


def program(format, weights=EXAMPLE / "weights.safetensors"):
    text = (EXAMPLE / "decoder.mad").read_text().replace('"weights.safetensors', f'"{weights}')
    text = text.split("export fn prompt", 1)[0].split("\ntest ", 1)[0].rsplit("///", 1)[0]
    for name in MATRICES if format else ():
        before = [line for line in text.split("\n") if line.strip().startswith(f"{name} ") and line.endswith("transposed")]
        assert len(before) == 1, before
        text = text.replace(before[0], f"{before[0]} as {format}")
    return text


def entropy(model, rows):
    """Bits of a byte, given those before it in its row."""
    bits = []
    for row in rows:
        scores = np.empty((len(row), 256), np.float32)
        model.entry("scores", [row], [scores])()
        wide = scores[:-1].astype(np.float64)
        wide -= wide.max(1, keepdims=True)
        bits.append((np.log(np.exp(wide).sum(1)) - wide[np.arange(len(row) - 1), row[1:]]) / np.log(2))
    return np.concatenate(bits).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build" / "release")
    parser.add_argument("--only", help="names of lines, with commas")
    parser.add_argument("--bytes", type=int, default=32768)
    parser.add_argument("--ggml", type=pathlib.Path, help="the folder of its libraries")
    options = parser.parse_args()
    text = "".join(p.read_text() for p in sorted((HERE.parent / "docs").glob("*.md")))
    data = np.frombuffer(text.encode(), np.uint8).astype(np.int32)
    rows = data[:len(data) // 256 * 256].reshape(-1, 256)
    step = max(1, len(rows) * 256 // options.bytes)
    rows, others = rows[::step], rows[1::step][:16]
    mad, exact = str(options.build / "bin" / "mad"), None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        np.savez(folder / "x.npz", x=others.reshape(-1))
        (folder / "c.mad").write_text(program(FORMATS["4/32 gptq"]))
        subprocess.run([mad, "calibrate", folder / "c.mad", "scores", f"bytes={folder}/x.npz:x", "--gram", "-o",
                        folder / "calib.npz"], check=True)
        print(f"{'format':18} {'bits':>6} {'bits a byte':>12} {'more':>7} {'perplexity':>11}")
        names = options.only.split(",") if options.only else [n for n in FORMATS if n == "f32" or "128" not in n]
        theirs = ggmllib.Ggml(options.ggml, 1) if options.ggml else None
        for number, format in enumerate(names + (list(ggmllib.TYPES) if theirs else [])):
            source, weights, stored = folder / f"m{number}.mad", folder / f"{number}.safetensors", None
            if format in FORMATS:
                source.write_text(program(FORMATS[format]))
            else:
                pattern = rf"layers\.\d+\.({'|'.join(MATRICES)})\.weight"
                stored = theirs.round_file(format, EXAMPLE / "weights.safetensors", weights, pattern)
                source.write_text(program("", weights))
            subprocess.run([mad, "build", str(source), "-o", name, "--cache=off"], check=True, stdout=subprocess.DEVNULL)
            if stored is None:
                told = subprocess.run([mad, "explain", "--formats", str(source)], check=True, capture_output=True, text=True).stdout
                stored = float(told.split("together: ")[1].split(" bytes, ")[1].split()[0]) if FORMATS[format] else 32.0
            model = Model(str(options.build / "lib" / "libmad_runtime.so"), str(folder / f"libm{number}.so"), 1)
            bits = entropy(model, rows)
            exact = bits if exact is None else exact
            print(f"{format:18} {stored:6.2f} {bits:12.4f} {bits - exact:7.4f} {2 ** bits:11.3f}", flush=True)
            model.close()


if __name__ == "__main__":
    main()
