//===- TileSizes.cpp - Tile parameters of dense products --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/TileSizes.h"

namespace mad::kernels {

TileSizes tileSizes(mlir::Type sum, int level) {
  TileSizes sizes;
  int64_t bytes = sum.getIntOrFloatBitWidth() / 8;
  sizes.NR = 64 / bytes;
  sizes.KC = 4096 / bytes;
  sizes.lanes = (level >= 4 ? 64 : level >= 3 ? 32 : 16) / bytes;
  // 6 x 2 sums: enough to hide the latency of the multiplier, and with two vectors of
  // a panel and one broadcast they fit 16 registers.
  sizes.panels = level >= 4 ? 2 : 1;
  return sizes;
}

} // namespace mad::kernels
