/*===- wordpiece.c - Text to the tokens of a BERT ---------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "wordpiece.h"
#include "tables.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { longestWord = 100, wordBytes = 4 * longestWord };

/* A hash table of the lines of the file; free slots have no text. */
struct piece {
  const char *text;
  uint32_t size;
  int32_t id;
};
struct wordpiece {
  char *file;
  struct piece *slots;
  size_t mask; /* slots - 1, a power of two less 1 */
  int32_t unknown, begin, end;
};

/* FNV-1a. A piece inside of a word begins with ## in the file, but not in the text. */
static struct piece *slotOf(const wordpiece *p, bool inside, const char *text, uint32_t size) {
  uint64_t hash = 14695981039346656037u;
  const uint32_t extra = inside ? 2 : 0;
  for (uint32_t i = 0; i < size + extra; ++i)
    hash = (hash ^ (unsigned char)(i < extra ? '#' : text[i - extra])) * 1099511628211u;
  for (size_t at = (size_t)(hash ^ hash >> 32) & p->mask;; at = (at + 1) & p->mask) {
    struct piece *slot = &p->slots[at];
    if (!slot->text || (slot->size == size + extra && memcmp(slot->text, "##", extra) == 0 &&
                        memcmp(slot->text + extra, text, size) == 0))
      return slot;
  }
}

static char *readFile(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  char *data = NULL;
  *size = 0;
  for (size_t room = 0; f && !ferror(f) && !feof(f);) {
    if (room - *size < 2) {
      char *more = realloc(data, room = room ? 2 * room : 1 << 18);
      if (!more)
        break;
      data = more;
    }
    *size += fread(data + *size, 1, room - *size - 1, f);
  }
  if (!f || !feof(f)) {
    free(data);
    data = NULL;
  }
  if (f)
    fclose(f);
  return data;
}

static bool addLines(wordpiece *p, size_t size) {
  size_t lines = 1;
  for (size_t i = 0; i < size; ++i)
    lines += p->file[i] == '\n';
  p->mask = 1;
  while (p->mask < 2 * lines)
    p->mask *= 2;
  p->slots = calloc(p->mask--, sizeof *p->slots);
  if (!p->slots)
    return false;
  char *line = p->file, *last = p->file + size;
  for (int32_t id = 0; line < last; ++id) {
    char *end = memchr(line, '\n', (size_t)(last - line));
    if (!end)
      end = last;
    struct piece *slot = slotOf(p, false, line, (uint32_t)(end - line));
    *slot = (struct piece){line, (uint32_t)(end - line), id};
    line = end + 1;
  }
  return true;
}

static bool find(const wordpiece *p, const char *text, int32_t *id) {
  const struct piece *slot = slotOf(p, false, text, (uint32_t)strlen(text));
  *id = slot->id;
  return slot->text != NULL;
}

wordpiece *wordpiece_open(const char *path, char *message, size_t size) {
  wordpiece *p = calloc(1, sizeof *p);
  size_t bytes = 0;
  if (p && (p->file = readFile(path, &bytes)) && addLines(p, bytes)) {
    if (find(p, "[UNK]", &p->unknown) && find(p, "[CLS]", &p->begin) && find(p, "[SEP]", &p->end))
      return p;
    snprintf(message, size, "`%s` is no vocabulary: it has no [UNK], [CLS] or [SEP]", path);
  } else {
    snprintf(message, size, "cannot read `%s`", path);
  }
  wordpiece_close(p);
  return NULL;
}

void wordpiece_close(wordpiece *p) {
  if (!p)
    return;
  free(p->slots);
  free(p->file);
  free(p);
}

/* What a text has become so far, and the word at its end. */
struct state {
  const wordpiece *pieces;
  int32_t *ids;
  int32_t count, limit;
  char word[wordBytes];
  uint32_t bytes, characters;
};

static void add(struct state *s, int32_t id) {
  if (s->count < s->limit)
    s->ids[s->count++] = id;
}

/* The longest piece that the word begins with, then of the rest, and so on. */
static void endWord(struct state *s) {
  const int32_t before = s->count;
  const uint32_t bytes = s->bytes;
  bool known = s->characters <= longestWord;
  s->bytes = 0;
  for (uint32_t start = 0; known && start < bytes;) {
    uint32_t end = bytes;
    const struct piece *piece = NULL;
    for (; end > start; --end) {
      /* Only between characters. */
      if (end < bytes && ((unsigned char)s->word[end] & 0xC0) == 0x80)
        continue;
      piece = slotOf(s->pieces, start != 0, s->word + start, end - start);
      if (piece->text)
        break;
    }
    known = end > start;
    if (known)
      add(s, piece->id);
    start = end;
  }
  if (!known) {
    s->count = before;
    add(s, s->pieces->unknown);
  }
  s->characters = 0;
}

/* One character of the folded text. */
static void push(struct state *s, const char *bytes, uint32_t size) {
  if (*bytes == ' ') {
    if (s->characters)
      endWord(s);
    return;
  }
  if (++s->characters > longestWord)
    return;
  memcpy(s->word + s->bytes, bytes, size);
  s->bytes += size;
}

static uint32_t sizeOf(unsigned char first) {
  return first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
}

/* A syllable of Hangul is two or three letters (the Unicode Standard, 3.12). */
static void pushHangul(struct state *s, uint32_t syllable) {
  const uint32_t letters[3] = {0x1100 + syllable / 588, 0x1161 + syllable % 588 / 28,
                               0x11A7 + syllable % 28};
  for (int i = 0; i < (syllable % 28 ? 3 : 2); ++i) {
    const uint32_t c = letters[i];
    const char bytes[3] = {(char)(0xE0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3F)),
                           (char)(0x80 | (c & 0x3F))};
    push(s, bytes, 3);
  }
}

static void pushFolded(struct state *s, uint32_t code, const char *bytes, uint32_t size) {
  if (code >= 0xAC00 && code <= 0xD7A3) {
    pushHangul(s, code - 0xAC00);
    return;
  }
  /* The first range that ends at the character or behind it. */
  size_t low = 0, high = sizeof ranges / sizeof *ranges;
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (ranges[middle].last < code)
      low = middle + 1;
    else
      high = middle;
  }
  if (low == sizeof ranges / sizeof *ranges || ranges[low].first > code) {
    push(s, bytes, size);
    return;
  }
  for (const char *text = texts + ranges[low].text; *text;) {
    const uint32_t part = sizeOf((unsigned char)*text);
    if (*text == 1)
      push(s, bytes, size);
    else
      push(s, text, part);
    text += part;
  }
}

/* The number of the character at `text` and its bytes; 0 bytes where there is none. */
static uint32_t decode(const unsigned char *text, uint32_t *size) {
  static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
  *size = 0;
  if (*text < 0x80) {
    *size = 1;
    return *text;
  }
  if (*text < 0xC2 || *text > 0xF4)
    return 0;
  const uint32_t bytes = sizeOf(*text);
  uint32_t code = *text & (0x7F >> bytes);
  for (uint32_t i = 1; i < bytes; ++i) {
    if ((text[i] & 0xC0) != 0x80)
      return 0;
    code = code << 6 | (text[i] & 0x3F);
  }
  if (code < least[bytes] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return 0;
  *size = bytes;
  return code;
}

int32_t wordpiece_ids(const wordpiece *pieces, const char *text, int32_t *ids, int32_t limit) {
  struct state s = {.pieces = pieces, .ids = ids, .limit = limit - 1};
  add(&s, pieces->begin);
  while (*text && s.count < s.limit) {
    uint32_t size;
    const uint32_t code = decode((const unsigned char *)text, &size);
    if (size)
      pushFolded(&s, code, text, size);
    text += size ? size : 1;
  }
  push(&s, " ", 1);
  ids[s.count] = pieces->end;
  return s.count + 1;
}
