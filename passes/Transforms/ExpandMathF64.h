//===- ExpandMathF64.h - Functions of f64 in arithmetic ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad {

/// Arithmetic on f64 as that of F32Builder on f32. Integers are never shifted with their
/// sign nor converted: before AVX-512 no instruction does that to 64 bits.
class F64Builder {
public:
  using Value = mlir::Value;
  /// `fused`: multiply-add with one rounding is an instruction.
  F64Builder(mlir::ImplicitLocOpBuilder &b, mlir::Type type, bool fused);

  Value number(double value);
  Value bits(int64_t value);
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y);
  /// x * y + z.
  Value fma(Value x, Value y, Value z);
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, llvm::ArrayRef<double> c);
  Value select(Value condition, Value x, Value y);
  Value less(Value x, Value y); ///< false with NaN
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
  Value shiftRight(Value x, int count); ///< with zeros
  Value andBits(Value x, Value y);
  Value orBits(Value x, Value y);
  Value xorBits(Value x, Value y);
  /// 2^n for a whole number n in [-1022, 1023].
  Value powerOfTwo(Value n);

  bool isFused() const { return fused; }
  mlir::Type valueType() const { return type; }

  mlir::ImplicitLocOpBuilder &b;

private:
  Value constant(mlir::TypedAttr scalar);
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y);

  mlir::Type type, intType;
  bool fused;
};

/// The value of a function of the math dialect on f64 at `x`, or null where there is
/// no expansion. `name` is that of the op without the dialect.
mlir::Value expandF64(F64Builder &m, llvm::StringRef name, mlir::Value x);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHF64_H
