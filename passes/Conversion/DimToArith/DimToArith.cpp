//===- DimToArith.cpp - Dimensions as index arithmetic ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace mad {

using SymbolValue = llvm::function_ref<Value(StringRef)>;

static Value quotient(OpBuilder &b, Location loc, const DimExpr::Atom &atom, SymbolValue symbol) {
  const auto &[numerator, divisor] = *atom.division;
  Value x = dimToArith(b, loc, numerator, symbol), y = dimToArith(b, loc, divisor, symbol);
  if (!x || !y)
    return {};
  auto bound = divisor.lowerBound();
  if (!bound || *bound < 1) {
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    Value bad = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, y, zero);
    y = arith::SelectOp::create(b, loc, bad, one, y);
  }
  return arith::FloorDivSIOp::create(b, loc, x, y);
}

/// One term without its sign; null when a name has no value.
static Value term(OpBuilder &b, Location loc, const DimExpr::Monomial &factors, int64_t coefficient,
                  SymbolValue symbol) {
  Value product;
  if (coefficient != 1 || factors.empty())
    product = arith::ConstantIndexOp::create(b, loc, coefficient);
  for (const DimExpr::Atom &atom : factors) {
    Value v = atom.division ? quotient(b, loc, atom, symbol) : symbol(atom.text);
    if (!v)
      return {};
    product = product ? arith::MulIOp::create(b, loc, v, product).getResult() : v;
  }
  return product;
}

Value dimToArith(OpBuilder &b, Location loc, const DimExpr &dim, SymbolValue symbol) {
  Value sum;
  // Positive terms first: `H - 2` becomes a subtraction.
  for (bool negative : {false, true}) {
    for (const auto &[factors, coefficient] : dim.terms()) {
      if ((coefficient < 0) != negative)
        continue;
      bool subtract = negative && sum && coefficient != INT64_MIN;
      Value v = term(b, loc, factors, subtract ? -coefficient : coefficient, symbol);
      if (!v)
        return {};
      if (!sum)
        sum = v;
      else if (subtract)
        sum = arith::SubIOp::create(b, loc, sum, v);
      else
        sum = arith::AddIOp::create(b, loc, sum, v);
    }
  }
  return sum ? sum : arith::ConstantIndexOp::create(b, loc, 0).getResult();
}

} // namespace mad
