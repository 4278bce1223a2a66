//===- FakeDriver.cpp - A CUDA driver without a device ------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Has all functions under their exported names. Each returns `fake_result`, but those that
// describe errors. All arguments are numbers or pointers, so one type of function does for all.
//
//===----------------------------------------------------------------------===//
#include "runtime/cuda/driver.h"
#include <cstdio>
#include <string_view>

extern "C" {
int fake_result = 0;
int fake_shared_bytes = 0;
}

static int describe(int result, const char **text, const char *memory, const char *device) {
  *text = result == 2 ? memory : result == 100 ? device : nullptr;
  return *text ? 0 : 1;
}

static int act(std::string_view symbol, const uintptr_t *arguments) {
  const int first = static_cast<int>(arguments[0]);
  auto **text = reinterpret_cast<const char **>(arguments[1]);
  if (symbol == "cuGetErrorName")
    return describe(first, text, "CUDA_ERROR_OUT_OF_MEMORY", "CUDA_ERROR_NO_DEVICE");
  if (symbol == "cuGetErrorString")
    return describe(first, text, "out of memory", "no CUDA-capable device is detected");
  if (symbol == "cuDriverGetVersion") {
    *reinterpret_cast<int *>(arguments[0]) = 13000;
    return 0;
  }
  if (symbol == "cuFuncSetAttribute" && arguments[1] == MAD_CU_FUNCTION_MOST_DYNAMIC_SHARED_BYTES)
    fake_shared_bytes = static_cast<int>(arguments[2]);
  if (symbol == "cuModuleLoadDataEx" && fake_result) {
    auto **values = reinterpret_cast<void **>(arguments[4]);
    snprintf(static_cast<char *>(values[0]), reinterpret_cast<size_t>(values[1]),
             "line 7: unknown instruction");
  }
  return fake_result;
}

#define DEFINE(name, symbol, arguments)                                                            \
  extern "C" int fake_##name(uintptr_t, uintptr_t, uintptr_t, uintptr_t,                           \
                             uintptr_t) __asm__(symbol);                                           \
  int fake_##name(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e) {               \
    const uintptr_t all[] = {a, b, c, d, e};                                                       \
    return act(symbol, all);                                                                       \
  }
MAD_CU_FUNCTIONS(DEFINE)
