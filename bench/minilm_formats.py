#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stores the matrices of examples/minilm in formats of few bits: minilm_formats.py [--build FOLDER] [--only WORDS]
                                                                  [--repeats N] [--tokens N] [--keep FOLDER]

Each line is the example with `as FORMAT` behind its 36 matrices; the table of words stays f32. Bits are those of the
matrices, MB those of the built library with its weights. Times are medians of calls in turns with the model in f32, of one
thread. Cosines compare the vectors of the sentences in pairs.txt with those of f32: mean and least. Spearman is the rank correlation of
the cosines of the 30 pairs with their grades. Weights are rounded to nearest, or by GPTQ (`gptq`) with what `mad calibrate` measures on
English sentences of the example and of the documentation, among which those of the pairs are not. `i8`: products with activations of 8 bits.
"""
import argparse
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from madlib import Model

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent / "examples" / "minilm"
sys.path.insert(0, str(EXAMPLE))
from wordpiece import Tokenizer  # noqa: E402

MATRICES = ("query", "key", "value", "join", "up", "down")
CALIBRATED = ', calibration = "calib.npz")'
FORMATS = {"f32": ""}
for bits, group in ((8, "row"), (4, "128"), (4, "64"), (4, "32"), (3, "128"), (3, "32"), (2, "32")):
    word = f"lut.int(bits = {bits}, group = {group}"
    FORMATS[f"{bits}/{group}"] = word + ")"
    if bits < 8:
        FORMATS[f"{bits}/{group} gptq"] = word + CALIBRATED
FORMATS["4/32 affine gptq"] = "lut.int(bits = 4, group = 32, zero = affine" + CALIBRATED
FORMATS["3/32 affine gptq"] = "lut.int(bits = 3, group = 32, zero = affine" + CALIBRATED
FORMATS["2/32 affine"] = "lut.int(bits = 2, group = 32, zero = affine)"
FORMATS["2/32 affine gptq"] = "lut.int(bits = 2, group = 32, zero = affine" + CALIBRATED
for bits, zero in ((4, ""), (3, ""), (2, ", zero = affine")):  # fewer bits than types of llama.cpp with as many
    FORMATS[f"{bits}/64 f16 gptq"] = f"lut.int(bits = {bits}, group = 64{zero}, scale = f16" + CALIBRATED
FORMATS["ternary"] = "lut.ternary"
FORMATS["codebook 4"] = "lut.codebook(bits = 4)"
FORMATS["codebook 3"] = "lut.codebook(bits = 3)"
FORMATS["codebook 2"] = "lut.codebook(bits = 2)"
CODED = " i8"  # behind the name of a format: activations of 8 bits
for name in ("8/row", "4/128", "4/32", "ternary"):
    FORMATS[name + CODED] = FORMATS[name]
LINEAR = """fn coded[B..., K, M](x: f32[B..., K], w: f32[K, M], b: f32[M]) -> f32[B..., M] {
  x @ w + b  with activations = i8
}

"""


def program(name):
    format = FORMATS[name]
    text = (EXAMPLE / "minilm.mad").read_text().replace('"model/', f'"{EXAMPLE}/model/')
    for field in MATRICES if format else ():
        before = [line for line in text.split("\n") if line.strip().startswith(f"{field} ") and line.endswith("transposed")]
        assert len(before) == 1, before
        text = text.replace(before[0], f"{before[0]} as {format}")
    if name.endswith(CODED):
        text = text.replace("nn.linear(", "coded(").replace("fn heads[", LINEAR + "fn heads[", 1)
    return text


def ranks(values):
    """Ranks, equal ones shared."""
    values = np.asarray(values, np.float64)
    return np.array([(values < v).sum() + ((values == v).sum() - 1) / 2 for v in values])


def calibrate(mad, tokenizer, folder, tokens):
    """Rows of 16 tokens: English sentences of the example and of the documentation, one after the other."""
    lines = (EXAMPLE / "text.txt").read_text().split("\n") + (EXAMPLE / "sentences.txt").read_text().split("\n")
    for page in sorted((HERE.parent / "docs").glob("*.md")):
        lines += [line for line in page.read_text().split("\n") if len(line) > 60 and not set(line) & set("`|#[{=")]
    ids = [i for line in lines if line.isascii() for i in tokenizer.ids(line)[1:-1]]
    rows = [[101] + ids[14 * i:14 * i + 14] + [102] for i in range(min(tokens // 16, len(ids) // 14))]
    np.savez(folder / "text.npz", ids=np.array(rows, np.int32), mask=np.ones((len(rows), 16), bool))
    start = time.perf_counter()
    (folder / "c.mad").write_text(program("4/32 gptq"))
    subprocess.run([mad, "calibrate", folder / "c.mad", "embed", f"ids={folder}/text.npz:ids", f"mask={folder}/text.npz:mask",
                    "--gram", "-o", folder / "calib.npz"], check=True)
    print(f"calibrated with {16 * len(rows)} tokens in {time.perf_counter() - start:.1f} s", flush=True)


def vectors(run, tokenizer, texts):
    return np.stack([run(*tokenizer.rows([text]))[0] for text in texts]).astype(np.float64)


class Built:
    def __init__(self, build, folder, name, number):
        source = folder / f"m{number}.mad"
        source.write_text(program(name))
        mad = str(build / "bin" / "mad")
        start = time.perf_counter()
        subprocess.run([mad, "build", str(source), "-o", str(folder), "--cache=off"], check=True, stdout=subprocess.DEVNULL)
        self.seconds = time.perf_counter() - start
        stored = [folder / f"libm{number}.so", folder / f"m{number}.weights"]
        self.bytes = sum(p.stat().st_size for p in stored if p.exists())
        told = subprocess.run([mad, "explain", "--formats", str(source)], check=True, capture_output=True, text=True).stdout
        self.bits = float(told.split("together: ")[1].split(" bytes, ")[1].split()[0]) if FORMATS[name] else 32.0
        self.model = Model(str(build / "lib" / "libmad_runtime.so"), str(stored[0]), 1)

    def embed(self, ids, mask):
        out = np.empty((len(ids), 384), np.float32)
        self.model.entry("embed", [np.ascontiguousarray(ids, np.int32), np.ascontiguousarray(mask, bool)], [out])()
        return out

    def timed(self, shape):
        ids = np.random.default_rng(1).integers(1000, 30000, shape).astype(np.int32)
        mask, out = np.ones(shape, bool), np.empty((shape[0], 384), np.float32)
        call = self.model.entry("embed", [ids, mask], [out])
        call.keep = ids, mask, out
        return call


def medians(calls, repeats):
    times = [[] for _ in calls]
    for _ in range(repeats):
        for call, own in zip(calls, times):
            start = time.process_time()
            call()
            own.append(time.process_time() - start)
    return [1e3 * statistics.median(t) for t in times]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=HERE.parent / "build" / "release")
    parser.add_argument("--only", help="names of lines, with commas")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=8192, help="of calibration")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for what is made; data of calibration in it are used again")
    options = parser.parse_args()
    if not (EXAMPLE / "model" / "vocab.txt").exists():
        sys.exit("the model is missing; bring it: examples/minilm/fetch.sh")
    pairs = [line.split("\t") for line in (HERE / "pairs.txt").read_text().strip().split("\n")]
    grades, texts = [int(p[0]) for p in pairs], [t for p in pairs for t in p[1:]]
    tokenizer = Tokenizer(str(EXAMPLE / "model" / "vocab.txt"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or pathlib.Path(temporary)).resolve()
        folder.mkdir(exist_ok=True)
        if not (folder / "calib.npz").exists():
            calibrate(str(options.build / "bin" / "mad"), tokenizer, folder, options.tokens)
        plain = Built(options.build, folder, "f32", 0)
        exact = vectors(plain.embed, tokenizer, texts)
        print(f"{'format':18} {'bits':>6} {'MB':>6} {'built s':>8} {'1x64 ms (f32)':>16} {'32x64 ms (f32)':>18} "
              f"{'cosine mean, least':>20} {'Spearman':>9}")
        for number, name in enumerate(options.only.split(",") if options.only else FORMATS):
            built = Built(options.build, folder, name, number + 1)
            found = vectors(built.embed, tokenizer, texts)
            cosines = (found * exact).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1)
            between = (found[::2] * found[1::2]).sum(1)
            spearman = np.corrcoef(ranks(between), ranks(grades))[0, 1]
            times = []
            for shape, repeats in (((1, 64), 3 * options.repeats), ((32, 64), options.repeats)):
                own, other = medians([built.timed(shape), plain.timed(shape)], repeats)
                times.append(f"{own:.1f} ({other:.1f})")
            print(f"{name:18} {built.bits:6.2f} {built.bytes / 1e6:6.1f} {built.seconds:8.1f} {times[0]:>16} {times[1]:>18} "
                  f"{cosines.mean():11.5f} {cosines.min():8.5f} {spearman:9.3f}", flush=True)
            built.model.close()


if __name__ == "__main__":
    main()
