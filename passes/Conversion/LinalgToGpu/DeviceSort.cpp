//===- DeviceSort.cpp - Sorting on a device ----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lines of up to a tile are sorted by one kernel (passes/Kernels/Gpu/Sort.h). Longer ones are
// sorted tile by tile; then, where only few of the first are wanted, those of all tiles are sorted
// in the same way, until they are in one tile; else runs are merged, two into one each round.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/Conversion/LinalgToGpu/DeviceFunction.h"
#include "passes/Kernels/Gpu/Sort.h"
#include "passes/Transforms/Memory.h"

using namespace mlir;

namespace mad {
namespace {

/// Memory of the host's function for items.
struct Items {
  Value codes, places;
};

class Sort {
public:
  Sort(DeviceFunction &f, SortMemoryOp op) : f(f), b(f.b), op(op) {}
  bool lower();

private:
  std::optional<int64_t> known(Value v) { return getConstantIntValue(v); }
  Value constant(int64_t x) { return f.constant(x); }
  Value least(Value x, Value y) { return b.createOrFold<arith::MinSIOp>(x, y); }
  Value add(Value x, Value y) { return b.createOrFold<arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) { return b.createOrFold<arith::SubIOp>(x, y); }
  Value isUpTo(Value x, int64_t most) { return f.less(x, constant(most + 1)); }

  Items scratch(Value count);
  SmallVector<Value> memory(Items from, Items to);
  std::pair<Items, Items> asItems(ValueRange values);
  Value shorter(Value length);
  void sortRuns(StringRef choice, Items from, Items to, Value length, Value outLength, Value kept);
  void mergeRuns(StringRef choice, Items from, Items to, Value width);
  using Write = llvm::function_ref<void(device::GpuBuilder &, device::SortArguments &,
                                        llvm::function_ref<Value(Value)> word)>;
  void launch(StringRef choice, Items from, Items to, Value length, Value outLength, Value blocks,
              Write write);
  void few();
  void all();

  DeviceFunction &f;
  ImplicitLocOpBuilder &b;
  SortMemoryOp op;
  device::SortSpec spec;
  device::SortTile tile;
  Value lines, length, wanted;
};

Items Sort::scratch(Value count) {
  auto line = [&](unsigned bits) -> Value {
    return memref::AllocOp::create(
        b, MemRefType::get({ShapedType::kDynamic}, b.getIntegerType(bits)), count);
  };
  return {line(64), spec.isWide() ? line(32) : Value()};
}

/// What a loop of the host carries.
SmallVector<Value> Sort::memory(Items from, Items to) {
  if (!spec.isWide())
    return {from.codes, to.codes};
  return {from.codes, to.codes, from.places, to.places};
}
std::pair<Items, Items> Sort::asItems(ValueRange values) {
  const bool wide = spec.isWide();
  return {Items{values[0], wide ? values[2] : Value()},
          Items{values[1], wide ? values[3] : Value()}};
}

void Sort::launch(StringRef choice, Items from, Items to, Value lengthNow, Value outLength,
                  Value blocks, Write write) {
  spec.fromItems = static_cast<bool>(from.codes);
  spec.toItems = static_cast<bool>(to.codes);
  SmallVector<Value> results;
  for (Value result : {op.getValues(), op.getPositions()})
    if (result && !spec.toItems)
      results.push_back(result);
  bool guarded = !llvm::all_of(results, [&](Value v) { return f.isScratch(v); }) ||
                 f.isFoundPlace(op.getSource());
  // Elements that are still on their way while others are stored.
  Value base = baseOf(op.getSource());
  bool apart = base && llvm::all_of(results, [&](Value v) {
                 Value other = baseOf(v);
                 return other && other != base;
               });
  DeviceKernel kernel = f.kernel(choice, {}, guarded);
  kernel.setShared(tile.sharedBytes(spec));
  device::KernelSignature signature;
  signature.threads = tile.threads;
  ImplicitLocOpBuilder &k = kernel.builder();
  auto word = [&](Value host) -> Value {
    return k.createOrFold<arith::IndexCastUIOp>(k.getI32Type(), kernel.get(host));
  };
  auto pointer = [&](Value memory, bool isApart) {
    return memory ? kernel.pointer(memory, isApart) : Value();
  };
  device::SortArguments a;
  a.source = pointer(op.getSource(), apart);
  a.from = {pointer(from.codes, true), pointer(from.places, true)};
  a.to = {pointer(to.codes, false), pointer(to.places, false)};
  a.values = pointer(op.getValues(), false);
  a.positions = pointer(op.getPositions(), false);
  a.lines = k.createOrFold<arith::IndexCastUIOp>(k.getI64Type(), kernel.get(lines));
  a.length = word(lengthNow), a.whole = word(length), a.wanted = word(outLength);
  device::GpuBuilder g(k, signature);
  write(g, a, word);
  kernel.launch(f.b, blocks, tile.threads);
}

void Sort::sortRuns(StringRef choice, Items from, Items to, Value lengthNow, Value outLength,
                    Value kept) {
  Value rounds = constant(0), run = constant(tile.items);
  for (int n = 0; (tile.items << n) < tile.slots(); ++n) {
    Value more = f.less(constant(tile.items << n), lengthNow);
    rounds = b.createOrFold<arith::SelectOp>(more, constant(n + 1), rounds);
    run = b.createOrFold<arith::SelectOp>(more, constant(tile.items << (n + 1)), run);
  }
  Value runs = b.createOrFold<arith::CeilDivSIOp>(lengthNow, run);
  Value runsOfBlock = b.createOrFold<arith::DivUIOp>(constant(tile.slots()), run);
  Value blocks = f.mul(b.createOrFold<arith::CeilDivSIOp>(lines, runsOfBlock), runs);
  launch(
      choice, from, to, lengthNow, outLength, blocks,
      [&](device::GpuBuilder &g, device::SortArguments &a, llvm::function_ref<Value(Value)> word) {
        a.rounds = word(rounds), a.runs = word(runs), a.kept = word(kept);
        device::writeSortRuns(g, spec, tile, a);
      });
}

void Sort::mergeRuns(StringRef choice, Items from, Items to, Value width) {
  Value blocks = f.mul(lines, f.ceilDiv(length, tile.slots()));
  launch(
      choice, from, to, length, to.codes ? length : wanted, blocks,
      [&](device::GpuBuilder &g, device::SortArguments &a, llvm::function_ref<Value(Value)> word) {
        a.width = word(width);
        device::writeMergeRuns(g, spec, tile, a);
      });
}

/// How many are left when each tile keeps the first `wanted`.
Value Sort::shorter(Value now) {
  Value whole = b.createOrFold<arith::DivUIOp>(now, constant(tile.slots()));
  Value rest = sub(now, f.mul(whole, constant(tile.slots())));
  return add(f.mul(whole, wanted), least(rest, wanted));
}

/// `wanted` is at most half of a tile.
void Sort::few() {
  Value left = shorter(length);
  Items now = scratch(f.mul(lines, left));
  sortRuns("sorted: the first ones of each tile", {}, now, length, left, wanted);
  if (known(left).value_or(tile.slots() + 1) > tile.slots()) {
    Items other = scratch(f.mul(lines, shorter(left)));
    SmallVector<Value> carried = memory(now, other);
    // Later ones need less room than the first; the type does not say how much there is.
    carried.push_back(left);
    SmallVector<Type> types(ValueRange(carried).getTypes());
    auto loop = scf::WhileOp::create(
        b, types, carried,
        [&](OpBuilder &, Location, ValueRange v) {
          scf::ConditionOp::create(b, f.less(constant(tile.slots()), v.back()), v);
        },
        [&](OpBuilder &, Location, ValueRange v) {
          auto [from, to] = asItems(v);
          Value next = shorter(v.back());
          sortRuns("sorted: the first ones of tiles of those", from, to, v.back(), next, wanted);
          SmallVector<Value> swapped = memory(to, from);
          swapped.push_back(next);
          scf::YieldOp::create(b, swapped);
        });
    now = asItems(loop.getResults()).first;
    left = loop.getResults().back();
  }
  sortRuns("sorted: the first ones of all tiles", now, {}, left, wanted, wanted);
}

void Sort::all() {
  Items now = scratch(f.mul(lines, length)), other = scratch(f.mul(lines, length));
  Value width = constant(tile.slots());
  sortRuns("sorted: each tile", {}, now, length, length, width);
  SmallVector<Value> carried = memory(now, other);
  carried.push_back(width);
  SmallVector<Type> types(ValueRange(carried).getTypes());
  auto loop = scf::WhileOp::create(
      b, types, carried,
      [&](OpBuilder &, Location, ValueRange v) {
        Value both = f.mul(v.back(), constant(2));
        scf::ConditionOp::create(b, f.less(both, length), v);
      },
      [&](OpBuilder &, Location, ValueRange v) {
        auto [from, to] = asItems(v);
        mergeRuns("sorted: a round of merging", from, to, v.back());
        SmallVector<Value> swapped = memory(to, from);
        swapped.push_back(f.mul(v.back(), constant(2)));
        scf::YieldOp::create(b, swapped);
      });
  mergeRuns("sorted: the last round of merging", asItems(loop.getResults()).first, {},
            loop.getResults().back());
}

bool Sort::lower() {
  auto type = cast<MemRefType>(op.getSource().getType());
  spec.element = type.getElementType();
  spec.isUnsigned = op.getIsUnsigned();
  spec.descending = op.getDescending();
  spec.values = static_cast<bool>(op.getValues());
  spec.positions = static_cast<bool>(op.getPositions());
  Value result = spec.values ? op.getValues() : op.getPositions();
  const int64_t last = type.getRank() - 1;
  lines = constant(1);
  for (int64_t d = 0; d < last; ++d) {
    Value size = f.sizeOf(op.getSource(), d);
    if (!size)
      return false;
    lines = f.mul(lines, size);
  }
  length = f.sizeOf(op.getSource(), last);
  wanted = op.getWhole() ? length : f.sizeOf(result, last);
  if (!length || !wanted)
    return false;
  f.branch(
      isUpTo(length, tile.slots()),
      [&] { sortRuns("sorted: lines of a tile", {}, {}, length, wanted, wanted); },
      [&] {
        if (op.getWhole())
          return all();
        f.branch(isUpTo(wanted, tile.slots() / 2), [&] { few(); }, [&] { all(); });
      });
  return true;
}

} // namespace

bool lowerSort(DeviceFunction &f, SortMemoryOp op) {
  f.b.setInsertionPoint(op);
  f.b.setLoc(op.getLoc());
  if (!Sort(f, op).lower())
    return false;
  f.taken.insert(op);
  return true;
}

} // namespace mad
