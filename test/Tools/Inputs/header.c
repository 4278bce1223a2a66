/*===- header.c - Uses header.h as C and as C++ ---------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * usage: host [LIBRARY]
 *
 *===------------------------------------------------------------------------===*/
#include "header.h"
#include <stdio.h>

static int use(mad_context *context) {
  const float x[20] = {0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0, 0, 0, 0};
  float y[6];
  double doubled = 0;
  uint8_t flipped = 1;
  if (header_valid_result_size(4, 5) != 6)
    return 1;
  if (header_valid(context, 4, 5, x, y) != MAD_OK) {
    printf("%s\n", mad_context_message(context));
    return 1;
  }
  printf("%g %g %g %g\n", (double)y[0], (double)y[1], (double)y[3], (double)y[4]);
  if (header_double(context, 2.5, 1, &doubled, &flipped) != MAD_OK)
    return 1;
  printf("%.1f %d\n", doubled, (int)flipped);
  printf("%s\n", mad_status_name(header_valid(context, 1, 5, x, y)));
  return 0;
}

int main(int argc, char **argv) {
  mad_module *module = NULL;
  mad_context *context = NULL;
  mad_error error;
  mad_status status = argc > 1 ? mad_module_load(argv[1], &module, &error)
                               : mad_module_create(&header_artifact, &module, &error);
  if (status == MAD_OK)
    status = mad_context_create(module, &context, &error);
  if (status != MAD_OK)
    printf("%s\n", error.message);
  status = status == MAD_OK && use(context) == 0 ? MAD_OK : MAD_INTERNAL;
  mad_context_destroy(context);
  mad_module_destroy(module);
  return status != MAD_OK;
}
