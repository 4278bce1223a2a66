//===- ExpandMathLanes.h - Lanes that an expansion leaves to libm -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_EXPANDMATHLANES_H
#define MAD_PASSES_TRANSFORMS_EXPANDMATHLANES_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace mad {

/// `y`, but where `large` holds the function `Op` of x itself, lane by lane.
template <typename Op, typename Builder>
mlir::Value unlessLarge(Builder &m, mlir::Value x, mlir::Value large, mlir::Value y) {
  using namespace mlir;
  Value some = large;
  auto vector = dyn_cast<VectorType>(m.valueType());
  if (vector)
    some = vector::ReductionOp::create(m.b, vector::CombiningKind::OR, large);
  auto choice = scf::IfOp::create(m.b, m.valueType(), some, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(m.b);
  m.b.setInsertionPointToStart(choice.thenBlock());
  Value exact;
  if (vector) {
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < vector.getNumElements(); ++i)
      lanes.push_back(Op::create(m.b, vector::ExtractOp::create(m.b, x, i)));
    exact = vector::FromElementsOp::create(m.b, vector, lanes);
    exact = m.select(large, exact, y);
  } else {
    exact = Op::create(m.b, x);
  }
  scf::YieldOp::create(m.b, exact);
  m.b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(m.b, y);
  return choice.getResult(0);
}

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_EXPANDMATHLANES_H
