//===- MadPrecision.h - What an op may do to roundings ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attribute `mad.fp` of an op on floats, "strict" or "fast"; without it the
// default holds. It stays with the op when functions are inlined and kernels
// fused. On an entry it says how its own code was declared, for people.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_DIALECTS_MAD_IR_MADPRECISION_H
#define MAD_DIALECTS_MAD_IR_MADPRECISION_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Operation.h"

namespace mad {

enum class Precision : uint8_t {
  Default, ///< sums in any order, a product fused with its sum, functions within a few ulp
  Strict,  ///< the bits of the reference evaluation
  Fast,    ///< as well: no NaN, no infinity, any sign of zero, x / y as x * (1 / y)
};

inline constexpr llvm::StringLiteral precisionAttr = "mad.fp";

inline Precision precisionOf(mlir::Operation *op) {
  auto mode = op->getAttrOfType<mlir::StringAttr>(precisionAttr);
  return !mode                         ? Precision::Default
         : mode.getValue() == "strict" ? Precision::Strict
                                       : Precision::Fast;
}

inline void setPrecision(mlir::Operation *op, Precision precision) {
  if (op && precision != Precision::Default)
    op->setAttr(precisionAttr,
                mlir::StringAttr::get(op->getContext(),
                                      precision == Precision::Strict ? "strict" : "fast"));
}

} // namespace mad

#endif // MAD_DIALECTS_MAD_IR_MADPRECISION_H
