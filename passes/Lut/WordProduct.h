//===- WordProduct.h - Products with words of a dictionary ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_LUT_WORDPRODUCT_H
#define MAD_PASSES_LUT_WORDPRODUCT_H

#include "passes/Kernels/KernelLibrary.h"

namespace mad {

/// Rows X [T, K] times a weight [K, M] `as lut.dictionary` with one group, to Y [T, M], all as
/// kernels take them.
struct WordProduct {
  mlir::ImplicitLocOpBuilder &b;
  kernels::KernelLibrary &library;
  const kernels::LutKernel &kernel;
  mlir::Value X, words, starts, entries, terms, scales, Y, T;
  int64_t steps, columns; ///< K and M
  /// X has integers from -127 to 127, and there may be instructions for products of bytes.
  bool bytes = false;

  /// i1: whether all of X is finite. Else 0 of the weight makes NaN of some, and words leave it
  /// out.
  mlir::Value isFinite();
  /// Walks over the words, in pieces of columns.
  void emit(int64_t grain);

private:
  void walk(int64_t grain, mlir::func::FuncOp function, mlir::ValueRange parts, int64_t time,
            mlir::Value x, mlir::Value row, mlir::Value count);
  void walkBytes(int64_t grain, mlir::Value row);
};

/// Whether products walk over words: one scale for all of a column.
bool walksWords(const lut::Format &format, int64_t K);
/// Whether sums of so many activations of 8 bits are exact in f32, in any order.
bool isExactSum(int64_t K);

} // namespace mad

#endif // MAD_PASSES_LUT_WORDPRODUCT_H
