//===- Language.cpp - Operations of an e-graph ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/EGraph/Language.h"

using namespace llvm;

namespace mad::egraph {

Symbol Language::symbol(StringRef name) {
  auto [entry, isNew] = byName.try_emplace(name, Symbol(symbols.size()));
  if (isNew)
    symbols.push_back({entry->first()});
  return entry->second;
}

OpId Language::op(Symbol symbol, uint64_t payload, uint32_t flags) {
  // A symbol is below 2^31, so no key is one of the map's own.
  auto [entry, isNew] =
      byOp.try_emplace({uint64_t(symbol) << 32 | flags, payload}, OpId(ops.size()));
  if (isNew)
    ops.push_back({symbol, flags, payload});
  return entry->second;
}

} // namespace mad::egraph
