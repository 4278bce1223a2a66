//===- Symbols.cpp - Addresses of the operations ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "runtime/simt/Ops.h"

const char *simt_symbol(size_t number, void **address) {
  static const struct {
    const char *name;
    void *address;
  } symbols[] = {
#define SIMT_OP(result, name, ...) {"mad_simt_" #name, reinterpret_cast<void *>(mad_simt_##name)},
#include "runtime/simt/Ops.def"
#undef SIMT_OP
  };
  if (number >= sizeof symbols / sizeof *symbols)
    return nullptr;
  *address = symbols[number].address;
  return symbols[number].name;
}
