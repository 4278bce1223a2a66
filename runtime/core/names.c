/*===- names.c - Names of statuses and element types ----------------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#include "runtime/mad.h"

const char *mad_status_name(mad_status status) {
  static const char *const names[] = {
      "MAD_OK",
      "MAD_INVALID_ARGUMENT",
      "MAD_SHAPE_MISMATCH",
      "MAD_OUT_OF_RANGE",
      "MAD_OUT_OF_MEMORY",
      "MAD_FILE_ERROR",
      "MAD_BAD_FORMAT",
      "MAD_UNSUPPORTED",
      "MAD_INTERNAL",
      "MAD_COMPILE_ERROR",
  };
  const unsigned number = (unsigned)status;
  return number < sizeof names / sizeof *names ? names[number] : "MAD_UNKNOWN_STATUS";
}

size_t mad_dtype_size(mad_dtype dtype) {
  switch (dtype) {
  case MAD_F32:
  case MAD_I32:
    return 4;
  case MAD_F64:
  case MAD_I64:
    return 8;
  case MAD_F16:
  case MAD_BF16:
    return 2;
  case MAD_BOOL:
  case MAD_I8:
  case MAD_U8:
    return 1;
  }
  return 0;
}

const char *mad_dtype_name(mad_dtype dtype) {
  static const char *const names[] = {"f32", "f64",  "i32", "i64", "bool",
                                      "f16", "bf16", "i8",  "u8"};
  const unsigned number = (unsigned)dtype;
  return number < sizeof names / sizeof *names ? names[number] : "?";
}
