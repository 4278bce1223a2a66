//===- ExpandMathF32.h - Functions of f32 in arithmetic ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHF32_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHF32_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad {

/// Arithmetic on f32, scalar or vector: the same operations for both, so that both
/// give the same bits. None carries fast-math flags.
class F32Builder {
public:
  using Value = mlir::Value;
  /// `level`: of x86-64. From 3 on multiply-add with one rounding is an instruction.
  F32Builder(mlir::ImplicitLocOpBuilder &b, mlir::Type type, int level);

  Value number(float value);
  Value bits(int32_t value);
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y);
  /// x * y + z.
  Value fma(Value x, Value y, Value z);
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, llvm::ArrayRef<float> c);
  Value select(Value condition, Value x, Value y);
  Value less(Value x, Value y);     ///< false with NaN
  Value notBelow(Value x, Value y); ///< x >= y, false with NaN
  Value equal(Value x, Value y);
  Value isNan(Value x);
  /// y with NaN.
  Value min(Value x, Value y);
  Value max(Value x, Value y);
  Value abs(Value x);
  /// `x`, which is not negative, with the sign of `sign`.
  Value withSign(Value x, Value sign);

  Value asBits(Value x);
  Value asNumber(Value x);
  Value addBits(Value x, Value y);
  Value subBits(Value x, Value y);
  Value shiftLeft(Value x, int count);
  Value shiftRight(Value x, int count);
  Value andBits(Value x, Value y);
  Value xorBits(Value x, Value y);
  Value lessBits(Value x, Value y); ///< signed
  Value fromInt(Value x);
  /// 2^n for n in [-126, 127].
  Value powerOfTwo(Value n);

  bool isFused() const { return x86Level >= 3; }
  int level() const { return x86Level; }
  mlir::Type valueType() const { return type; }

  mlir::ImplicitLocOpBuilder &b;

private:
  Value constant(mlir::TypedAttr scalar);
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y);

  mlir::Type type, intType;
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
