"""Known tokens, then Python against C: wordpiece.py FOLDER"""
import os
import random
import subprocess
import sys

folder = sys.argv[1]
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../examples/minilm"))
from wordpiece import Tokenizer, words  # noqa: E402

# The first lines are those of the tests of BERT.
pieces = ("[PAD] [UNK] [CLS] [SEP] want ##want ##ed wa un runn ##ing , lo low est ##est ? ! ; a ##a "
          "\u0391 \u03b1 ##\u03b1 \u03c3 ##\u03c3 \u1112 ##\u1161 ##\u11ab \u4e2d \u6587 x ##x ##xx ss ##\u00df \u00df").split()
pieces += ["##" + c for c in "bcdefghijklmnopqrstuvwyz0123456789"]
pieces += [c for c in "bcdefghijklmnopqrstuvwyz0123456789.()[]\u3002\u2019\u0646\u0905"]
vocabulary = os.path.join(folder, "vocabulary.txt")
with open(vocabulary, "w", encoding="utf-8") as f:
    f.write("".join(p + "\n" for p in dict.fromkeys(pieces)))
tokenizer = Tokenizer(vocabulary)

cases = {
    "unwanted running": ["un", "##want", "##ed", "runn", "##ing"],
    "UNwant\u00e9d,running": ["un", "##want", "##ed", ",", "runn", "##ing"],
    "unwanted \u00e7a??": ["un", "##want", "##ed", "c", "##a", "?", "?"],
    "": [], " \t\r\u3000\u2028": [], "\u200b\ufeff\ufffd\u0301": [],
    "a\u4e2d\u6587b": ["a", "\u4e2d", "\u6587", "b"],
    "\ud55c": ["\u1112", "##\u1161", "##\u11ab"],
    "\u0391\u03a3 \u03c2": ["\u03b1", "##\u03c3", "[UNK]"],
    "\u00df": ["\u00df"], "\u1e9e": ["\u00df"],
    "a\u037eb": ["a", ";", "b"],
    "[SEP]": ["[", "s", "##e", "##p", "]"],
    "x" * 100: ["x"] + ["##xx"] * 49 + ["##x"], "x" * 101: ["[UNK]"],
    "want\u20acwant": ["[UNK]"], "lowest": ["low", "##est"], "est": ["est"],
}
for text, expected in cases.items():
    assert tokenizer.tokens(text) == expected, (text, tokenizer.tokens(text), expected)
assert words("\u00c5ngstr\u00f6m's") == ["angstrom", "'", "s"]
assert tokenizer.ids("want want want want", limit=4) == [2, 4, 4, 3]
ids, mask = tokenizer.rows(["", "want"])
assert ids.tolist() == [[2, 3, 0], [2, 4, 3]] and mask.tolist() == [[True, True, False], [True] * 3]

# Every character, with letters and without; words around the longest; bytes that are no text.
lines = [text.encode() for text in cases if not set(text) & set("\r")]
skipped = set(range(0xD800, 0xE000)) | {0, ord("\n")}
for start in range(0, 0x110000, 16):
    codes = [c for c in range(start, start + 16) if c not in skipped]
    lines.append("".join(map(chr, codes)).encode())
    lines.append("x".join(map(chr, codes)).encode())
lines += [(c * n).encode() for c in ("x", "\u00e9", "\uac00", "\u0390") for n in (33, 34, 49, 50, 51, 99, 100, 101)]
random.seed(1)
common = [0x61, 0x78, 0x20, 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0xED, 0xA0]
for _ in range(2000):
    line = bytes(random.choice([random.randrange(1, 256)] + 2 * [random.choice(common)]) for _ in range(24))
    lines.append(line.replace(b"\n", b" "))
result = subprocess.run([os.path.join(folder, "wordpiece"), vocabulary], input=b"\n".join(lines) + b"\n",
                        stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
assert len(result) == len(lines)
for line, found in zip(lines, result):
    expected = tokenizer.ids(line.decode(errors="replace"), limit=1000)
    assert [int(i) for i in found.split()] == expected, (line, found, expected)
