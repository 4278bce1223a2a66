/*===- wordpiece.h - Text to the tokens of a BERT ---------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * Words and signs in lower case and without accents, then pieces of words. Threads may
 * share a vocabulary. The same as wordpiece.py.
 *
 *===------------------------------------------------------------------------===*/
#ifndef WORDPIECE_H
#define WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wordpiece wordpiece;

/* Reads a vocabulary: one piece a line, its number is that of the line. Null on failure;
 * `message` then says why. */
wordpiece *wordpiece_open(const char *path, char *message, size_t size);
void wordpiece_close(wordpiece *pieces);

/* Writes the numbers of the tokens of a UTF-8 text, with [CLS] before and [SEP] behind, and
 * returns how many: `limit`, which is at least 2, at most. Bytes that are no UTF-8 are
 * passed over. */
int32_t wordpiece_ids(const wordpiece *pieces, const char *text, int32_t *ids, int32_t limit);

#endif /* WORDPIECE_H */
