//===- DimToArith.cpp - Dimensions as index arithmetic ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/DimToArith/DimToArith.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "runtime/mad.h"
#include <cmath>

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

//===----------------------------------------------------------------------===//
// What may go wrong
//===----------------------------------------------------------------------===//

bool dimMayFail(const DimExpr &dim) {
  double factors = 0;
  for (const auto &[atoms, coefficient] : dim.terms()) {
    if (atoms.size() > 1 || (atoms.size() == 1 && atoms.front().division))
      return true;
    factors += std::abs(double(coefficient));
  }
  return factors > 0x1p62 / double(MAD_MAX_EXTENT) && !dim.constant();
}

std::string dimFailure(const DimExpr &dim) {
  return "dimension `" + dim.str() + "` overflows or divides by zero";
}

namespace {

/// Follows `DimExpr::evaluate` step by step.
class CheckedDim {
public:
  CheckedDim(OpBuilder &b, Location loc, SymbolValue symbol) : b(b), loc(loc), symbol(symbol) {}

  /// An i64; null when a name has no value.
  Value evaluate(const DimExpr &dim);
  Value failed() { return fails ? fails : arith::ConstantIntOp::create(b, loc, 0, 1).getResult(); }

private:
  using P = arith::CmpIPredicate;
  Value word(int64_t value) { return arith::ConstantIntOp::create(b, loc, value, 64); }
  Value compare(P p, Value x, Value y) { return arith::CmpIOp::create(b, loc, p, x, y); }
  void fail(Value bad) {
    fails = fails ? arith::OrIOp::create(b, loc, fails, bad).getResult() : bad;
  }
  Value atom(const DimExpr::Atom &atom);
  Value quotient(Value x, Value y);
  Value product(Value x, Value y);
  Value sum(Value x, Value y);

  OpBuilder &b;
  Location loc;
  SymbolValue symbol;
  Value fails;
};

Value CheckedDim::quotient(Value x, Value y) {
  Value lowest = compare(P::eq, x, word(INT64_MIN)), minus = compare(P::eq, y, word(-1));
  Value bad = arith::OrIOp::create(b, loc, compare(P::eq, y, word(0)),
                                   arith::AndIOp::create(b, loc, lowest, minus));
  fail(bad);
  return arith::FloorDivSIOp::create(b, loc, x, arith::SelectOp::create(b, loc, bad, word(1), y));
}

Value CheckedDim::product(Value x, Value y) {
  auto full = arith::MulSIExtendedOp::create(b, loc, x, y);
  Value sign = arith::ShRSIOp::create(b, loc, full.getLow(), word(63));
  fail(compare(P::ne, full.getHigh(), sign));
  return full.getLow();
}

Value CheckedDim::sum(Value x, Value y) {
  Value total = arith::AddIOp::create(b, loc, x, y);
  // Both have the sign that the sum has not.
  Value turned = arith::AndIOp::create(b, loc, arith::XOrIOp::create(b, loc, x, total),
                                       arith::XOrIOp::create(b, loc, y, total));
  fail(compare(P::slt, turned, word(0)));
  return total;
}

Value CheckedDim::atom(const DimExpr::Atom &atom) {
  if (!atom.division) {
    Value value = symbol(atom.text);
    return value ? arith::IndexCastOp::create(b, loc, b.getI64Type(), value).getResult() : value;
  }
  Value x = evaluate(atom.division->first), y = evaluate(atom.division->second);
  return x && y ? quotient(x, y) : Value();
}

Value CheckedDim::evaluate(const DimExpr &dim) {
  Value total;
  for (const auto &[atoms, coefficient] : dim.terms()) {
    Value part = coefficient == 1 && !atoms.empty() ? Value() : word(coefficient);
    for (const DimExpr::Atom &a : atoms) {
      Value factor = atom(a);
      if (!factor)
        return {};
      part = part ? product(part, factor) : factor;
    }
    total = total ? sum(total, part) : part;
  }
  return total ? total : word(0);
}

} // namespace

Value dimFails(OpBuilder &b, Location loc, const DimExpr &dim, SymbolValue symbol) {
  CheckedDim checked(b, loc, symbol);
  return checked.evaluate(dim) ? checked.failed() : Value();
}

} // namespace mad
