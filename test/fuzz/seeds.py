#!/usr/bin/env python3
"""usage: seeds.py FOLDER     writes small good files for the fuzzers, a folder a format"""
import glob
import io
import json
import os
import struct
import sys
import zipfile

import numpy as np

out = sys.argv[1]
source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def put(kind, name, content):
    folder = os.path.join(out, kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


arrays = {
    "f4": np.arange(6, dtype="f4").reshape(2, 3), "fortran": np.asfortranarray(np.eye(3)),
    "big": np.arange(4, dtype=">i4"), "bool": np.array([True, False]), "scalar": np.float64(3),
    "half": np.ones((1, 2, 2), "f2"), "empty": np.empty((0, 4), "u1"), "text": np.array(["ab"]),
    "fields": np.zeros(2, dtype=[("a", "i4")]),
}
for name, array in arrays.items():
    put("npy", name, npy(array))
for method, name in (zipfile.ZIP_STORED, "stored"), (zipfile.ZIP_DEFLATED, "deflated"):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("x.npy", npy(arrays["f4"]))
        with archive.open("y.npy", "w", force_zip64=True) as member:
            member.write(npy(arrays["fortran"]))
        archive.writestr("notes.txt", "no tensor")
    put("npz", name, stream.getvalue())
put("npz", "empty", b"PK\5\6" + bytes(18))


def safetensors(header, data):
    head = json.dumps(header).encode()
    return struct.pack("<Q", len(head)) + head + data


put("safetensors", "two", safetensors({
    "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "b": {"dtype": "BOOL", "shape": [3], "data_offsets": [8, 11]},
    "__metadata__": {"format": "pt"}}, bytes(11)))
put("safetensors", "none", safetensors({}, b""))
put("safetensors", "types", safetensors({
    t: {"dtype": t, "shape": [0, 1 << 40], "data_offsets": [0, 0]}
    for t in ("F16", "BF16", "I8", "U64", "F8_E4M3")}, b""))

# Libraries and files of weights. The first byte: bit 0 a library, bit 1 checksums are made
# to fit, bit 2 all weights are verified. Numbers are those of runtime/artifact.h.
LIBRARY, FIT, ALL = 1, 2, 4


def elf(header):
    names = b"\0.shstrtab\0.mad.header\0"
    at = 64 + 56  # behind the ELF header and one program header
    table = at + len(header) + len(names)
    table += -table % 8
    sections = struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    sections += struct.pack("<IIQQQQIIQQ", 1, 3, 0, 0, at + len(header), len(names), 0, 0, 1, 0)
    sections += struct.pack("<IIQQQQIIQQ", 11, 1, 2, at, at, len(header), 0, 0, 8, 0)
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, table, 0, 64,
                                                   56, 1, 64, 3, 1)
    body = head + struct.pack("<IIQQQQQQ", 1, 4, 0, 0, 0, table, table, 4096) + header + names
    return body + bytes(table - len(body)) + sections


def library(abi=2, form=2, features=0, target=b"x86_64-unknown-linux-gnu", weights=(0, 0)):
    def made(size):
        return struct.pack("<QII64sIiQ48sQQQQ", 0x314D4144414D4C44, abi, 176, b"mad 0.1.0", form, 0,
                           features, target, size, *weights, 0)
    return elf(made(len(elf(made(0)))))


put("artifact", "library", bytes([LIBRARY | FIT]) + library())
put("artifact", "library-weights", bytes([LIBRARY | FIT]) + library(weights=(64, 56)))
put("artifact", "library-old", bytes([LIBRARY | FIT]) + library(abi=1))
put("artifact", "library-format", bytes([LIBRARY | FIT]) + library(form=9))
put("artifact", "library-cpu", bytes([LIBRARY | FIT]) + library(features=1 << 63))
put("artifact", "library-target", bytes([LIBRARY | FIT]) + library(target=b"riscv64"))


def weights_file(tensors):
    names, shapes, records, data = b"", b"", b"", b""
    first = 112 + 48 * len(tensors)
    size = sum(8 * len(shape) for _, _, shape, _ in tensors)
    head = first + size + sum(len(name) + 1 for name, _, _, _ in tensors)
    for name, dtype, shape, content in tensors:
        at = head + len(data)
        data += bytes(-at % 64)
        records += struct.pack("<QQIIQQQ", first + size + len(names), first + len(shapes), dtype,
                               len(shape), head + len(data), len(content), 0)
        names += name.encode() + b"\0"
        shapes += struct.pack("<%dq" % len(shape), *shape)
        data += content
    return struct.pack("<QII64sQQQQ", 0x315448475744414D, 1, 112, b"mad 0.1.0", head + len(data),
                       head, len(tensors), 0) + records + shapes + names + data


good = [("a", 0, (2, 3), bytes(24)), ("b", 0, (2, 3), bytes(24)), ("c", 4, (4,), bytes(4))]
put("artifact", "weights", bytes([FIT]) + weights_file(good))
put("artifact", "weights-all", bytes([FIT | ALL]) + weights_file(good[::-1]))
put("artifact", "weights-none", bytes([FIT]) + weights_file([]))
put("artifact", "safetensors", bytes([ALL]) + safetensors({
    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
    "s.b": {"dtype": "F32", "shape": [3, 2], "data_offsets": [24, 48]},
    "s.c": {"dtype": "BOOL", "shape": [4], "data_offsets": [48, 52]},
    "__metadata__": {"\u00e9": "\\u0041"}}, bytes(52)))

head = "%%MatrixMarket matrix "
put("mtx", "real", (head + "coordinate real general\n% x\n2 3 2\n1 1 1.5\n2 3 -1e-2\n").encode())
put("mtx", "symmetric", (head + "coordinate integer symmetric\n2 2 2\n1 1 7\n2 1 +3\n").encode())
put("mtx", "skew", (head + "array real skew-symmetric\n2 2\n1D3\n").encode())
put("mtx", "pattern", (head + "coordinate pattern general\n3 3 1\n3 3\n").encode())
put("mtx", "array", (head + "array real general\n2 1\n1\n2\n").encode())

# One block of each format, with what the test of the reader encodes them by.
text = open(os.path.join(source, "Tools", "Inputs", "gguf.py")).read()
names = {"__name__": "encoders"}
sys.argv = ["gguf.py", "", ""]
exec(compile(text[:text.index('write("same.mad"')], "gguf.py", "exec"), names)
for kind, encode in names["GGUF_TYPES"].items():
    block, packed, _ = encode()
    content = packed[:1].tobytes()
    put("gguf", "type%d" % kind, names["container"]([("t", kind, (1, block), content)], 3, 8))
# Formats that no encoder is there for: any bytes are a block.
for kind, block, count in ((16, 256, 66), (17, 256, 74), (18, 256, 98), (19, 256, 50), (22, 256, 82),
                           (29, 256, 56)):
    content = np.random.default_rng(kind).integers(0, 256, count, "u1").tobytes()
    put("gguf", "type%d" % kind, names["container"]([("t", kind, (1, block), content)], 3, 8))
put("gguf", "plain", names["container"]([("a", 0, (2, 2), bytes(16)), ("b", 30, (3,), bytes(6)),
                                         ("c", 24, (), b"x")], 2, 32))

# Programs, in pieces that are not cut within an item: what is small is tried often.
def pieces(text, limit=600):
    piece = ""
    for item in text.split("\n\n"):
        if piece and len(piece) + len(item) > limit:
            yield piece
            piece = ""
        piece += item + "\n\n"
    yield piece


programs = set()
for pattern in ("test/execute/**/*.mad", "test/Frontend/**/*.mad", "examples/**/*.mad",
                "frontend/std/**/*.mad"):
    for path in sorted(glob.glob(os.path.join(source, "..", pattern), recursive=True)):
        with open(path, "rb") as file:
            text = file.read().decode("utf-8", "surrogateescape")
        # Lines for the test runner, and what says what is expected, are no program.
        lines = [line for line in text.split("\n") if not line.startswith(("// RUN", "// CHECK"))]
        programs.update(p for p in pieces("\n".join(lines)) if 0 < len(p) < 2000)
for kind in "syntax", "frontend":
    for number, text in enumerate(sorted(programs)):
        put(kind, "%d.mad" % number, text.encode("utf-8", "surrogateescape"))
