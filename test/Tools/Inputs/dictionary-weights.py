"""dictionary-weights.py LIBRARY.json OUT.safetensors FAULT: the weights of a build, as another program would write them.

FAULT: none, or what is wrong with the words of the one weight or the dictionary.
"""
import json
import pathlib
import struct
import sys

manifest = json.loads(pathlib.Path(sys.argv[1]).read_text())
data = (pathlib.Path(sys.argv[1]).parent / manifest["weights_file"]).read_bytes()
tensors = {w["name"]: [w["dtype"], w["shape"], bytearray(data[w["offset"]:w["offset"] + w["bytes"]])] for w in manifest["weights"]}
words, starts = (next(value for name, value in tensors.items() if name.endswith(part)) for part in (".codes", ".starts"))


def start(column, value):
    struct.pack_into("<I", starts[2], 4 * column, value)


if sys.argv[3] == "word":  # the first word becomes the shortest one
    struct.pack_into("<H", words[2], 0, 0)
elif sys.argv[3] == "order":
    start(0, 40)
elif sys.argv[3] == "far":
    start(len(starts[2]) // 4 - 1, 1 << 31)
elif sys.argv[3] == "dictionary":
    tensors["lut.terms"][2][5] ^= 1
elif sys.argv[3] != "none":
    sys.exit(f"no such fault: {sys.argv[3]}")

header, blocks = {}, b""
for name, (dtype, shape, value) in tensors.items():
    header[name] = {"dtype": dtype.upper().replace("UI", "U"), "shape": shape, "data_offsets": [len(blocks), len(blocks) + len(value)]}
    blocks += bytes(value)
text = json.dumps(header).encode()
pathlib.Path(sys.argv[2]).write_bytes(struct.pack("<Q", len(text)) + text + blocks)
