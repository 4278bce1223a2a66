//===- Precompute.h - Rows as kernels on bytes read them ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_PRECOMPUTE_H
#define MAD_PASSES_LUT_PRECOMPUTE_H

#include "dialects/Lut/IR/LutOps.h"
#include "passes/Kernels/KernelLibrary.h"

namespace mad {

/// Whether few rows look up what codes add: there must be an instruction for it. Code of other
/// levels arranges all rows, in the same memory.
bool looksUp(const kernels::LutKernel &kernel, int level);

/// Replaces the op, on memory, by calls of kernels, in pieces of `grain` picoseconds.
void precompute(lut::PrecomputeIntoOp op, kernels::KernelLibrary &library, int level,
                int64_t grain);

} // namespace mad

#endif // MAD_PASSES_LUT_PRECOMPUTE_H
