//===- ExpandMathBuilder.h - Arithmetic on scalars and vectors of floats ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHBUILDER_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHBUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <cstdint>
#include <type_traits>

namespace mad {

/// Arithmetic on floats of a type, scalar or vector: the same operations for both, so
/// that both give the same bits. None carries fast-math flags.
template <typename Number> class FloatBuilder {
public:
  using Value = mlir::Value;
  using Bits = std::conditional_t<sizeof(Number) == 8, int64_t, int32_t>;
  /// `fused`: multiply-add with one rounding is an instruction.
  FloatBuilder(mlir::ImplicitLocOpBuilder &b, mlir::Type type, bool fused);

  Value number(Number value);
  Value bits(Bits value);
  Value add(Value x, Value y);
  Value sub(Value x, Value y);
  Value mul(Value x, Value y);
  Value div(Value x, Value y);
  /// x * y + z.
  Value fma(Value x, Value y, Value z);
  /// c[0] + c[1] x + c[2] x^2 + ...
  Value polynomial(Value x, llvm::ArrayRef<Number> c);
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
  Value andBits(Value x, Value y);
  Value xorBits(Value x, Value y);
  Value isOdd(Value bits);
  /// `x`, with the other sign where bit 1 of `bits` is set.
  Value negatedByBit1(Value x, Value bits);

  bool isFused() const { return fused; }
  mlir::Type valueType() const { return type; }

  mlir::ImplicitLocOpBuilder &b;

private:
  Value constant(mlir::TypedAttr scalar);
  Value compare(mlir::arith::CmpFPredicate predicate, Value x, Value y);
  static constexpr int width = 8 * sizeof(Number);

  mlir::Type type, intType;
  bool fused;
};

extern template class FloatBuilder<float>;
extern template class FloatBuilder<double>;

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHBUILDER_H
