//===- ExpandMathF32.h - Functions of f32 in arithmetic ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHF32_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHF32_H

#include "passes/Transforms/ExpandMathBuilder.h"

namespace mad {

/// Arithmetic on f32.
class F32Builder : public FloatBuilder<float> {
public:
  /// `level`: of x86-64. From 3 on multiply-add with one rounding is an instruction.
  F32Builder(mlir::ImplicitLocOpBuilder &b, mlir::Type type, int level)
      : FloatBuilder(b, type, level >= 3), x86Level(level) {}

  Value shiftRight(Value x, int count); ///< with the sign
  Value lessBits(Value x, Value y);     ///< signed
  Value fromInt(Value x);
  /// 2^n for n in [-126, 127].
  Value powerOfTwo(Value n);

  int level() const { return x86Level; }

private:
  int x86Level;
};

/// The value of a function of the math dialect on f32 at `x`, or null where there is
/// no expansion. `name` is that of the op without the dialect.
mlir::Value expandF32(F32Builder &m, llvm::StringRef name, mlir::Value x);

/// The same of an op of fast code, where that is less work.
mlir::Value expandFastF32(F32Builder &m, mlir::Operation *op);

/// Maxima and minima of fast code, on any floats, as comparisons.
void relaxMaxima(mlir::ModuleOp module);

/// The angle of the point (x, y).
mlir::Value expandAtan2F32(F32Builder &m, mlir::Value y, mlir::Value x);

/// x^y.
mlir::Value expandPowerF32(F32Builder &m, mlir::Value x, mlir::Value y);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHF32_H
