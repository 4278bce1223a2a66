/*===- file.h - Files that are read before they are believed --------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#ifndef MAD_RUNTIME_CORE_FILE_H
#define MAD_RUNTIME_CORE_FILE_H

#include "runtime/core/checksum.h"
#include "runtime/mad.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A regular file, open for reading. */
typedef struct mad_file {
  const char *path;
  int descriptor;
  uint64_t bytes;
  mad_error *error;
} mad_file;

mad_status mad_file_open(const char *path, mad_file *file, mad_error *error);
void mad_file_close(const mad_file *file);
/* Reads exactly `bytes` at `offset`. */
mad_status mad_file_read(const mad_file *file, void *to, uint64_t bytes, uint64_t offset);
/* Whether the range lies in the file. */
int mad_file_has(const mad_file *file, uint64_t offset, uint64_t bytes);
/* Adds a range to a checksum. Bytes from `zero` on, `width` of them, count as 0. */
mad_status mad_file_sum(const mad_file *file, mad_checksum *sum, uint64_t from, uint64_t to,
                        uint64_t zero, uint64_t width);
/* Maps the whole file for reading. */
mad_status mad_file_map(const mad_file *file, void **memory);

#ifdef __cplusplus
}
#endif
#endif /* MAD_RUNTIME_CORE_FILE_H */
