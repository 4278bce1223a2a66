"""usage: iq1.py FOLDER

Made iq1.gguf, iq1-s.npz and iq1-m.npz, which are kept: random blocks of the formats
IQ1_S and IQ1_M, and the numbers that the package `gguf` (0.19.0, pip install gguf)
gives for them. All entries of the table, all scales and both directions occur.
"""
import sys

sys.path.pop(0)  # gguf.py beside this file is not the package

import gguf
import numpy as np
from gguf import quants

folder = sys.argv[1]
random = np.random.default_rng(1)
blocks = 64
d = random.normal(0, 0.1, blocks).astype(np.float16)
d[1] = np.float16(3e-7)
index = random.permutation(2048).reshape(blocks, 32)
low = (index & 255).astype(np.uint8)

words = np.zeros((blocks, 8), np.uint16)
for l in range(4):
    words |= ((index.reshape(blocks, 8, 4)[:, :, l] >> 8) << (3 * l)).astype(np.uint16)
words |= (np.arange(blocks * 8).reshape(blocks, 8) % 16 << 12).astype(np.uint16)
s = np.hstack([d.view(np.uint8).reshape(blocks, 2), low, words.view(np.uint8)])

nibbles = (index >> 8) | random.integers(0, 2, index.shape) << 3
high = (nibbles[:, ::2] | nibbles[:, 1::2] << 4).astype(np.uint8)
scales = random.integers(0, 1 << 12, (blocks, 4)).astype(np.uint16)
for k in range(4):
    scales[:, k] |= (d.view(np.uint16) >> (4 * k) & 15) << 12
m = np.hstack([low, high, scales.view(np.uint8)])

writer = gguf.GGUFWriter(folder + "/iq1.gguf", "none")
for name, kind, data in ("s", quants.IQ1_S, s), ("m", quants.IQ1_M, m):
    writer.add_tensor(name, data, raw_dtype=kind.qtype)
    np.savez_compressed(folder + "/iq1-%s.npz" % name, result=quants.dequantize(data, kind.qtype))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
