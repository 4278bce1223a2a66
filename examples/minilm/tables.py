#!/usr/bin/env python3
# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes `spread` of wordpiece.py as tables for wordpiece.c: tables.py FILE

Each range of characters has a text that they become; a byte 1 in it is the character itself. Characters
without a range stay as they are. Hangul is not here: its syllables are taken apart by arithmetic.
"""
import os
import sys

from wordpiece import spread

ranges, texts, offsets = [], bytearray(), {}
for code in range(0x110000):
    if 0xD800 <= code <= 0xDFFF or 0xAC00 <= code <= 0xD7A3:
        continue
    c = chr(code)
    text = spread(c)
    if text == c and c not in "\0\1 ":
        continue
    text = text.replace(c, "\1")
    if text not in offsets:
        offsets[text] = len(texts)
        texts += text.encode() + b"\0"
    if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == offsets[text]:
        ranges[-1][1] = code
    else:
        ranges.append([code, code, offsets[text]])

path = sys.argv[1]
with open(path + ".part", "w") as f:
    f.write("/* Written by tables.py. */\n#include <stdint.h>\n\nstatic const char texts[] = {\n")
    for i in range(0, len(texts), 20):
        f.write("  " + ", ".join(str(b if b < 128 else b - 256) for b in texts[i:i + 20]) + ",\n")
    f.write("};\n\nstatic const struct {\n  uint32_t first, last;\n  uint16_t text;\n} ranges[] = {\n")
    f.writelines("  {0x%X, 0x%X, %d},\n" % tuple(r) for r in ranges)
    f.write("};\n")
os.replace(path + ".part", path)
assert len(texts) < 65536
