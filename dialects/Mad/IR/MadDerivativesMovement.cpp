//===- MadDerivativesMovement.cpp - What moves numbers moves tangents ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// These ops are linear: what is done to a value is done to its tangent. Coordinates are integers
// and do not vary.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDerivatives.h"
#include "dialects/Mad/IR/MadStateOps.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mad;

/// Checks of the tangent say what those of the value do.
static void keepSubject(Tangents &t, Value made) {
  copySubject(t.op, made.getDefiningOp());
  auto dims = t.op->getAttrOfType<DenseI64ArrayAttr>(subjectDimsAttr);
  if (!dims || t.lead() == 0)
    return;
  SmallVector<int64_t> numbers{-1};
  llvm::append_range(numbers, dims.asArrayRef());
  made.getDefiningOp()->setAttr(subjectDimsAttr, t.b.getDenseI64ArrayAttr(numbers));
}

static Value viewTangent(Tangents &t, ViewOp op) {
  Value made =
      t.view(t.type(op.getType()), t[0], t.lifted(op.getMap()), op.getScalars(), op.getBoundary());
  keepSubject(t, made);
  return made;
}

static Value gatherTangent(Tangents &t, GatherOp op) {
  Value made = GatherOp::create(t.b, t.loc, t.type(op.getType()), t[0],
                                t.coordinates(op.getIndices(), op.getType()));
  keepSubject(t, made);
  return made;
}

static Value concatTangent(Tangents &t, ConcatOp op) {
  SmallVector<Value> parts;
  for (auto [i, part] : llvm::enumerate(op.getParts()))
    parts.push_back(t.dense(t[i], part));
  return ConcatOp::create(t.b, t.loc, t.type(op.getType()), parts, op.getAxis() + t.lead());
}

static Value updateTangent(Tangents &t, UpdateOp op) {
  Value made = UpdateOp::create(t.b, t.loc, t.type(op.getType()), t.dense(t[0], op.getDest()),
                                t.dense(t[1], op.getValue()), op.getScalars(),
                                t.lifted(op.getMap()), op.getBoundary());
  keepSubject(t, made);
  return made;
}

Value mad::movementTangent(Tangents &t) {
  return llvm::TypeSwitch<Operation *, Value>(t.op)
      .Case([&](ViewOp op) { return t[0] ? viewTangent(t, op) : Value(); })
      .Case([&](GatherOp op) { return t[0] ? gatherTangent(t, op) : Value(); })
      .Case([&](ReshapeOp op) {
        return t[0] ? Value(ReshapeOp::create(t.b, t.loc, t.type(op.getType()), t[0])) : Value();
      })
      .Case([&](ConcatOp op) { return concatTangent(t, op); })
      .Case([&](UpdateOp op) { return updateTangent(t, op); })
      .Default([](Operation *) { return Value(); });
}
