# Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Text to the tokens of a BERT without case: words and signs, then pieces of words.

    tokenizer = Tokenizer("model/vocab.txt")
    tokenizer.tokens("Unaffable!")         # ["una", "##ffa", "##ble", "!"]
    ids, mask = tokenizer.rows(["A text", "another one"])     # for `embed` of minilm.mad

Words are lower case, without accents. What the vocabulary has no pieces for is [UNK]. wordpiece.c does
the same in C. "[SEP]" in a text is text: a bracket, a word, a bracket.
"""
import unicodedata

import numpy as np

# Ideographs, each of which is a word of its own.
_IDEOGRAPHS = ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
               (0x2B740, 0x2B81F), (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F))
_LONGEST_WORD = 100


def fold(c):
    """Lower case, without accents."""
    parts = (d for d in unicodedata.normalize("NFD", c) if unicodedata.category(d) != "Mn")
    return "".join(d.lower() for d in parts)


def _is_sign(c):
    return unicodedata.category(c)[0] == "P" or (c.isascii() and not c.isalnum() and c != " ")


def spread(c):
    """What a character becomes: nothing, a space, or what it is folded to. Around a word of its own,
    which signs and ideographs are, there are spaces."""
    if c in "\t\n\r" or unicodedata.category(c)[0] == "Z":
        return " "
    if c == "\ufffd" or unicodedata.category(c)[0] == "C":
        return ""
    if any(low <= ord(c) <= high for low, high in _IDEOGRAPHS):
        return " " + fold(c) + " "
    # Some letters are folded to signs: the Greek question mark is a semicolon.
    return "".join(" " + d + " " if _is_sign(d) else d for d in fold(c))


def words(text):
    """The words and signs of a text, folded."""
    return "".join(map(spread, text)).split()


class Tokenizer:
    def __init__(self, vocabulary):
        with open(vocabulary, encoding="utf-8") as f:
            self.pieces = {line.rstrip("\n"): i for i, line in enumerate(f)}
        self.names = list(self.pieces)
        self._pad, self._unknown, self._begin, self._end = (
            self.pieces[s] for s in ("[PAD]", "[UNK]", "[CLS]", "[SEP]"))

    def _split(self, word):
        """The longest piece that the word begins with, then of the rest, and so on."""
        found, start = [], 0
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        while start < len(word):
            mark = "##" if start else ""
            end = len(word)
            while end > start and mark + word[start:end] not in self.pieces:
                end -= 1
            if end == start:
                return [self._unknown]
            found.append(self.pieces[mark + word[start:end]])
            start = end
        return found

    def ids(self, text, limit=256):
        """Numbers of the tokens, with [CLS] before and [SEP] behind, `limit` in all."""
        found = [i for word in words(text) for i in self._split(word)]
        return [self._begin] + found[:limit - 2] + [self._end]

    def tokens(self, text):
        return [self.names[i] for word in words(text) for i in self._split(word)]

    def rows(self, texts, limit=256):
        """Ids of all texts, filled up to the longest, and a mask that tells which are tokens."""
        all_ids = [self.ids(text, limit) for text in texts]
        ids = np.full((len(texts), max(map(len, all_ids), default=0)), self._pad, np.int32)
        for row, found in zip(ids, all_ids):
            row[:len(found)] = found
        lengths = np.array([len(found) for found in all_ids]).reshape(-1, 1)
        return ids, np.arange(ids.shape[1]) < lengths
