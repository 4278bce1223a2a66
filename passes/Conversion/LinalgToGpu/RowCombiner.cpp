//===- RowCombiner.cpp - What all threads of a row make of their values ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Conversion/LinalgToGpu/RowCombiner.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

using device::lanesOfWarp;

Value RowCombiner::shuffle(Value x, int mask) {
  Type type = x.getType();
  if (type.isIndex())
    return arith::IndexCastOp::create(
        b, type, shuffle(arith::IndexCastOp::create(b, b.getI64Type(), x), mask));
  unsigned width = type.getIntOrFloatBitWidth();
  if (isa<FloatType>(type) && width != 32)
    return arith::BitcastOp::create(
        b, type, shuffle(arith::BitcastOp::create(b, b.getIntegerType(width), x), mask));
  if (width < 32)
    return arith::TruncIOp::create(b, type,
                                   shuffle(arith::ExtUIOp::create(b, b.getI32Type(), x), mask));
  if (width == 32)
    return g.shuffleXor(x, mask);
  Value up = arith::ConstantIntOp::create(b, 32, 64);
  Value low = shuffle(arith::TruncIOp::create(b, b.getI32Type(), x), mask);
  Value high =
      shuffle(arith::TruncIOp::create(b, b.getI32Type(), arith::ShRUIOp::create(b, x, up)), mask);
  return arith::OrIOp::create(b, arith::ExtUIOp::create(b, type, low),
                              arith::ShLIOp::create(b, arith::ExtUIOp::create(b, type, high), up));
}

void RowCombiner::put(Value x, Value at) {
  if (x.getType().isInteger(1))
    x = arith::ExtUIOp::create(b, b.getI8Type(), x);
  if (x.getType().isIndex())
    x = arith::IndexCastOp::create(b, b.getI64Type(), x);
  LLVM::StoreOp::create(b, x, at);
}

Value RowCombiner::take(Type type, Value at) {
  if (type.isIndex())
    return arith::IndexCastOp::create(b, type, LLVM::LoadOp::create(b, b.getI64Type(), at));
  Value x = LLVM::LoadOp::create(b, stored(type), at);
  return type.isInteger(1) ? arith::TruncIOp::create(b, type, x).getResult() : x;
}

/// Each reduction has memory of its own, so that one barrier is enough.
Value RowCombiner::acrossWarps(const Combiner &combine, Value x) {
  const int warps = threads.warps();
  const int number = reductions++;
  Value parts = g.bytesAt(g.shared(), number * threads.sharedBytes());
  if (odd)
    parts = g.bytesAt(parts, g.mul(odd, threads.sharedBytes()));
  Value thread = g.thread();
  g.when(g.equal(g.rem(thread, lanesOfWarp), 0),
         [&] { put(x, g.bytesAt(parts, g.mul(g.div(thread, lanesOfWarp), 8))); });
  g.barrier();
  if (met)
    std::exchange(met, nullptr)();
  if (threads.cluster > 1)
    return acrossBlocks(combine, x.getType(), parts, number);
  Value all = take(x.getType(), parts);
  for (int warp = 1; warp < warps; ++warp)
    all = combine(b, all, take(x.getType(), g.bytesAt(parts, warp * 8)));
  return all;
}

/// As 8 bytes, of which `take` reads the first.
Value RowCombiner::bitsOf(Value x) {
  Type i64 = b.getI64Type();
  if (x.getType().isIndex())
    return arith::IndexCastOp::create(b, i64, x);
  const unsigned width = x.getType().getIntOrFloatBitWidth();
  if (isa<FloatType>(x.getType()))
    x = arith::BitcastOp::create(b, b.getIntegerType(width), x);
  return width < 64 ? arith::ExtUIOp::create(b, i64, x).getResult() : x;
}

/// The first warp takes up what the warps of its block left, and leaves it with each block.
Value RowCombiner::acrossBlocks(const Combiner &combine, Type type, Value parts, int number) {
  const int warps = threads.warps();
  Value all = g.bytesAt(parts, warps * 8);
  Value barrier = barriers ? g.bytesAt(barriers, number * 8) : Value();
  if (barriers && odd)
    barrier = g.bytesAt(barrier, g.mul(odd, 8));
  awaitBlocks();
  g.when(g.less(g.thread(), lanesOfWarp), [&] {
    Value lane = g.thread();
    Value x = take(type, g.bytesAt(parts, g.mul(g.min(lane, warps - 1), 8)));
    if (warps < lanesOfWarp)
      x = arith::SelectOp::create(b, g.less(lane, warps), x, combine.identityValue(b));
    for (int mask = lanesOfWarp / 2; mask; mask /= 2)
      x = combine(b, x, shuffle(x, mask));
    Value mine = g.bytesAt(all, g.mul(g.clusterRank(), 8));
    if (barriers)
      g.when(g.equal(lane, 0), [&] { g.barrierExpect(barrier, threads.cluster * 8); });
    g.when(g.less(lane, threads.cluster), [&] {
      Value at = g.inBlock(mine, lane);
      barriers ? g.storeAsync(bitsOf(x), at, g.inBlock(barrier, lane)) : put(x, at);
    });
  });
  if (barriers)
    g.barrierWait(barrier, parity);
  else
    meet();
  Value sum = take(type, all);
  for (int block = 1; block < threads.cluster; ++block)
    sum = combine(b, sum, take(type, g.bytesAt(all, block * 8)));
  return sum;
}

void RowCombiner::begin() {
  if (threads.cluster > 1)
    g.clusterArrive();
}

void RowCombiner::awaitBlocks() {
  if (threads.cluster > 1 && !std::exchange(haveBegun, true))
    g.clusterWait();
}

void RowCombiner::meet() {
  if (threads.isWarp())
    return g.syncWarp();
  if (threads.cluster == 1)
    return g.barrier();
  awaitBlocks();
  g.clusterArrive();
  g.clusterWait();
}

/// Threads of a row are `across` apart.
Value RowCombiner::acrossLanes(const Combiner &combine, Value x) {
  Value parts = g.bytesAt(g.shared(), reductions++ * threads.sharedBytes());
  Value thread = g.thread();
  put(x, g.bytesAt(parts, g.mul(thread, 8)));
  g.barrier();
  Value mine = g.bytesAt(parts, g.mul(g.rem(thread, threads.across), 8));
  Value all = take(x.getType(), mine);
  for (int lane = 1; lane < threads.along; ++lane)
    all = combine(b, all, take(x.getType(), g.bytesAt(mine, lane * threads.across * 8)));
  return all;
}

Value RowCombiner::operator()(const Combiner &combine, Value x, bool ofWarps) {
  if (threads.across > 1)
    return acrossLanes(combine, x);
  for (int mask = std::min(threads.along, lanesOfWarp) / 2; mask && !ofWarps; mask /= 2)
    x = combine(b, x, shuffle(x, mask));
  if (threads.along > lanesOfWarp)
    return acrossWarps(combine, x);
  if (met) {
    g.syncWarp();
    std::exchange(met, nullptr)();
  }
  return x;
}

SmallVector<Value> splitRow(ImplicitLocOpBuilder &b, Value number, ArrayRef<Value> sizes) {
  SmallVector<Value> parts(sizes.size());
  for (size_t i = sizes.size(); i-- > 0;) {
    parts[i] = i == 0 ? number : b.createOrFold<arith::RemUIOp>(number, sizes[i]);
    if (i > 0)
      number = b.createOrFold<arith::DivUIOp>(number, sizes[i]);
  }
  return parts;
}

/// The threads of a row take up what its pieces left.
void launchParts(DeviceFunction &f, const RowPlan &plan, const RowThreads &threads) {
  const RowMember &member = plan.members.front();
  GenericOp op = member.work.op;
  OpOperand &output = *op.getDpsInitOperand(0);
  const Combiner combine = combinersOf(op)->front();
  Value rows = f.constant(1);
  for (Value extent : plan.extents)
    rows = f.mul(rows, extent);
  Value blocks = f.ceilDiv(rows, threads.rows);
  DeviceKernel kernel = f.kernel("rows: " + threads.text() + " takes up pieces");
  kernel.setEarly();
  kernel.setShared(threads.sharedBytes());
  SmallVector<Value> sizes;
  for (Value v : plan.extents)
    sizes.push_back(kernel.get(v));
  Value all = kernel.get(rows), pieces = kernel.get(plan.pieces), parts = kernel.get(plan.parts);
  Value memory = kernel.get(output.get());
  useBehind(kernel, plan.behind);
  ImplicitLocOpBuilder &b = kernel.builder();
  Value thread = gpu::ThreadIdOp::create(b, gpu::Dimension::x);
  Value block = gpu::BlockIdOp::create(b, gpu::Dimension::x);
  Value width = arith::ConstantIndexOp::create(b, threads.along);
  Value lane = arith::RemUIOp::create(b, thread, width);
  Value row = arith::AddIOp::create(
      b, arith::MulIOp::create(b, block, arith::ConstantIndexOp::create(b, threads.rows)),
      arith::DivUIOp::create(b, thread, width));
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, row, all);
  auto branch = scf::IfOp::create(b, inside, /*withElseRegion=*/false);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  Value start = combine.identityValue(b);
  auto loop = scf::ForOp::create(b, lane, pieces, width, start);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value place =
        arith::AddIOp::create(b, arith::MulIOp::create(b, row, pieces), loop.getInductionVar());
    Value part = memref::LoadOp::create(b, parts, place);
    scf::YieldOp::create(b, combine(b, loop.getRegionIterArg(0), part));
  }
  RowCombiner combineRow(b, threads);
  Value sum = combineRow(combine, loop.getResult(0));
  SmallVector<Value> at(op.getNumLoops());
  SmallVector<Value> indices = splitRow(b, row, sizes);
  for (auto [d, leaves] : llvm::enumerate(member.loops))
    at[d] = leaves.empty() ? arith::ConstantIndexOp::create(b, 0).getResult() : indices[leaves[0]];
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, zero);
  auto store = scf::IfOp::create(b, first, /*withElseRegion=*/false);
  b.setInsertionPoint(store.thenBlock()->getTerminator());
  AffineMap map = op.getMatchingIndexingMap(&output);
  Value initial = member.work.initialOf(output.get());
  Value before = initial ? kernel.get(initial) : loadElement(b, memory, map, at);
  storeResult(kernel, op, plan.behind, combine(b, before, sum), at);
  kernel.launch(f.b, blocks, threads.threads());
}

} // namespace mad
