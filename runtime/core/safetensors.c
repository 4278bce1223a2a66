/*===- safetensors.c - Tensors of a .safetensors file ---------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * 8 bytes with the length of a JSON object, the object, the bytes of the tensors. The
 * object maps names to {"dtype", "shape", "data_offsets"}. What is read here is that
 * form and no other JSON. Names are decoded in place: an escape is never shorter than
 * what it stands for.
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/errors.h"
#include "runtime/core/weights.h"
#include <stdlib.h>
#include <string.h>

/* What the format allows; a larger number is not a length. */
static const uint64_t maxHeader = 100000000;
enum { maxRank = 32 };

typedef struct parser {
  char *at, *end;
  int64_t *shapes, *shapesEnd;
} parser;

static void skipSpace(parser *p) {
  while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
    ++p->at;
}

static int take(parser *p, char c) {
  skipSpace(p);
  if (p->at >= p->end || *p->at != c)
    return 0;
  ++p->at;
  return 1;
}

static int hexadecimal(parser *p, uint32_t *value) {
  *value = 0;
  if (p->end - p->at < 4)
    return 0;
  for (int i = 0; i < 4; ++i) {
    const char c = *p->at++;
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0)
      return 0;
    *value = *value << 4 | (uint32_t)digit;
  }
  return 1;
}

static char *utf8(char *to, uint32_t code) {
  if (code < 0x80) {
    *to++ = (char)code;
  } else if (code < 0x800) {
    *to++ = (char)(0xc0 | code >> 6);
    *to++ = (char)(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    *to++ = (char)(0xe0 | code >> 12);
    *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    *to++ = (char)(0x80 | (code & 0x3f));
  } else {
    *to++ = (char)(0xf0 | code >> 18);
    *to++ = (char)(0x80 | (code >> 12 & 0x3f));
    *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    *to++ = (char)(0x80 | (code & 0x3f));
  }
  return to;
}

/* Behind a backslash. */
static int escape(parser *p, char **to) {
  static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
  if (p->at >= p->end)
    return 0;
  const char c = *p->at++;
  const char *known = c ? strchr(from, c) : NULL;
  if (known) {
    *(*to)++ = meant[known - from];
    return 1;
  }
  uint32_t code, low;
  if (c != 'u' || !hexadecimal(p, &code) || code == 0 || (code >= 0xdc00 && code < 0xe000))
    return 0;
  if (code >= 0xd800 && code < 0xdc00) {
    if (p->end - p->at < 2 || p->at[0] != '\\' || p->at[1] != 'u')
      return 0;
    p->at += 2;
    if (!hexadecimal(p, &low) || low < 0xdc00 || low >= 0xe000)
      return 0;
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  *to = utf8(*to, code);
  return 1;
}

/* A string; it ends with a 0 byte where its quote was. */
static int string(parser *p, char **text) {
  if (!take(p, '"'))
    return 0;
  char *to = *text = p->at;
  while (p->at < p->end) {
    const char c = *p->at++;
    if (c == '"') {
      *to = 0;
      return 1;
    }
    if ((unsigned char)c < ' ')
      return 0;
    if (c != '\\')
      *to++ = c;
    else if (!escape(p, &to))
      return 0;
  }
  return 0;
}

static int number(parser *p, int64_t *value) {
  skipSpace(p);
  const char *first = p->at;
  *value = 0;
  for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; ++p->at)
    if (__builtin_mul_overflow(*value, 10, value) ||
        __builtin_add_overflow(*value, *p->at - '0', value))
      return 0;
  return p->at > first;
}

/* `[1, 2]`, at most `room` numbers. */
static int numbers(parser *p, int64_t *values, size_t room, size_t *count) {
  *count = 0;
  if (!take(p, '['))
    return 0;
  if (take(p, ']'))
    return 1;
  do {
    if (*count >= room || !number(p, &values[*count]))
      return 0;
    ++*count;
  } while (take(p, ','));
  return take(p, ']');
}

static mad_dtype dtypeOf(const char *text) {
  static const struct {
    const char *name;
    int dtype;
  } known[] = {{"F32", 0}, {"F64", 1},  {"I32", 2}, {"I64", 3}, {"BOOL", 4},
               {"F16", 5}, {"BF16", 6}, {"I8", 7},  {"U8", 8}};
  for (size_t i = 0; i < sizeof known / sizeof *known; ++i)
    if (strcmp(text, known[i].name) == 0)
      return (mad_dtype)known[i].dtype;
  return (mad_dtype)-1;
}

/* `"__metadata__": {"text": "text", ...}` */
static int metadata(parser *p) {
  char *text;
  if (!take(p, '{'))
    return 0;
  if (take(p, '}'))
    return 1;
  do {
    if (!string(p, &text) || !take(p, ':') || !string(p, &text))
      return 0;
  } while (take(p, ','));
  return take(p, '}');
}

static const char *tensor(parser *p, uint64_t data, uint64_t end, mad_stored *stored) {
  char *key, *text = NULL;
  int64_t offsets[2];
  size_t rank = 0, two = 0;
  int hasShape = 0;
  const char *bad = "its header is not that of a .safetensors file";
  if (!take(p, '{'))
    return bad;
  do {
    if (!string(p, &key) || !take(p, ':'))
      return bad;
    if (strcmp(key, "dtype") == 0 && !text) {
      if (!string(p, &text))
        return bad;
    } else if (strcmp(key, "shape") == 0 && !hasShape) {
      const size_t room = (size_t)(p->shapesEnd - p->shapes);
      stored->shape = p->shapes;
      if (!numbers(p, p->shapes, room < maxRank ? room : maxRank, &rank))
        return "a shape has no whole numbers, or more than 32";
      p->shapes += rank;
      hasShape = 1;
    } else if (strcmp(key, "data_offsets") != 0 || two != 0 || !numbers(p, offsets, 2, &two)) {
      return bad;
    }
  } while (take(p, ','));
  if (!take(p, '}') || !text || !hasShape || two != 2)
    return bad;
  stored->rank = (uint32_t)rank;
  stored->dtype = dtypeOf(text);
  if (offsets[0] > offsets[1] || (uint64_t)offsets[1] > end - data)
    return "a tensor lies outside of the file";
  stored->data = data + (uint64_t)offsets[0];
  stored->bytes = (uint64_t)(offsets[1] - offsets[0]);
  /* A type that no weight has is of no interest, whatever its size. */
  if (mad_dtype_size(stored->dtype) != 0 &&
      mad_stored_bytes(stored->shape, stored->rank, stored->dtype) != stored->bytes)
    return "a shape does not fit the number of bytes";
  return NULL;
}

static const char *object(parser *p, uint64_t data, uint64_t end, mad_stored_list *list) {
  const char *bad = "its header is not that of a .safetensors file";
  char *name;
  if (!take(p, '{'))
    return bad;
  if (!take(p, '}')) {
    do {
      if (!string(p, &name) || !take(p, ':'))
        return bad;
      if (strcmp(name, "__metadata__") == 0) {
        if (!metadata(p))
          return bad;
        continue;
      }
      mad_stored *stored = &list->tensors[list->count];
      const char *fault = tensor(p, data, end, stored);
      if (fault)
        return fault;
      stored->name = name;
      ++list->count;
    } while (take(p, ','));
    if (!take(p, '}'))
      return bad;
  }
  skipSpace(p);
  return p->at == p->end ? NULL : bad;
}

static size_t countOf(const char *text, uint64_t bytes, char c) {
  size_t count = 0;
  for (uint64_t i = 0; i < bytes; ++i)
    count += text[i] == c;
  return count;
}

mad_status mad_safetensors_read(const mad_file *f, mad_stored_list *list) {
  uint64_t length = 0;
  char first = 0;
  mad_status status = mad_file_read(f, &length, sizeof length, 0);
  if (status == MAD_OK && f->bytes > sizeof length)
    status = mad_file_read(f, &first, 1, sizeof length);
  if (status != MAD_OK)
    return status;
  if (first != '{' || length > maxHeader)
    return mad_error_not_weights(f->error, f->path);
  const uint64_t data = sizeof length + length;
  if (data > f->bytes)
    return mad_error_cut(f->error, f->path, "its header", data, f->bytes);
  char *text = malloc(length + 1);
  if (!text)
    return mad_error_memory(f->error, "the header of a file", length + 1);
  status = mad_file_read(f, text, length, sizeof length);
  if (status != MAD_OK) {
    free(text);
    return status;
  }
  /* No more tensors than braces, no more extents than commas and brackets. */
  const size_t tensors = countOf(text, length, '{');
  const size_t extents = countOf(text, length, ',') + countOf(text, length, '[');
  const size_t bytes = (extents + 1) * sizeof(int64_t) + length + 1;
  char *head = malloc(bytes);
  list->head = head;
  list->tensors = calloc(tensors + 1, sizeof *list->tensors);
  if (!list->head || !list->tensors) {
    free(text);
    return mad_error_memory(f->error, "the header of a file", bytes);
  }
  int64_t *shapes = (int64_t *)(void *)head;
  char *copy = head + (extents + 1) * sizeof(int64_t);
  memcpy(copy, text, length);
  free(text);
  parser p = {copy, copy + length, shapes, shapes + extents};
  list->foreign = 1;
  const char *fault = object(&p, data, f->bytes, list);
  return fault ? mad_error_weights_damaged(f->error, f->path, fault) : MAD_OK;
}
