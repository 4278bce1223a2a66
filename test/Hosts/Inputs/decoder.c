/* usage: decoder LIBRARY     a compiled model with a state, step by step, from C */
#include "decoder.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { steps = 7, rows = 8, width = 4 };

static int refuse(const char *what, const char *message) {
  printf("%s: %s\n", what, message);
  return 1;
}

int main(int argc, char **argv) {
  mad_error error = {{0}};
  mad_module *module = NULL;
  mad_context *context = NULL;
  if (argc != 2 || mad_module_load(argv[1], &module, &error) != MAD_OK ||
      mad_context_create(module, &context, &error) != MAD_OK)
    return refuse("load", error.message);
  float x[steps][width], expected[steps][width], keys[rows + 1][width], values[rows + 1][width];
  for (int i = 0; i < steps * width; ++i)
    x[i / width][i % width] = (float)(i * i % 11) / 8.0f - 0.5f;
  /* What lies behind the position is not looked at. */
  for (int i = 0; i < (rows + 1) * width; ++i)
    keys[i / width][i % width] = values[i / width][i % width] = 100.0f;
  if (decoder_whole(context, steps, &x[0][0], &expected[0][0]) != MAD_OK)
    return refuse("whole", mad_context_message(context));

  const float *const memory = &keys[0][0];
  for (int64_t i = 0; i < steps; ++i) {
    float y[width], before[rows + 1][width];
    memcpy(before, keys, sizeof keys);
    if (decoder_step(context, rows, x[i], i, &keys[0][0], &values[0][0], y) != MAD_OK)
      return refuse("step", mad_context_message(context));
    /* The two orders of summation: sums of 7 and 4 terms below 4, relative to sums above 1/4. */
    for (int d = 0; d < width; ++d)
      if (!(fabsf(y[d] - expected[i][d]) <= 1e-5f))
        return refuse("differs", "a step gives something else than all of them at once");
    /* One row is new, the others are as they were, and all in the caller's memory. */
    for (int64_t row = 0; row < rows; ++row)
      if ((memcmp(before[row], keys[row], sizeof before[row]) != 0) != (row == i))
        return refuse("state", "other rows than that of the step changed");
    if (memory != &keys[0][0])
      return refuse("state", "moved");
  }
  /* A step outside of the cache fails and writes nothing there. The call after it works. */
  float y[width];
  if (decoder_step(context, rows, x[0], rows, &keys[0][0], &values[0][0], y) != MAD_OUT_OF_RANGE)
    return refuse("outside", "of the cache is not refused");
  printf("%s\n", mad_context_message(context));
  for (int d = 0; d < width; ++d)
    if (keys[rows][d] != 100.0f || values[rows][d] != 100.0f)
      return refuse("outside", "of the cache is written");
  for (int i = 0; i < rows * width; ++i)
    keys[i / width][i % width] = values[i / width][i % width] = 100.0f;
  if (decoder_step(context, rows, x[0], 0, &keys[0][0], &values[0][0], y) != MAD_OK ||
      !(fabsf(y[0] - expected[0][0]) <= 1e-5f))
    return refuse("again", mad_context_message(context));
  mad_context_destroy(context);
  mad_module_destroy(module);
  printf("all good\n");
  return 0;
}
