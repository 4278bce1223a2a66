//===- Transpose.cpp - Square blocks of vectors ------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Exchanges blocks of ever smaller size across the diagonal.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Transpose.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

void mad::kernels::transpose(ImplicitLocOpBuilder &b, MutableArrayRef<Value> rows) {
  int64_t size = rows.size();
  for (int64_t block = size / 2; block >= 1; block /= 2)
    for (int64_t i = 0; i < size; ++i) {
      if (i & block)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < size; ++lane) {
        bool second = lane & block;
        low.push_back(second ? size + lane - block : lane);
        high.push_back(second ? size + lane : lane + block);
      }
      Value x = rows[i], y = rows[i + block];
      rows[i] = vector::ShuffleOp::create(b, x, y, low);
      rows[i + block] = vector::ShuffleOp::create(b, x, y, high);
    }
}
