#!/usr/bin/env python3
"""usage: seeds.py FOLDER     writes small good files for the fuzzers, a folder a format"""
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
for kind, block, count in (16, 256, 66), (17, 256, 74), (22, 256, 82), (18, 256, 98):
    content = bytes(random for random in np.random.default_rng(kind).integers(0, 60, count, "u1"))
    put("gguf", "type%d" % kind, names["container"]([("t", kind, (1, block), content)], 3, 8))
put("gguf", "plain", names["container"]([("a", 0, (2, 2), bytes(16)), ("b", 30, (3,), bytes(6)),
                                         ("c", 24, (), b"x")], 2, 32))
