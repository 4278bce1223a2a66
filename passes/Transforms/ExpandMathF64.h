//===- ExpandMathF64.h - Functions of f64 in arithmetic ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H

#include "passes/Transforms/ExpandMathBuilder.h"

namespace mad {

/// Arithmetic on f64. Integers are never shifted with their sign nor converted: before
/// AVX-512 no instruction does that to 64 bits.
class F64Builder : public FloatBuilder<double> {
public:
  using FloatBuilder::FloatBuilder;

  Value shiftRight(Value x, int count); ///< with zeros
  Value orBits(Value x, Value y);
  /// 2^n for a whole number n in [-1022, 1023].
  Value powerOfTwo(Value n);
};

/// The value of a function of the math dialect on f64 at `x`, or null where there is
/// no expansion. `name` is that of the op without the dialect.
mlir::Value expandF64(F64Builder &m, llvm::StringRef name, mlir::Value x);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H
