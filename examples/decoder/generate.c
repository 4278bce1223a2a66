/*===- generate.c - Writes on where a prompt ends ---------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: generate LIBRARY PROMPT [BYTES [TEMPERATURE [SEED]]]
 *
 * The cache is memory of this program. Each call updates it in place.
 *
 *===------------------------------------------------------------------------===*/
#include "decoder.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Those of decoder.mad. */
enum { layers = 4, heads = 4, headSize = 32, bytes = 256 };

static int fail(const char *what, const char *why) {
  fprintf(stderr, "generate: %s: %s\n", what, why);
  return 1;
}

static mad_status generate(mad_context *context, const char *prompt, int64_t count,
                           float temperature, int64_t seed) {
  const int64_t length = (int64_t)strlen(prompt), room = length + count;
  int32_t *text = malloc((size_t)length * sizeof *text);
  float *cache = calloc((size_t)(layers * 2 * heads * room * headSize), sizeof *cache);
  float scores[bytes];
  mad_status status = text && cache ? MAD_OK : MAD_OUT_OF_MEMORY;
  if (status == MAD_OK) {
    for (int64_t i = 0; i < length; ++i)
      text[i] = (unsigned char)prompt[i];
    fputs(prompt, stdout);
    status = decoder_prompt(context, length, room, text, 0, cache, scores);
  }
  for (int64_t at = length; status == MAD_OK && at < room; ++at) {
    int32_t byte = 0;
    status = decoder_choose(context, scores, temperature, seed, at, &byte);
    if (status == MAD_OK) {
      putchar(byte);
      fflush(stdout);
      status = decoder_step(context, room, byte, at, cache, scores);
    }
  }
  putchar('\n');
  free(text);
  free(cache);
  return status;
}

int main(int argc, char **argv) {
  if (argc < 3 || argc > 6 || !*argv[2]) {
    fprintf(stderr, "usage: generate LIBRARY PROMPT [BYTES [TEMPERATURE [SEED]]]\n");
    return 2;
  }
  char *end = "";
  const long long count = argc > 3 ? strtoll(argv[3], &end, 10) : 200;
  if (*end || count < 1 || count > 100000)
    return fail(argv[3], "expected a number of bytes from 1 to 100000");
  const double temperature = argc > 4 ? strtod(argv[4], &end) : 0.0;
  if (*end || !(temperature >= 0))
    return fail(argv[4], "expected a temperature of 0 or more");
  const long long seed = argc > 5 ? strtoll(argv[5], &end, 10) : 1;
  if (*end)
    return fail(argv[5], "expected a number");
  mad_error error;
  mad_module *module = NULL;
  mad_context *context = NULL;
  mad_status status = mad_module_load(argv[1], &module, &error);
  if (status == MAD_OK)
    status = mad_context_create(module, &context, &error);
  if (status != MAD_OK)
    return fail(mad_status_name(status), error.message);
  /* Steps are too small for threads. */
  mad_context_set_threads(context, 1);
  status = generate(context, argv[2], count, (float)temperature, seed);
  const int bad = status != MAD_OK && fail(mad_status_name(status), mad_context_message(context));
  mad_context_destroy(context);
  mad_module_destroy(module);
  return bad;
}
