//===- TensorMatrix.cpp - Matrices of implicit methods on tensors ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/TensorMatrix.h"

using namespace mlir;

namespace mad {

TensorMatrix::TensorMatrix(ode::SolveOp op, RightHandSide &rhs, SolveAlgebra &m)
    : op(op), rhs(rhs), m(m), derivatives(op->getParentOfType<ModuleOp>()), size(0) {
  for (auto [s, state] : llvm::enumerate(op.getInitial())) {
    by.push_back(unsigned(1 + s));
    DimExpr elements(1);
    RankedTensorType type = Algebra::typeOf(state);
    for (int64_t d = 0; d < type.getRank(); ++d)
      elements = elements * dimExpr(type, d);
    sizes.push_back(elements);
    size = size + elements;
  }
}

Value TensorMatrix::number(const DimExpr &value) {
  if (auto known = value.constant())
    return m.integer(*known);
  return DimOp::create(m.b, m.loc, RankedTensorType::get({}, m.b.getI64Type()), value.str());
}

LogicalResult TensorMatrix::build(OpBuilder &b, ArrayRef<Value> arguments, bool withTime,
                                  Linearised &result) {
  if (failed(jacobian(b, arguments, result)))
    return failure();
  if (!withTime)
    return success();
  Leaves seeds(arguments.size());
  seeds[0] = m.number(Algebra::typeOf(arguments[0]).getElementType(), 1);
  auto found = derivatives.inlined(b, rhs.block(), arguments, seeds);
  if (failed(found))
    return failure();
  if (llvm::any_of(found->tangents, [](Value v) { return bool(v); }))
    result.timeRates = Leaves(found->tangents);
  return success();
}

Leaves TensorMatrix::argumentsIn(Block &aside) {
  Leaves arguments;
  for (BlockArgument argument : rhs.block().getArguments())
    arguments.push_back(aside.addArgument(argument.getType(), argument.getLoc()));
  return arguments;
}

NewtonMatrix::Linearised TensorMatrix::linearise(Value time, const Leaves &states, bool withTime) {
  Linearised result;
  // It does not fail: the same was built on the side.
  (void)build(m.b, rhs.arguments(m.b, time, states), withTime, result);
  return result;
}

Value TensorMatrix::joined(const Leaves &leaves) {
  Leaves lines;
  for (auto [own, leaf] : llvm::zip_equal(sizes, leaves)) {
    RankedTensorType flat = tensorType({own}, {}, m.element);
    lines.push_back(leaf.getType() == flat ? leaf
                                           : Value(ReshapeOp::create(m.b, m.loc, flat, leaf)));
  }
  return lines.size() == 1
             ? lines[0]
             : Value(ConcatOp::create(m.b, m.loc, tensorType({size}, {}, m.element), lines, 0));
}

Leaves TensorMatrix::parted(Value line, const Leaves &like) {
  Leaves results;
  DimExpr offset(0);
  for (auto [own, leaf] : llvm::zip_equal(sizes, like)) {
    RankedTensorType flat = tensorType({own}, {}, m.element);
    Value part = line;
    if (like.size() > 1) {
      auto known = offset.constant();
      SmallVector<Value> begin;
      AffineExpr place = m.b.getAffineDimExpr(0);
      if (!known)
        begin.push_back(number(offset));
      place = known ? place + *known : place + m.b.getAffineSymbolExpr(0);
      part = ViewOp::create(m.b, m.loc, flat, line, begin,
                            AffineMap::get(1, unsigned(begin.size()), place),
                            known ? Boundary::inside : Boundary::clamp);
    }
    offset = offset + own;
    results.push_back(part.getType() == leaf.getType()
                          ? part
                          : Value(ReshapeOp::create(m.b, m.loc, leaf.getType(), part)));
  }
  return results;
}

} // namespace mad
