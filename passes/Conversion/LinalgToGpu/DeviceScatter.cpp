//===- DeviceScatter.cpp - Writing to computed places on a device ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Updates are sorted by the rows that they act on: up to a tile of them by one kernel (Sort.h),
// more digit by digit (Digits.h). Then one kernel takes the updates of each row in order
// (Scatter.h).
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/Digits.h"
#include "passes/Kernels/Gpu/Scatter.h"
#include "passes/Kernels/Gpu/Sort.h"

using namespace mlir;

namespace mad {
namespace {

class Scatter {
public:
  Scatter(DeviceFunction &f, ScatterMemoryOp op) : f(f), b(f.b), op(op) {}
  bool lower();

private:
  Value constant(int64_t x) { return f.constant(x); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value least(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value most(Value x, Value y) { return b.createOrFold<arith::MaxSIOp>(x, y); }
  Value choose(Value condition, Value x, Value y) {
    return b.createOrFold<arith::SelectOp>(condition, x, y);
  }
  Value equal(Value x, Value y) {
    return b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, x, y);
  }
  bool productOf(Value memory, int64_t from, int64_t to, Value &size);
  Value scratch(Value size, unsigned bits) {
    return memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getIntegerType(bits)), size);
  }
  using Word = llvm::function_ref<Value(Value)>;
  using Write = llvm::function_ref<void(device::GpuBuilder &, DeviceKernel &, Word)>;
  void launch(StringRef choice, Value blocks, int threads, int shared, bool guarded, Write write);
  Value sortedInTile();
  void sortDigit(Value from, Value to, Value counts, Value shift, device::DigitSpec spec);
  Value sortedByDigits(Type value);
  void takeRows(Value items, bool elements, int vector, bool values);

  DeviceFunction &f;
  ImplicitLocOpBuilder &b;
  ScatterMemoryOp op;
  device::DigitTile digits;
  Value count, columns, rows;
  Value bits, tiles; ///< of a digit; of all updates
};

bool Scatter::productOf(Value memory, int64_t from, int64_t to, Value &size) {
  size = constant(1);
  for (int64_t d = from; d < to; ++d) {
    Value extent = f.sizeOf(memory, d);
    if (!extent)
      return false;
    size = f.mul(size, extent);
  }
  return true;
}

void Scatter::launch(StringRef choice, Value blocks, int threads, int shared, bool guarded,
                     Write write) {
  DeviceKernel kernel = f.kernel(choice, {}, guarded);
  kernel.setShared(shared);
  device::KernelSignature signature;
  signature.threads = threads;
  ImplicitLocOpBuilder &k = kernel.builder();
  device::GpuBuilder g(k, signature);
  write(g, kernel, [&](Value host) -> Value {
    return k.createOrFold<arith::IndexCastUIOp>(k.getI32Type(), kernel.get(host));
  });
  kernel.launch(b, blocks, threads);
}

/// Places are sorted as numbers without a sign, which leaves items as digits do.
Value Scatter::sortedInTile() {
  device::SortTile tile;
  device::SortSpec spec;
  spec.element = b.getI32Type();
  spec.isUnsigned = spec.toItems = true;
  Value items = scratch(count, 64), rounds = constant(0);
  for (int n = 0; (tile.items << n) < tile.slots(); ++n)
    rounds = choose(f.less(constant(tile.items << n), count), constant(n + 1), rounds);
  launch("scattered: updates sorted by one block", least(count, constant(1)), tile.threads,
         tile.sharedBytes(spec), false,
         [&](device::GpuBuilder &g, DeviceKernel &kernel, Word word) {
           device::SortArguments a;
           a.source = kernel.pointer(op.getPlaces(), true);
           a.to.codes = kernel.pointer(items, false);
           a.lines = g.wide(1);
           a.length = a.whole = a.wanted = a.kept = word(count);
           a.rounds = word(rounds), a.runs = g.number(1);
           device::writeSortRuns(g, spec, tile, a);
         });
  return items;
}

/// Counts of the digits of tiles, where they go, and the move.
void Scatter::sortDigit(Value from, Value to, Value counts, Value shift, device::DigitSpec spec) {
  auto arguments = [&](DeviceKernel &kernel, Word word, bool moves) {
    device::DigitArguments a;
    a.from = kernel.pointer(from, true);
    a.counts = kernel.pointer(counts, moves);
    a.count = word(count), a.tiles = word(tiles), a.shift = word(shift), a.bits = word(bits);
    return a;
  };
  launch("scattered: digits of updates counted", tiles, digits.threads, digits.bytesForCounts(),
         false, [&](device::GpuBuilder &g, DeviceKernel &kernel, Word word) {
           device::writeCountDigits(g, spec, digits, arguments(kernel, word, false));
         });
  auto sums = CumulateMemoryOp::create(b, ReduceKind::sum, counts, counts, 0, false);
  if (!lowerCumulate(f, sums))
    llvm_unreachable("the host knows how many counts there are");
  b.setInsertionPointAfter(sums);
  launch("scattered: updates moved by a digit", tiles, digits.threads, digits.bytesForMoves(),
         false, [&](device::GpuBuilder &g, DeviceKernel &kernel, Word word) {
           device::DigitArguments a = arguments(kernel, word, true);
           a.to = kernel.pointer(to, false);
           if (spec.value)
             a.values = kernel.pointer(op.getUpdates(), true);
           device::writeMoveByDigit(g, spec, digits, a);
         });
}

/// As few digits as hold the number of a row, of the same length each.
/// `value`: the type of updates that items are to hold; null: places.
Value Scatter::sortedByDigits(Type value) {
  Value bitsOfRow = constant(1);
  for (int n = 1; n < 31; ++n)
    bitsOfRow = choose(f.less(constant(int64_t(1) << n), rows), constant(n + 1), bitsOfRow);
  Value numbers = f.ceilDiv(bitsOfRow, digits.mostBits);
  bits = b.createOrFold<arith::CeilDivSIOp>(bitsOfRow, numbers);
  tiles = f.ceilDiv(count, digits.slots());
  Value each = b.createOrFold<arith::ShLIOp>(constant(1), bits);
  Value counts = scratch(f.mul(tiles, each), 32);
  Value first = scratch(count, 64);
  sortDigit(op.getPlaces(), first, counts, constant(0), {true, value});
  if (getConstantIntValue(numbers) == 1)
    return first;
  Value second = scratch(count, 64);
  SmallVector<Value> carried{first, second, bits};
  auto loop = scf::ForOp::create(b, constant(1), numbers, constant(1), carried);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    auto now = loop.getRegionIterArgs();
    sortDigit(now[0], now[1], counts, now[2], {});
    scf::YieldOp::create(b, ValueRange{now[1], now[0], add(now[2], bits)});
  }
  return loop.getResult(0);
}

void Scatter::takeRows(Value items, bool elements, int vector, bool values) {
  device::ScatterSpec spec;
  spec.step.element = cast<MemRefType>(op.getResult().getType()).getElementType();
  spec.step.isUnsigned = op.getIsUnsigned();
  spec.step.combination = op.getKind() == ScatterKind::max   ? device::Combination::Largest
                          : op.getKind() == ScatterKind::min ? device::Combination::Smallest
                                                             : device::Combination::Sum;
  spec.set = op.getKind() == ScatterKind::set;
  spec.elements = elements;
  spec.vector = vector;
  spec.values = values;
  Value shift = constant(0), ofBlock = constant(device::scatterThreads);
  if (!elements)
    for (int n = 0; (1 << n) < device::scatterThreads; ++n) {
      Value more = f.less(constant(int64_t(vector) << n), columns);
      shift = choose(more, constant(n + 1), shift);
      ofBlock = choose(more, constant(device::scatterThreads >> (n + 1)), ofBlock);
    }
  Value blocks = b.createOrFold<arith::CeilDivSIOp>(count, ofBlock);
  const char *choice = elements      ? "scattered: updates of a place in order"
                       : vector == 1 ? "scattered: rows of updates in order"
                                     : "scattered: rows of updates in order, 16 bytes a thread";
  launch(choice, blocks, device::scatterThreads, 0, true,
         [&](device::GpuBuilder &g, DeviceKernel &kernel, Word word) {
           device::ScatterArguments a;
           a.items = kernel.pointer(items, true);
           if (!values)
             a.updates = kernel.pointer(op.getUpdates(), true);
           a.result = kernel.pointer(op.getResult(), false);
           a.count = word(count);
           if (!elements)
             a.columns = word(columns), a.shift = word(shift);
           device::writeScatter(g, spec, a);
         });
}

bool Scatter::lower() {
  const int64_t lead = cast<MemRefType>(op.getPlaces().getType()).getRank();
  auto result = cast<MemRefType>(op.getResult().getType());
  const int64_t ofRow = cast<MemRefType>(op.getUpdates().getType()).getRank() - lead;
  if (!productOf(op.getPlaces(), 0, lead, count) ||
      !productOf(op.getUpdates(), lead, lead + ofRow, columns) ||
      !productOf(op.getResult(), 0, result.getRank() - ofRow, rows))
    return false;
  const int vector = 16 / device::bytesOf(result.getElementType());
  auto rowsOf = [&](Value items) {
    Value rest = b.createOrFold<arith::RemUIOp>(columns, constant(vector));
    f.branch(
        equal(rest, constant(0)), [&] { takeRows(items, false, vector, false); },
        [&] { takeRows(items, false, 1, false); });
  };
  // Single elements of up to 4 bytes go along with the numbers of their rows.
  Type element = result.getElementType();
  const bool values = device::bytesOf(element) <= 4;
  Value isFew = f.less(count, constant(device::SortTile().slots() + 1));
  f.branch(
      equal(columns, constant(1)),
      [&] {
        f.branch(
            isFew, [&] { takeRows(sortedInTile(), true, 1, false); },
            [&] { takeRows(sortedByDigits(values ? element : Type()), true, 1, values); });
      },
      [&] {
        f.branch(isFew, [&] { rowsOf(sortedInTile()); }, [&] { rowsOf(sortedByDigits({})); });
      });
  return true;
}

} // namespace

bool lowerScatter(DeviceFunction &f, ScatterMemoryOp op) {
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  if (!Scatter(f, op).lower())
    return false;
  f.taken.insert(op);
  return true;
}

} // namespace mad
