//===- WeightsInMemory.cpp - Where weights lie beside each other -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Target/Object.h"
#include "runtime/core/pages.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"
#include <cstring>
#include <numeric>

using namespace mad;

std::vector<size_t> mad::orderInMemory(const std::vector<WeightBytes> &weights) {
  llvm::StringMap<size_t> kinds;
  std::vector<size_t> kindOf, order(weights.size());
  for (const WeightBytes &weight : weights) {
    // `w.codes`; what is no part is of a kind of its own.
    llvm::StringRef kind = weight.part ? llvm::StringRef(weight.name).rsplit('.').second : "";
    kindOf.push_back(kinds.try_emplace(kind, kinds.size()).first->second);
  }
  std::iota(order.begin(), order.end(), 0);
  llvm::stable_sort(order, [&](size_t x, size_t y) { return kindOf[x] < kindOf[y]; });
  return order;
}

void mad::gatherWeights(std::vector<WeightBytes> &weights) {
  // From here on memory of their own is on large pages as it is, and a stream is long enough.
  constexpr uint64_t large = uint64_t(4) << 20, line = 64;
  uint64_t bytes = 0;
  std::vector<size_t> small;
  for (size_t number : orderInMemory(weights))
    if (weights[number].bytes > 0 && weights[number].bytes < large) {
      small.push_back(number);
      bytes += llvm::alignTo(weights[number].bytes, line);
    }
  char *block = small.empty() ? nullptr : static_cast<char *>(mad_pages_take(bytes));
  if (!block)
    return;
  std::shared_ptr<const void> owner(block,
                                    [block, bytes](const void *) { mad_pages_give(block, bytes); });
  for (size_t number : small) {
    WeightBytes &weight = weights[number];
    memcpy(block, weight.data.get(), weight.bytes);
    weight.data = std::shared_ptr<const void>(owner, block);
    block += llvm::alignTo(weight.bytes, line);
  }
}
