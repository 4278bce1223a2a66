//===- Symbols.cpp - Addresses of the operations ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/NarrowFloats.h"
#include "runtime/simt/Ops.h"

const char *simt_symbol(size_t number, void **address) {
  static const struct {
    const char *name;
    void *address;
  } symbols[] = {
#define SIMT_OP(result, name, ...) {"mad_simt_" #name, reinterpret_cast<void *>(mad_simt_##name)},
#include "runtime/simt/Ops.def"
#undef SIMT_OP
      // Of a compiler's runtime library, which code in memory has not.
      {"__truncsfbf2", reinterpret_cast<void *>(mad_simt_bf16_of_f32)},
      {"__truncdfbf2", reinterpret_cast<void *>(mad_simt_bf16_of_f64)},
      {"__truncdfhf2", reinterpret_cast<void *>(mad_simt_f16_of_f64)},
  };
  if (number >= sizeof symbols / sizeof *symbols)
    return nullptr;
  *address = symbols[number].address;
  return symbols[number].name;
}
