//===- ReciprocalRoots.h - Reciprocals of square roots -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_RECIPROCALROOTS_H
#define MAD_PASSES_ODE_RECIPROCALROOTS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mad {

/// `a / sqrt(x)` and `a / (x * sqrt(x))` of f64, by an instruction and a series for 1 / sqrt(x),
/// which is within 1 unit in the last place, its cube within 5: a root and a division take several
/// times as long. Zeros, infinities and numbers below 0 give what the division gives; where x
/// sqrt(x) overflows or underflows, the cube may not. Null where that is not to be: in strict code,
/// for other vectors than whole registers of AVX-512.
mlir::Value expandDivisionByRoot(mlir::ImplicitLocOpBuilder &b, mlir::arith::DivFOp op, int level);

} // namespace mad

#endif // MAD_PASSES_ODE_RECIPROCALROOTS_H
