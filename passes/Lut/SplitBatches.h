//===- SplitBatches.h - Products with several matrices ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels read the codes of one matrix. A product with a weight [E, K, M] becomes a `mad.scan`
// over E.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_SPLITBATCHES_H
#define MAD_PASSES_LUT_SPLITBATCHES_H

#include "dialects/Lut/IR/LutOps.h"

namespace mad {

/// `op` is x[e, t..., k] w[e, k, m] or x[t..., k] w[e, k, m], summed over k, with `weight` as a
/// factor. Returns the product of one matrix, in the scan that takes its place; its factor is a
/// `lut.dequant` again. What nobody reads any more is erased.
ContractOp splitBatch(ContractOp op, lut::DequantOp weight);
/// The same of bytes, where rows have a matrix each.
lut::GemmOp splitBatch(lut::GemmOp op);

} // namespace mad

#endif // MAD_PASSES_LUT_SPLITBATCHES_H
