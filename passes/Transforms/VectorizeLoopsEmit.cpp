//===- VectorizeLoopsEmit.cpp - Loops over vectors --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsEmit.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mad::vectorize {

Value constantIndex(ImplicitLocOpBuilder &b, int64_t value) {
  return arith::ConstantIndexOp::create(b, value);
}

Value sizeOf(ImplicitLocOpBuilder &b, const Nest &nest, unsigned dim) {
  return getValueOrCreateConstantIndexOp(b, b.getLoc(), nest.sizes[dim]);
}

Value lastStep(ImplicitLocOpBuilder &b, Value low, Value high, int64_t step) {
  if (step == 1)
    return high;
  Value size = b.createOrFold<arith::SubIOp>(high, low);
  Value rest = b.createOrFold<arith::RemUIOp>(size, constantIndex(b, step));
  return b.createOrFold<arith::SubIOp>(high, rest);
}

bool isEmpty(Value low, Value high) {
  if (low == high)
    return true;
  auto x = constantInt(low), y = constantInt(high);
  return x && y && *x >= *y;
}

SmallVector<Value> emitLoop(BodyEmitter &outer, unsigned dim, Value low, Value high, int64_t step,
                            ValueRange initial, Carrying inside) {
  if (isEmpty(low, high))
    return llvm::to_vector(initial);
  ImplicitLocOpBuilder &b = outer.builder();
  BodyEmitter inner = outer;
  auto x = constantInt(low), y = constantInt(high);
  if (x && y && *x + step >= *y) {
    inner.setDim(dim, low);
    return inside(inner, initial);
  }
  auto loop = scf::ForOp::create(b, low, high, constantIndex(b, step), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  inner.setDim(dim, loop.getInductionVar());
  SmallVector<Value> results = inside(inner, loop.getRegionIterArgs());
  // Without carried values the terminator is there already.
  if (!initial.empty())
    scf::YieldOp::create(b, results);
  return SmallVector<Value>(loop.getResults());
}

void emitLoop(BodyEmitter &outer, unsigned dim, Value low, Value high, int64_t step,
              Inside inside) {
  emitLoop(outer, dim, low, high, step, ValueRange(), [&](BodyEmitter &e, ValueRange) {
    inside(e);
    return SmallVector<Value>();
  });
}

static bool mayTrap(Operation &op) {
  return isa<arith::DivSIOp, arith::DivUIOp, arith::RemSIOp, arith::RemUIOp, arith::FloorDivSIOp,
             arith::CeilDivSIOp, arith::CeilDivUIOp>(op);
}

bool wantsMaskedTail(const BodyAnalysis &analysis, unsigned dim) {
  const Nest &nest = analysis.nest;
  // Masks of AVX2 serve elements of 32 and 64 bits, and stores under them are slow.
  if (nest.level < 3 || (nest.level == 3 && !nest.heavy && nest.parallel.all()))
    return false;
  auto narrow = [](Type type) {
    type = getElementTypeOrSelf(type);
    return type.isIntOrFloat() && type.getIntOrFloatBitWidth() < 32;
  };
  for (Type type : nest.op->getOperandTypes())
    if (narrow(type))
      return false;
  for (Operation &op : nest.op.getBody()->without_terminator()) {
    if (!analysis.isLive(&op))
      continue;
    if (mayTrap(op) || (isa<memref::LoadOp>(op) && narrow(op.getResult(0).getType())))
      return false;
  }
  return llvm::all_of(analysis.reads(dim),
                      [](Access a) { return a == Access::Invariant || a == Access::Contiguous; });
}

Value emitMask(BodyEmitter &emitter, Value low, Value high, int64_t lanes) {
  ImplicitLocOpBuilder &b = emitter.builder();
  Value count = b.createOrFold<arith::SubIOp>(high, low);
  auto type = VectorType::get({lanes}, b.getI1Type());
  return vector::CreateMaskOp::create(b, type, count);
}

} // namespace mad::vectorize
