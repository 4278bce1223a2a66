//===- MadDerivativesData.cpp - Derivatives of sort and scatter ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadDerivatives.h"

using namespace mlir;
using namespace mad;

/// Tangents go where their elements go. Positions do not vary.
static Value sortTangent(Tangents &t, SortOp op) {
  auto index = cast<RankedTensorType>(op.getPositions().getType());
  SmallVector<Value> indices;
  for (int64_t d = 0; d < index.getRank(); ++d)
    indices.push_back(d == int64_t(op.getAxis()) ? op.getPositions()
                                                 : Value(IotaOp::create(t.b, t.loc, index, d)));
  return GatherOp::create(t.b, t.loc, t.type(op.getValues().getType()), t[0],
                          t.coordinates(indices, index));
}

static Value scattered(Tangents &t, ScatterKind kind, Value base, ValueRange indices,
                       Value updates) {
  return ScatterOp::create(t.b, t.loc, base.getType(), kind, base, indices, updates);
}

/// The mean of the tangents of all numbers that are the largest (or smallest) of their element.
static Value extremeTangent(Tangents &t, ScatterOp op) {
  Value base = op.getBase(), updates = op.getUpdates();
  Value taken = GatherOp::create(t.b, t.loc, updates.getType(), op.getResult(), op.getIndices());
  Value keeps = t.compare(Predicate::eq, base, op.getResult());
  Value wins = t.compare(Predicate::eq, updates, taken);
  Value count = scattered(t, ScatterKind::add, CastOp::create(t.b, t.loc, base.getType(), keeps),
                          op.getIndices(), CastOp::create(t.b, t.loc, updates.getType(), wins));
  Value sum = scattered(t, ScatterKind::add, t.chosen(keeps, t.dense(t[0], base), {}),
                        t.coordinates(op.getIndices(), tensorTypeOf(updates)),
                        t.chosen(wins, t.dense(t[op->getNumOperands() - 1], updates), {}));
  return t.make<DivOp>(sum, t.spread(count));
}

static Value scatterTangent(Tangents &t, ScatterOp op) {
  if (op.getKind() == ScatterKind::max || op.getKind() == ScatterKind::min)
    return extremeTangent(t, op);
  Value updates = t[op->getNumOperands() - 1];
  if (op.getKind() == ScatterKind::add && !updates)
    return t[0];
  return scattered(t, op.getKind(), t.dense(t[0], op.getBase()),
                   t.coordinates(op.getIndices(), tensorTypeOf(op.getUpdates())),
                   t.dense(updates, op.getUpdates()));
}

Value mad::dataTangent(Tangents &t) {
  if (auto sort = dyn_cast<SortOp>(t.op))
    return t[0] ? sortTangent(t, sort) : Value();
  return scatterTangent(t, cast<ScatterOp>(t.op));
}
