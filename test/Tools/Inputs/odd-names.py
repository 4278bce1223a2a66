"""usage: odd-names.py OUT.safetensors     tensors with names that a terminal would obey"""
import json
import struct
import sys

names = ["a\0b", "c\x1b[31m\ad", "e\nf"]
header = json.dumps({name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * i, 4 * i + 4]}
                     for i, name in enumerate(names)}).encode()
with open(sys.argv[1], "wb") as file:
    file.write(struct.pack("<Q", len(header)) + header + bytes(4 * len(names)))
