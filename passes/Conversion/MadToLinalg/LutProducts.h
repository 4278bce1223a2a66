//===- LutProducts.h - Products with weights of few bits ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_LUTPRODUCTS_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_LUTPRODUCTS_H

#include "passes/Conversion/MadToLinalg/Lowering.h"

namespace mad {
void populateLutPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_LUTPRODUCTS_H
