"""usage: iq3.py FOLDER

Made iq3.gguf, iq3-xxs.npy and iq3-s.npy, which are kept: random blocks of the formats
IQ3_XXS and IQ3_S, and the numbers that the package `gguf` (0.19.0, pip install gguf)
gives for them. All entries of both tables, all scales and all signs occur.
"""
import sys

sys.path.pop(0)  # gguf.py beside this file is not the package

import gguf
import numpy as np
from gguf import quants

folder = sys.argv[1]
random = np.random.default_rng(3)


def scales(count):
    d = random.normal(0, 0.1, count).astype(np.float16)
    d[1] = np.float16(3e-7)
    return d.view(np.uint8).reshape(count, 2)


def mixed(entries, columns):
    """Every number below `entries`, in any order."""
    rows = entries // columns
    return random.permutation(entries).reshape(rows, columns)


index = mixed(256, 64)
blocks = len(index)
# Seven bits of signs four times, and a scale, in each word.
words = random.integers(0, 1 << 32, (blocks, 8), dtype=np.uint32) & 0x0FFFFFFF
words |= np.arange(blocks * 8, dtype=np.uint32).reshape(blocks, 8) % 16 << 28
xxs = np.hstack([scales(blocks), index.astype(np.uint8), words.view(np.uint8)])

index = mixed(512, 64)
blocks = len(index)
high = np.packbits((index >> 8).astype(np.uint8), axis=1, bitorder="little")
signs = random.integers(0, 256, (blocks, 32), dtype=np.uint8)
nibbles = (np.arange(blocks * 4) * 37 % 256).astype(np.uint8).reshape(blocks, 4)
s = np.hstack([scales(blocks), (index & 255).astype(np.uint8), high, signs, nibbles])

writer = gguf.GGUFWriter(folder + "/iq3.gguf", "none")
for name, kind, data in ("xxs", quants.IQ3_XXS, xxs), ("s", quants.IQ3_S, s):
    writer.add_tensor(name, data, raw_dtype=kind.qtype)
    np.save(folder + "/iq3-%s.npy" % name, quants.dequantize(data, kind.qtype))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
