//===- Memory.cpp - A file that is only in memory -------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "test/fuzz/Memory.h"

#include <algorithm>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static constexpr char thePath[] = "/memory";
/// No process has so many files.
static constexpr int theDescriptor = 1 << 29;
static const char *content = nullptr;
static size_t length = 0;
static int opened = 0;

const char *memoryFile(const void *bytes, size_t size) {
  // Whoever opened the last one has closed it.
  if (opened != 0)
    abort();
  content = static_cast<const char *>(bytes);
  length = size;
  return thePath;
}

extern "C" {
int __real_open(const char *path, int flags, ...);
int __real_close(int descriptor);
int __real_fstat(int descriptor, struct stat *info);
ssize_t __real_pread(int descriptor, void *to, size_t count, off_t offset);
void *__real_mmap(void *at, size_t size, int protection, int flags, int descriptor, off_t offset);

int __wrap_open(const char *path, int flags, ...) {
  if (strcmp(path, thePath) == 0) {
    ++opened;
    return theDescriptor;
  }
  va_list more;
  va_start(more, flags);
  const int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, int) : 0;
  va_end(more);
  return __real_open(path, flags, mode);
}

int __wrap_close(int descriptor) {
  if (descriptor != theDescriptor)
    return __real_close(descriptor);
  if (opened-- == 0)
    abort();
  return 0;
}

int __wrap_fstat(int descriptor, struct stat *info) {
  if (descriptor != theDescriptor)
    return __real_fstat(descriptor, info);
  *info = {};
  info->st_mode = S_IFREG | 0600;
  info->st_size = static_cast<off_t>(length);
  return 0;
}

ssize_t __wrap_pread(int descriptor, void *to, size_t count, off_t offset) {
  if (descriptor != theDescriptor)
    return __real_pread(descriptor, to, count, offset);
  if (offset < 0 || static_cast<size_t>(offset) >= length)
    return 0;
  const size_t got = std::min(count, length - static_cast<size_t>(offset));
  memcpy(to, content + offset, got);
  return static_cast<ssize_t>(got);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int descriptor, off_t offset) {
  if (descriptor != theDescriptor)
    return __real_mmap(at, size, protection, flags, descriptor, offset);
  // Behind the last page of a file there is nothing; no caller asks for it.
  if (offset != 0 || size != length || !(flags & MAP_PRIVATE))
    abort();
  void *memory = __real_mmap(at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory != MAP_FAILED)
    memcpy(memory, content, length);
  return memory;
}
} // extern "C"
