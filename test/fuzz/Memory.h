//===- Memory.h - A file that is only in memory ---------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_TEST_FUZZ_MEMORY_H
#define MAD_TEST_FUZZ_MEMORY_H

#include <cstddef>

/// The path of a file that holds these bytes until the next call. The linker sends `open`
/// and its like here (--wrap), which answer for this path without the kernel: system calls
/// would take more time than all that is tested. The bytes must stay.
const char *memoryFile(const void *bytes, size_t size);

#endif // MAD_TEST_FUZZ_MEMORY_H
