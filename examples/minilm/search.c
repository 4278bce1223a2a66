/*===- search.c - Finds lines of a text by what they mean -------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: search LIBRARY VOCABULARY TEXT QUESTION...
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "minilm.h"
#include "wordpiece.h"
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { width = 384, limit = 256, shown = 3 };

static int fail(const char *what, const char *why) {
  fprintf(stderr, "search: %s: %s\n", what, why);
  return 1;
}

/* The lines of a file that hold something; null on failure. */
static char **readLines(const char *path, int64_t *count) {
  FILE *f = fopen(path, "r");
  char **lines = NULL, *line = NULL;
  size_t room = 0;
  ssize_t size;
  *count = 0;
  while (f && (size = getline(&line, &room, f)) >= 0) {
    if (size && line[size - 1] == '\n')
      line[size - 1] = 0;
    if (!*line)
      continue;
    char **more = realloc(lines, (size_t)(*count + 1) * sizeof *lines);
    if (!more || !(more[*count] = strdup(line)))
      exit(fail(path, "out of memory"));
    lines = more;
    ++*count;
  }
  if (!f || ferror(f) || !*count)
    exit(fail(path, !f || ferror(f) ? strerror(errno) : "no lines"));
  free(line);
  fclose(f);
  return lines;
}

/* One vector for each text. All go through the model in one call, filled up to the longest. */
static mad_status embed(mad_context *context, const wordpiece *pieces, char **texts, int64_t count,
                        float *vectors) {
  int32_t *all = calloc((size_t)count * limit, sizeof *all);
  int32_t *lengths = calloc((size_t)count, sizeof *lengths);
  uint8_t *mask = calloc((size_t)count * limit, 1);
  mad_status status = MAD_OUT_OF_MEMORY;
  if (all && lengths && mask) {
    int64_t longest = 0;
    for (int64_t i = 0; i < count; ++i) {
      lengths[i] = wordpiece_ids(pieces, texts[i], all + i * limit, limit);
      longest = lengths[i] > longest ? lengths[i] : longest;
    }
    /* From rows of `limit` to rows of the longest: always towards the front. */
    for (int64_t i = 0; i < count; ++i) {
      memmove(all + i * longest, all + i * limit, (size_t)lengths[i] * sizeof *all);
      for (int64_t j = 0; j < longest; ++j) {
        mask[i * longest + j] = j < lengths[i];
        if (j >= lengths[i])
          all[i * longest + j] = 0;
      }
    }
    status = minilm_embed(context, count, longest, all, mask, vectors);
  }
  free(all);
  free(lengths);
  free(mask);
  return status;
}

static mad_status search(mad_context *context, const wordpiece *pieces, char **lines, int64_t count,
                         char **questions, int64_t asked) {
  float *known = malloc((size_t)count * width * sizeof *known);
  float *vectors = malloc((size_t)asked * width * sizeof *vectors);
  float *cosines = malloc((size_t)count * sizeof *cosines);
  int64_t *places = malloc((size_t)count * sizeof *places);
  mad_status status = known && vectors && cosines && places ? MAD_OK : MAD_OUT_OF_MEMORY;
  if (status == MAD_OK)
    status = embed(context, pieces, lines, count, known);
  if (status == MAD_OK)
    status = embed(context, pieces, questions, asked, vectors);
  for (int64_t i = 0; status == MAD_OK && i < asked; ++i) {
    status = minilm_nearest(context, count, vectors + i * width, known, cosines, places);
    puts(questions[i]);
    for (int64_t k = 0; status == MAD_OK && k < count && k < shown; ++k)
      printf("  %.3f  %s\n", (double)cosines[k], lines[places[k]]);
  }
  free(known);
  free(vectors);
  free(cosines);
  free(places);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 5) {
    fprintf(stderr, "usage: search LIBRARY VOCABULARY TEXT QUESTION...\n");
    return 2;
  }
  char message[256];
  mad_error error;
  mad_module *module = NULL;
  mad_context *context = NULL;
  wordpiece *pieces = wordpiece_open(argv[2], message, sizeof message);
  if (!pieces)
    return fail("vocabulary", message);
  int64_t count;
  char **lines = readLines(argv[3], &count);
  mad_status status = mad_module_load(argv[1], &module, &error);
  if (status == MAD_OK)
    status = mad_context_create(module, &context, &error);
  if (status != MAD_OK)
    return fail(mad_status_name(status), error.message);
  status = search(context, pieces, lines, count, argv + 4, argc - 4);
  const int bad = status != MAD_OK && fail(mad_status_name(status), mad_context_message(context));
  for (int64_t i = 0; i < count; ++i)
    free(lines[i]);
  free(lines);
  wordpiece_close(pieces);
  mad_context_destroy(context);
  mad_module_destroy(module);
  return bad;
}
