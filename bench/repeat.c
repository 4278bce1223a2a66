/*===- repeat.c - Calls an entry many times ------------------------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * For times of calls from C, measured by scripts that reach the runtime by ctypes.
 *
 *===------------------------------------------------------------------------===*/
#include <stdint.h>

typedef int call(void *context, int32_t entry, const void *inputs, int32_t inputCount,
                 const void *outputs, int32_t outputCount);

int repeat(call *entryCall, void *context, int32_t entry, const void *inputs, int32_t inputCount,
           const void *outputs, int32_t outputCount, int64_t times) {
  for (int64_t i = 0; i < times; ++i)
    if (entryCall(context, entry, inputs, inputCount, outputs, outputCount) != 0)
      return 1;
  return 0;
}
