//===- DeviceElementwise.cpp - A thread for each element of a result ---------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Takes every op. A reduction is a loop of the thread, in the order of the indices; where the order
// is free, long sums are cut into blocks as everywhere (docs/architecture.md, "Long sums").
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {
namespace {

constexpr int64_t blockThreads = 256;
/// Steps of a block of a long sum.
constexpr int64_t blockSteps = 512;

/// What one thread does.
class ElementThread {
public:
  ElementThread(DeviceKernel &kernel, DeviceWork &work, SmallVector<Value> at,
                ArrayRef<Value> extents)
      : kernel(kernel), work(work), op(work.op), b(kernel.builder()), at(std::move(at)),
        extents(extents) {}
  void emit();

private:
  AffineMap mapOf(OpOperand &operand) { return op.getMatchingIndexingMap(&operand); }
  Value constant(int64_t value) { return arith::ConstantIndexOp::create(b, value); }
  SmallVector<Value> step(ArrayRef<Value> before);
  using Step = llvm::function_ref<SmallVector<Value>(ArrayRef<Value>)>;
  SmallVector<Value> loop(Value from, Value to, Value by, ArrayRef<Value> start,
                          llvm::function_ref<SmallVector<Value>(Value, ArrayRef<Value>)> body);
  SmallVector<Value> loops(ArrayRef<unsigned> dims, ArrayRef<Value> start);
  SmallVector<Value> inBlocks(unsigned dim, ArrayRef<Value> start);

  DeviceKernel &kernel;
  DeviceWork &work;
  GenericOp op;
  ImplicitLocOpBuilder &b;
  SmallVector<Value> at;
  ArrayRef<Value> extents;
  std::optional<SmallVector<Combiner>> combiners; ///< where sums are cut
};

SmallVector<Value> ElementThread::step(ArrayRef<Value> before) {
  SmallVector<Value> arguments;
  for (OpOperand *input : op.getDpsInputOperands())
    arguments.push_back(loadElement(b, kernel.get(input->get()), mapOf(*input), at));
  llvm::append_range(arguments, before);
  return emitBody(kernel, op, arguments, at);
}

SmallVector<Value>
ElementThread::loop(Value from, Value to, Value by, ArrayRef<Value> start,
                    llvm::function_ref<SmallVector<Value>(Value, ArrayRef<Value>)> body) {
  auto made = scf::ForOp::create(b, from, to, by, start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(made.getBody());
  SmallVector<Value> carried(made.getRegionIterArgs().begin(), made.getRegionIterArgs().end());
  scf::YieldOp::create(b, body(made.getInductionVar(), carried));
  return SmallVector<Value>(made.getResults().begin(), made.getResults().end());
}

SmallVector<Value> ElementThread::loops(ArrayRef<unsigned> dims, ArrayRef<Value> start) {
  if (dims.empty())
    return step(start);
  if (dims.size() == 1 && combiners)
    return inBlocks(dims[0], start);
  return loop(constant(0), extents[dims[0]], constant(1), start,
              [&](Value index, ArrayRef<Value> carried) {
                at[dims[0]] = index;
                return loops(dims.drop_front(), carried);
              });
}

SmallVector<Value> ElementThread::inBlocks(unsigned dim, ArrayRef<Value> start) {
  auto along = [&](Value from, Value to, ArrayRef<Value> before) {
    return loop(from, to, constant(1), before, [&](Value index, ArrayRef<Value> carried) {
      at[dim] = index;
      return step(carried);
    });
  };
  std::optional<int64_t> known = getConstantIntValue(extents[dim]);
  if (known && *known <= 2 * blockSteps)
    return along(constant(0), extents[dim], start);
  Value length = constant(blockSteps);
  return loop(constant(0), extents[dim], length, start, [&](Value from, ArrayRef<Value> totals) {
    Value to = arith::MinSIOp::create(b, arith::AddIOp::create(b, from, length), extents[dim]);
    SmallVector<Value> none;
    for (const Combiner &combine : *combiners)
      none.push_back(combine.identityValue(b));
    SmallVector<Value> sums = along(from, to, none), next;
    for (auto [combine, total, sum] : llvm::zip(*combiners, totals, sums))
      next.push_back(combine(b, total, sum));
    return next;
  });
}

void ElementThread::emit() {
  SmallVector<unsigned> reduction;
  op.getReductionDims(reduction);
  for (unsigned d : reduction)
    at[d] = constant(0);
  SmallVector<Value> start;
  for (OpOperand &init : op.getDpsInitsMutable()) {
    Value initial = work.initialOf(init.get());
    bool used = !reduction.empty() || !op.getMatchingBlockArgument(&init).use_empty();
    start.push_back(!used     ? Value()
                    : initial ? kernel.get(initial)
                              : loadElement(b, kernel.get(init.get()), mapOf(init), at));
  }
  if (!reduction.empty())
    combiners = combinersOf(op);
  if (combiners && llvm::none_of(*combiners, [](const Combiner &c) { return c.rounds; }))
    combiners.reset();
  SmallVector<Value> made = loops(reduction, start);
  for (unsigned d : reduction)
    at[d] = constant(0);
  for (auto [init, value] : llvm::zip(op.getDpsInitsMutable(), made))
    storeElement(b, value, kernel.get(init.get()), mapOf(init), at);
}

} // namespace

bool lowerElements(DeviceFunction &f, DeviceWork &work) {
  GenericOp op = work.op;
  auto extents = f.extentsOf(op);
  if (!extents)
    return false;
  SmallVector<unsigned> parallel;
  op.getParallelDims(parallel);
  Value total = f.constant(1);
  for (unsigned d : parallel)
    total = f.mul(total, (*extents)[d]);
  int64_t threads = parallel.empty() ? 1 : blockThreads;
  Value blocks = f.ceilDiv(total, threads);

  DeviceKernel kernel = f.kernel("a thread an element", work.refusals);
  getUses(kernel, op);
  SmallVector<Value> sizes;
  for (Value v : *extents)
    sizes.push_back(kernel.get(v));
  ImplicitLocOpBuilder &k = kernel.builder();
  Value block = gpu::BlockIdOp::create(k, gpu::Dimension::x);
  Value thread = gpu::ThreadIdOp::create(k, gpu::Dimension::x);
  Value width = arith::ConstantIndexOp::create(k, threads);
  Value id = arith::AddIOp::create(k, arith::MulIOp::create(k, block, width), thread);
  Value isInside = arith::CmpIOp::create(k, arith::CmpIPredicate::ult, id, kernel.get(total));
  auto guard = scf::IfOp::create(k, isInside, /*withElseRegion=*/false);
  k.setInsertionPoint(guard.thenBlock()->getTerminator());
  SmallVector<Value> at(op.getNumLoops());
  for (unsigned d : llvm::reverse(parallel)) {
    if (d == parallel.front()) {
      at[d] = id;
      break;
    }
    at[d] = arith::RemUIOp::create(k, id, sizes[d]);
    id = arith::DivUIOp::create(k, id, sizes[d]);
  }
  ElementThread(kernel, work, at, sizes).emit();
  kernel.launch(f.b, blocks, threads);
  f.take(work);
  return true;
}

} // namespace mad
