/*===- file.c - Files that are read before they are believed --------------===*
 *
 * Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 *===------------------------------------------------------------------------===*/
#define _POSIX_C_SOURCE 200809L
#include "runtime/core/file.h"
#include "runtime/core/errors.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

mad_status mad_file_open(const char *path, mad_file *file, mad_error *error) {
  /* Not to wait for the other end when the file is a pipe. */
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return mad_error_open(error, path, errno);
  struct stat info;
  mad_status status = MAD_OK;
  if (fstat(descriptor, &info) != 0)
    status = mad_error_read(error, path, errno);
  else if (!S_ISREG(info.st_mode))
    status = mad_error_not_regular(error, path);
  if (status != MAD_OK) {
    close(descriptor);
    return status;
  }
  file->path = path;
  file->descriptor = descriptor;
  file->bytes = (uint64_t)info.st_size;
  file->error = error;
  return MAD_OK;
}

void mad_file_close(const mad_file *file) { close(file->descriptor); }

mad_status mad_file_read(const mad_file *file, void *to, uint64_t bytes, uint64_t offset) {
  unsigned char *p = to;
  while (bytes > 0) {
    const ssize_t got = pread(file->descriptor, p, bytes, (off_t)offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return mad_error_read(file->error, file->path, got < 0 ? errno : 0);
    p += got, bytes -= (uint64_t)got, offset += (uint64_t)got;
  }
  return MAD_OK;
}

int mad_file_has(const mad_file *file, uint64_t offset, uint64_t bytes) {
  return bytes <= file->bytes && offset <= file->bytes - bytes;
}

mad_status mad_file_sum(const mad_file *file, mad_checksum *sum, uint64_t from, uint64_t to,
                        uint64_t zero, uint64_t width) {
  const uint64_t piece = 1 << 18;
  unsigned char *buffer = malloc(piece);
  if (!buffer)
    return mad_error_memory(file->error, "a buffer", piece);
  mad_status status = MAD_OK;
  while (from < to && status == MAD_OK) {
    const uint64_t bytes = to - from < piece ? to - from : piece;
    status = mad_file_read(file, buffer, bytes, from);
    for (uint64_t i = zero; i < zero + width; ++i)
      if (i >= from && i < from + bytes)
        buffer[i - from] = 0;
    if (status == MAD_OK)
      mad_checksum_add(sum, buffer, bytes);
    from += bytes;
  }
  free(buffer);
  return status;
}

mad_status mad_file_map(const mad_file *file, void **memory) {
  *memory = mmap(NULL, file->bytes, PROT_READ, MAP_PRIVATE, file->descriptor, 0);
  if (*memory != MAP_FAILED)
    return MAD_OK;
  *memory = NULL;
  return mad_error_map(file->error, file->path, errno);
}
