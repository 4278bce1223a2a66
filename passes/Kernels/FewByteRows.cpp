//===- FewByteRows.cpp - Tiles of few rows of bytes and a weight of few bits ===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/FewByteRows.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace mad::kernels {

FewByteRows::FewByteRows(ImplicitLocOpBuilder &b, const LutKernel &kernel, ByteUnit unit,
                         ValueRange a)
    : b(b), i(b), kernel(kernel), unit(unit), rows(a[0]), sums(a[1]),
      shape(b, kernel, a.slice(a.size() - 8, ByteShape::size)),
      codes(b, kernel, unit, a.slice(3, a.size() - 12), shape.K), dot(b, unit, codes.mostCode()),
      scales(a[2]), Y(a[a.size() - 9]), from(a.end()[-4]), to(a.end()[-3]), first(a.end()[-2]),
      last(a.end()[-1]), order(b, unit) {}

void FewByteRows::emit() {
  forRange(b, first, last, tiles * unit.columns(), [&](Value column) {
    Value left = i.sub(last, column);
    Value whole = i.lessOrEqual(i.constant(unit.columns()), left);
    auto all = [&](Value left) {
      forRange(b, from, to, 1, [&](Value t) { tile(t, column, left); });
    };
    // Only stores know of what is left in panels.
    if (kernel.packed)
      return all(left);
    when(b, whole, [&] { all(Value()); }, [&] { all(left); });
  });
}

Value FewByteRows::bias(Value t, Value g, int64_t factor) {
  Value sum = memref::LoadOp::create(b, sums, i.add(i.mul(t, shape.groups), g));
  sum = b.createOrFold<arith::MulIOp>(sum, arith::ConstantIntOp::create(b, factor, 32));
  return vector::BroadcastOp::create(b, dot.words(), sum);
}

void FewByteRows::scaled(Value t, Value column, Value left, Group group) {
  ByteCodes::Columns columns = codes.columns(column, left);
  Value none = arith::ConstantOp::create(b, b.getZeroAttr(dot.floats()));
  auto groups = scf::ForOp::create(b, i.constant(0), shape.groups, i.constant(1),
                                   SmallVector<Value>(byteTile, none));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(groups.getBody());
    Value g = groups.getInductionVar();
    SmallVector<Value> totals(groups.getRegionIterArgs()), integers = group(g, columns);
    for (auto [total, sum, scale] : llvm::zip_equal(totals, integers, codes.scales(g, columns))) {
      Value number = arith::SIToFPOp::create(b, dot.floats(), sum);
      total = arith::AddFOp::create(b, total, arith::MulFOp::create(b, number, scale));
    }
    scf::YieldOp::create(b, totals);
  }
  store(t, column, left, groups.getResults());
}

void FewByteRows::storeStraight(Value total, Value t, Value column, Value left) {
  if (!left) {
    vector::StoreOp::create(b, total, Y, ValueRange{t, column});
    return;
  }
  Value mask =
      vector::CreateMaskOp::create(b, VectorType::get({unit.lanes()}, b.getI1Type()), left);
  vector::MaskedStoreOp::create(b, Y, ValueRange{t, column}, mask, total);
}

void FewByteRows::store(Value t, Value column, Value left, ValueRange totals, bool straight) {
  Value scale = memref::LoadOp::create(b, scales, t);
  Value all = vector::BroadcastOp::create(b, dot.floats(), scale);
  SmallVector<Value> results;
  for (Value total : totals)
    results.push_back(arith::MulFOp::create(b, total, all));
  auto written = [&](Value left) {
    auto behind = [&](int64_t columns) { return left ? i.sub(left, i.constant(columns)) : left; };
    for (unsigned v = 0; straight && v < byteTile; ++v) {
      int64_t at = v * unit.lanes();
      storeStraight(results[v], t, i.add(column, at), behind(at));
    }
    for (unsigned v = 0; !straight && v < byteTile; v += 2)
      order.store(results[v], results[v + 1], Y, {t, i.add(column, 4 * v)}, behind(4 * v));
  };
  if (!kernel.packed)
    return written(left);
  when(
      b, i.lessOrEqual(i.constant(unit.columns()), left), [&] { written(Value()); },
      [&] { written(left); });
}

} // namespace mad::kernels
