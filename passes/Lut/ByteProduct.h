//===- ByteProduct.h - Products of activations and weights of few bits ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_BYTEPRODUCT_H
#define MAD_PASSES_LUT_BYTEPRODUCT_H

#include "dialects/Lut/IR/LutOps.h"
#include "passes/Kernels/KernelLibrary.h"

namespace mad {

struct ByteOptions {
  int level = 3;     ///< of x86-64
  int64_t grain = 0; ///< picoseconds of a piece
  bool vnni = true;  ///< used where the CPU has it; VBMI, too
};

/// Replaces the op, on memory, by calls of kernels on bytes; a remark says which.
void multiplyBytes(lut::GemmIntoOp op, kernels::KernelLibrary &library, ByteOptions options);

} // namespace mad

#endif // MAD_PASSES_LUT_BYTEPRODUCT_H
