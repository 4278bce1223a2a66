//===- MultiplyPanels.cpp - Tiles of a product in registers -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of a tile are carried through the loop over the reduction, one vector
// each: a step loads the vectors of a panel once and multiplies them with each row's
// element. Every sum is taken in the order of the reduction, whatever the tile.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Kernels/KernelLibrary.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace mad::kernels {
namespace {

class Multiplier {
public:
  Multiplier(ImplicitLocOpBuilder &b, ValueRange a, TileSizes sizes, Type narrow, Type sum,
             bool fma, bool inPlace)
      : b(b), i(b), rows(a[0]), panels(a[1]), result(a[2]), K(a[3]), firstBlock(a[4]),
        lastBlock(a[5]), firstPanel(a[6]), lastPanel(a[7]), firstStep(a[8]), lastStep(a[9]),
        height(a[10]), add(a[11]), sizes(sizes), narrow(narrow), sum(sum),
        vector(VectorType::get({sizes.lanes}, sum)), fma(fma), inPlace(inPlace) {
    M = memref::DimOp::create(b, result, 0);
    N = memref::DimOp::create(b, result, 1);
  }
  void emit();

private:
  /// The vectors of a tile: of so many panels, or of the part of one from `part` on.
  struct Tile {
    int64_t rows, panels, part, width; ///< width: vectors of a panel
    bool masked = false;
  };
  using Write = function_ref<void(int64_t row, int64_t vector, Value at, Value column)>;

  void stripes(int64_t count, function_ref<void(Value panel)> whole,
               function_ref<void(Value panel)> rest);
  void heights(Value left, int64_t most, function_ref<void(int64_t)> tile);
  void tiles(Value block, Value panel, Tile tile);
  void tile(Value block, Value panel, Tile tile);
  void few(Value left, int64_t count, int64_t panelsOfTile);
  SmallVector<Value> steps(const Tile &tile, Value a, ArrayRef<Value> bases, Value from, Value to,
                           int64_t unroll, ValueRange sums);
  SmallVector<Value> step(const Tile &tile, Value a, ArrayRef<Value> bases, Value k, int64_t ahead,
                          ValueRange sums);
  /// The element of row `r` of a tile, `ahead` steps from `k`. `a`: where the packed block
  /// begins, or its first row.
  Value left(Value a, int64_t r, Value k, int64_t ahead);
  Value zeros() { return arith::ConstantOp::create(b, b.getZeroAttr(vector)); }
  int64_t vectorsOfPanel() const { return sizes.NR / sizes.lanes; }

  ImplicitLocOpBuilder &b;
  Index i;
  Value rows, panels, result, K, firstBlock, lastBlock, firstPanel, lastPanel, firstStep, lastStep,
      height, add, M, N;
  TileSizes sizes;
  Type narrow, sum;
  VectorType vector;
  bool fma, inPlace;
};

Value Multiplier::left(Value a, int64_t r, Value k, int64_t ahead) {
  if (inPlace)
    return memref::LoadOp::create(b, rows, ValueRange{i.add(a, r), i.add(k, ahead)});
  Value at = i.add(a, i.mul(k, sizes.MR));
  return memref::LoadOp::create(b, rows, ValueRange{i.add(at, ahead * sizes.MR + r)});
}

/// One step of the reduction, `ahead` steps from `k`.
SmallVector<Value> Multiplier::step(const Tile &tile, Value a, ArrayRef<Value> bases, Value k,
                                    int64_t ahead, ValueRange sums) {
  SmallVector<Value> columns, next(sums);
  Value depth = i.mul(k, sizes.NR);
  for (Value base : bases) {
    Value at = i.add(base, depth);
    for (int64_t v = 0; v < tile.width; ++v) {
      Value place = i.add(at, ahead * sizes.NR + tile.part + v * sizes.lanes);
      auto type = VectorType::get({sizes.lanes}, stored(narrow));
      columns.push_back(
          widen(b, vector::LoadOp::create(b, type, panels, ValueRange{place}), narrow, sum));
    }
  }
  for (int64_t r = 0, s = 0; r < tile.rows; ++r) {
    Value x = vector::BroadcastOp::create(b, vector, left(a, r, k, ahead));
    for (Value y : columns) {
      Value &to = next[s++];
      if (fma)
        to = math::FmaOp::create(b, x, y, to);
      else
        to = arith::AddFOp::create(b, to, arith::MulFOp::create(b, x, y));
    }
  }
  return next;
}

SmallVector<Value> Multiplier::steps(const Tile &tile, Value a, ArrayRef<Value> bases, Value from,
                                     Value to, int64_t unroll, ValueRange sums) {
  auto loop = scf::ForOp::create(b, from, to, i.constant(unroll), sums);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next(loop.getRegionIterArgs());
  for (int64_t u = 0; u < unroll; ++u)
    next = step(tile, a, bases, loop.getInductionVar(), u, next);
  scf::YieldOp::create(b, next);
  return llvm::to_vector(ValueRange(loop.getResults()));
}

/// The sums of one tile for the range of steps.
void Multiplier::tile(Value block, Value panel, Tile tile) {
  Value row = i.mul(block, height), a = inPlace ? row : i.mul(i.mul(block, K), sizes.MR);
  SmallVector<Value> bases, columns, masks;
  for (int64_t p = 0; p < tile.panels; ++p) {
    Value number = i.add(panel, p);
    bases.push_back(i.mul(i.mul(number, K), sizes.NR));
    for (int64_t v = 0; v < tile.width; ++v) {
      Value column = i.add(i.mul(number, sizes.NR), tile.part + v * sizes.lanes);
      columns.push_back(column);
      auto type = VectorType::get({sizes.lanes}, b.getI1Type());
      masks.push_back(tile.masked ? Value(vector::CreateMaskOp::create(b, type, i.sub(N, column)))
                                  : Value());
    }
  }
  int64_t count = tile.rows * columns.size();
  auto place = [&](int64_t s) {
    return SmallVector<Value>{i.add(row, s / columns.size()), columns[s % columns.size()]};
  };
  // What the sums start with.
  SmallVector<Type> types(count, vector);
  auto start = scf::IfOp::create(b, types, add, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&start.getThenRegion().front());
    SmallVector<Value> found;
    for (int64_t s = 0; s < count; ++s)
      if (Value mask = masks[s % masks.size()])
        found.push_back(vector::MaskedLoadOp::create(b, vector, result, place(s), mask, zeros()));
      else
        found.push_back(vector::LoadOp::create(b, vector, result, place(s)));
    scf::YieldOp::create(b, found);
    b.setInsertionPointToStart(&start.getElseRegion().front());
    scf::YieldOp::create(b, SmallVector<Value>(count, zeros()));
  }
  // The next tile of these panels follows below.
  for (int64_t r = 0; r < tile.rows && !tile.masked; ++r)
    for (int64_t p = 0; p < tile.panels && tile.part == 0; ++p)
      memref::PrefetchOp::create(
          b, result, ValueRange{i.add(i.add(row, height), r), i.mul(i.add(panel, p), sizes.NR)},
          /*isWrite=*/true, /*localityHint=*/3, /*isDataCache=*/true);
  SmallVector<Value> sums(start.getResults());
  int64_t unroll = tile.masked ? 1 : sizes.unroll;
  Value from = firstStep;
  if (unroll > 1) {
    Value length = i.sub(lastStep, firstStep);
    Value rest = b.createOrFold<arith::RemUIOp>(length, i.constant(unroll));
    Value end = i.sub(lastStep, rest);
    sums = steps(tile, a, bases, from, end, unroll, sums);
    from = end;
  }
  sums = steps(tile, a, bases, from, lastStep, 1, sums);
  for (int64_t s = 0; s < count; ++s)
    if (Value mask = masks[s % masks.size()])
      vector::MaskedStoreOp::create(b, result, place(s), mask, sums[s]);
    else
      vector::StoreOp::create(b, sums[s], result, place(s));
}

/// A tile as wide as it says; where a panel has more vectors than registers allow, one
/// after the other.
void Multiplier::tiles(Value block, Value panel, Tile shape) {
  int64_t width = std::min<int64_t>(vectorsOfPanel(), 2);
  for (int64_t v = 0; v < vectorsOfPanel(); v += width) {
    shape.part = v * sizes.lanes;
    shape.width = width;
    tile(block, panel, shape);
  }
}

/// Branches on the number of rows.
void Multiplier::heights(Value left, int64_t most, function_ref<void(int64_t)> tile) {
  if (most == 1)
    return tile(1);
  when(
      b, b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, left, i.constant(most)),
      [&] { tile(most); }, [&] { heights(left, most - 1, tile); });
}

/// Panels that have all their columns, `count` at a time, and the rest one by one.
void Multiplier::stripes(int64_t count, function_ref<void(Value)> whole,
                         function_ref<void(Value)> rest) {
  Value full = i.min(lastPanel, b.createOrFold<arith::DivUIOp>(N, i.constant(sizes.NR)));
  Value length = i.sub(full, firstPanel);
  length = b.createOrFold<arith::MaxSIOp>(length, i.constant(0));
  Value end =
      i.add(firstPanel, i.sub(length, b.createOrFold<arith::RemUIOp>(length, i.constant(count))));
  forRange(b, firstPanel, end, count, whole);
  forRange(b, end, lastPanel, 1, rest);
}

/// One block of few rows: several panels side by side, so that there are enough sums
/// and enough streams from memory.
void Multiplier::few(Value left, int64_t count, int64_t panelsOfTile) {
  auto rest = [&](Value panel) {
    Value whole = i.lessOrEqual(i.mul(i.add(panel, 1), sizes.NR), N);
    when(
        b, whole, [&] { tiles(firstBlock, panel, {count, 1, 0, 1}); },
        [&] { tiles(firstBlock, panel, {count, 1, 0, 1, true}); });
  };
  stripes(
      panelsOfTile,
      [&](Value panel) { tile(firstBlock, panel, {count, panelsOfTile, 0, vectorsOfPanel()}); },
      rest);
}

void Multiplier::emit() {
  auto left = [&](Value block) { return i.min(height, i.sub(M, i.mul(block, height))); };
  auto all = [&] {
    auto blocks = [&](Value panel, int64_t count, bool masked) {
      forRange(b, firstBlock, lastBlock, 1, [&](Value block) {
        heights(left(block), sizes.MR, [&](int64_t rows) {
          if (count > 1)
            tile(block, panel, {rows, count, 0, vectorsOfPanel()});
          else
            tiles(block, panel, {rows, 1, 0, 1, masked});
        });
      });
    };
    stripes(
        sizes.panels, [&](Value panel) { blocks(panel, sizes.panels, false); },
        [&](Value panel) {
          Value whole = i.lessOrEqual(i.mul(i.add(panel, 1), sizes.NR), N);
          if (sizes.panels == 1)
            return blocks(panel, 1, true);
          when(b, whole, [&] { blocks(panel, 1, false); }, [&] { blocks(panel, 1, true); });
        });
  };
  // With narrow registers a panel is wide enough.
  if (vectorsOfPanel() > 2)
    return all();
  Value count = left(firstBlock);
  Value one = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, i.sub(lastBlock, firstBlock),
                                            i.constant(1));
  auto is = [&](int64_t rows) {
    Value equal = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, count, i.constant(rows));
    return b.createOrFold<arith::AndIOp>(one, equal);
  };
  // Four streams from memory: eight are slower (docs/performance.md).
  int64_t wide = 8 / vectorsOfPanel();
  when(
      b, is(1), [&] { few(count, 1, std::min<int64_t>(wide, 4)); },
      [&] { when(b, is(2), [&] { few(count, 2, wide / 2); }, all); });
}

} // namespace

func::FuncOp KernelLibrary::multiplyPanels(Type panels, Type sum, bool fma, bool inPlace) {
  std::string name = llvm::formatv("multiply_{0}.{1}.{2}{3}", inPlace ? "rows" : "panels", panels,
                                   sum, fma ? "" : ".rounded");
  MLIRContext *context = module.getContext();
  Type index = IndexType::get(context);
  SmallVector<Type> arguments{inPlace ? rows(sum) : flat(sum), flat(panels), rows(sum)};
  arguments.append(8, index);
  arguments.push_back(IntegerType::get(context, 1));
  TileSizes sizes = this->sizes(sum);
  return find(name, arguments, [&](ImplicitLocOpBuilder &b, ValueRange values) {
    Multiplier(b, values, sizes, panels, sum, fma, inPlace).emit();
  });
}

} // namespace mad::kernels
