/*===- choose.c - What a host asks for to compute on ------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/core/core.h"
#include "runtime/core/errors.h"
#include <stdlib.h>
#include <string.h>

/* The digits behind `cuda:`; -1 where there is anything else. */
static int32_t numberIn(const char *text) {
  int32_t number = 0;
  if (!*text || strlen(text) > 4)
    return -1;
  for (; *text; ++text) {
    if (*text < '0' || *text > '9')
      return -1;
    number = 10 * number + (*text - '0');
  }
  return number;
}

mad_status mad_choose_device(const char *text, mad_choice *choice, mad_error *error) {
  const int ofEnvironment = !text;
  if (ofEnvironment)
    text = getenv("MAD_DEVICE");
  if (!text || !*text)
    text = "auto";
  memset(choice, 0, sizeof *choice);
  choice->cpu = strcmp(text, "auto") == 0 || strcmp(text, "cpu") == 0;
  choice->cuda = strcmp(text, "auto") == 0 || strncmp(text, "cuda", 4) == 0;
  if (!choice->cpu && !choice->cuda)
    return mad_error_device_name(error, text, ofEnvironment);
  if (choice->cpu || text[4] == 0)
    return MAD_OK;
  choice->number = text[4] == ':' ? numberIn(text + 5) : -1;
  return choice->number < 0 ? mad_error_device_name(error, text, ofEnvironment) : MAD_OK;
}
