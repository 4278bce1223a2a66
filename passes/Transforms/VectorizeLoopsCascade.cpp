//===- VectorizeLoopsCascade.cpp - Long sums as sums of sums ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/VectorizeLoopsCascade.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "passes/Kernels/KernelLibrary.h"

using namespace mlir;

namespace mad::vectorize {

bool isFloatSum(const Combiner &combiner) { return isa<arith::AddFOp, math::FmaOp>(combiner.op); }

Value noSum(ImplicitLocOpBuilder &b, Type type) {
  auto element = cast<FloatType>(getElementTypeOrSelf(type));
  TypedAttr zero = b.getFloatAttr(
      element, llvm::APFloat::getZero(element.getFloatSemantics(), /*Negative=*/true));
  if (auto vector = dyn_cast<VectorType>(type))
    zero = DenseElementsAttr::get(vector, ArrayRef<Attribute>(zero));
  return arith::ConstantOp::create(b, zero);
}

namespace {

class CascadeEmitter {
public:
  CascadeEmitter(BodyEmitter &outer, const CascadeLoop &loop, Carrying inside)
      : b(outer.builder()), outer(outer), loop(loop), inside(inside) {}
  SmallVector<Value> emit(ValueRange initial);

private:
  int64_t levels() const;
  SmallVector<Value> plain(Value low, Value high, ValueRange initial) {
    return emitLoop(outer, loop.dim, low, high, loop.step, initial, inside);
  }
  SmallVector<Value> blocks(int64_t level, Value low, Value high, ValueRange initial);

  ImplicitLocOpBuilder &b;
  BodyEmitter &outer;
  const CascadeLoop &loop;
  Carrying inside;
  Value block; ///< what the innermost loop runs through
};

/// Loops around the innermost one.
int64_t CascadeEmitter::levels() const {
  auto low = constantInt(loop.low), high = constantInt(loop.high), size = constantInt(block);
  if (!low || !high)
    return loop.isOutermost || loop.isInnermost ? 2 : 0;
  int64_t length = *high - *low;
  // An iteration of unknown length is a block.
  int64_t known = size.value_or(loop.step);
  return length <= known ? 0 : length <= known * blockSteps ? 1 : 2;
}

SmallVector<Value> CascadeEmitter::blocks(int64_t level, Value low, Value high,
                                          ValueRange initial) {
  if (level == 0)
    return plain(low, high, initial);
  Value step = block;
  for (int64_t l = 1; l < level; ++l)
    step = b.createOrFold<arith::MulIOp>(step, constantIndex(b, blockSteps));
  auto around = scf::ForOp::create(b, low, high, step, initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(around.getBody());
  Value first = around.getInductionVar();
  // Else LLVM has pointers for each of the loops, more than there are registers.
  if (level == 1)
    first = kernels::inRegister(b, first);
  Value last = arith::MinSIOp::create(b, arith::AddIOp::create(b, first, step), high);
  SmallVector<Value> totals = llvm::to_vector(ValueRange(around.getRegionIterArgs()));
  SmallVector<Value> fresh = totals;
  for (unsigned i : loop.sums.set_bits())
    fresh[i] = noSum(b, totals[i].getType());
  SmallVector<Value> results = blocks(level - 1, first, last, fresh);
  for (unsigned i : loop.sums.set_bits())
    results[i] = arith::AddFOp::create(b, totals[i], results[i]);
  scf::YieldOp::create(b, results);
  return llvm::to_vector(ValueRange(around.getResults()));
}

SmallVector<Value> CascadeEmitter::emit(ValueRange initial) {
  if (loop.sums.none() || isEmpty(loop.low, loop.high))
    return plain(loop.low, loop.high, initial);
  Value one = constantIndex(b, 1);
  Value steps = b.createOrFold<arith::MaxUIOp>(loop.inside, one);
  block = b.createOrFold<arith::DivUIOp>(constantIndex(b, blockSteps), steps);
  block = b.createOrFold<arith::MaxUIOp>(block, one);
  block = b.createOrFold<arith::MulIOp>(block, constantIndex(b, loop.step));
  int64_t level = levels();
  bool isKnown = constantInt(loop.low) && constantInt(loop.high);
  if (level == 0 || isKnown || !loop.isInnermost)
    return blocks(level, loop.low, loop.high, initial);
  // Short loops take the time that they took.
  Value length = b.createOrFold<arith::SubIOp>(loop.high, loop.low);
  Value isLong = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, length, block);
  Value no = arith::ConstantIntOp::create(b, 0, 1);
  isLong = LLVM::ExpectOp::create(b, isLong, no);
  auto choice = scf::IfOp::create(b, initial.getTypes(), isLong, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(choice.thenBlock());
  scf::YieldOp::create(b, blocks(level, loop.low, loop.high, initial));
  b.setInsertionPointToStart(choice.elseBlock());
  scf::YieldOp::create(b, plain(loop.low, loop.high, initial));
  return llvm::to_vector(ValueRange(choice.getResults()));
}

} // namespace

SmallVector<Value> emitCascade(BodyEmitter &outer, const CascadeLoop &loop, ValueRange initial,
                               Carrying inside) {
  return CascadeEmitter(outer, loop, inside).emit(initial);
}

} // namespace mad::vectorize
