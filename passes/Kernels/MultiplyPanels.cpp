//===- MultiplyPanels.cpp - Tiles of a product in registers -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sums of a tile are carried through the loop over the reduction, one vector
// each: a step loads the vectors of a panel once and multiplies them with each row's
// element. A sum on one call is taken in the order of the reduction, whatever the tile; with
// `apart` it starts at 0 and is added to what C holds when it is done, as in the dot products
// of blocks of Castaldo, Whaley and Chronopoulos, "Reducing floating point error in dot
// product using the superblock family of algorithms" (2008).
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
             bool fma)
      : b(b), i(b), rows(a[0]), panels(a[1]), result(a[2]), rowStart(a[3]), blockStride(a[4]),
        rowStride(a[5]), rowStep(a[6]), panelStart(a[7]), panelStride(a[8]), panelStep(a[9]),
        count(a[10]), firstBlock(a[11]), lastBlock(a[12]), firstPanel(a[13]), lastPanel(a[14]),
        height(a[15]), add(a[16]), apart(a[17]), sizes(sizes), narrow(narrow), sum(sum),
        vector(VectorType::get({sizes.lanes}, sum)), fma(fma) {
    M = memref::DimOp::create(b, result, 0);
    N = memref::DimOp::create(b, result, 1);
  }
  void emit();

private:
  /// The vectors of a tile: of so many panels, or of the part of one from `part` on.
  struct Tile {
    int64_t rows, panels, part, width; ///< width: vectors of a panel
    bool masked = false;               ///< the last panel may lack columns
  };
  /// Where a tile lies, and its sums so far.
  struct State {
    Value row, column; ///< offset of the step from the starts of rows and panels
    SmallVector<Value> sums;
  };
  /// Starts of the rows and panels of a tile, and masks of its vectors, or null.
  struct Starts {
    SmallVector<Value> rows, panels, columns, masks;
  };

  void all();
  void down(Value panel, int64_t count, bool masked);
  void rest(Value panel);
  void stripes(int64_t count, function_ref<void(Value panel)> whole,
               function_ref<void(Value panel)> rest);
  void heights(Value left, int64_t most, function_ref<void(int64_t)> tile);
  void tiles(Value block, Value panel, Tile tile);
  void tile(Value block, Value panel, Tile tile);
  void few(Value left, int64_t count, int64_t panelsOfTile);
  Starts starts(Value block, Value panel, const Tile &tile);
  void prefetch(Value block, Value panel, const Tile &tile);
  SmallVector<Value> initial(const Tile &tile, const Starts &starts,
                             function_ref<SmallVector<Value>(int64_t)> place);
  SmallVector<Value> joined(const Starts &starts, ArrayRef<Value> sums,
                            function_ref<SmallVector<Value>(int64_t)> place);
  Value found(const Starts &starts, int64_t number,
              function_ref<SmallVector<Value>(int64_t)> place);
  Value both(Value x, Value y) { return b.createOrFold<arith::AndIOp>(x, y); }
  State steps(const Tile &tile, const Starts &starts, Value from, Value to, int64_t unroll,
              const State &state);
  State step(const Tile &tile, const Starts &starts, const State &state);
  Value zeros() { return arith::ConstantOp::create(b, b.getZeroAttr(vector)); }
  Value left(Value block) { return i.min(height, i.sub(M, i.mul(block, height))); }
  int64_t vectorsOfPanel() const { return sizes.NR / sizes.lanes; }

  ImplicitLocOpBuilder &b;
  Index i;
  Value rows, panels, result, rowStart, blockStride, rowStride, rowStep, panelStart, panelStride,
      panelStep, count, firstBlock, lastBlock, firstPanel, lastPanel, height, add, apart, M, N;
  TileSizes sizes;
  Type narrow, sum;
  VectorType vector;
  bool fma;
};

/// One step of the reduction.
Multiplier::State Multiplier::step(const Tile &tile, const Starts &starts, const State &state) {
  SmallVector<Value> columns;
  auto type = VectorType::get({sizes.lanes}, stored(narrow));
  for (auto [p, start] : llvm::enumerate(starts.panels))
    for (int64_t v = 0; v < tile.width; ++v) {
      Value place = i.add(i.add(start, state.column), tile.part + v * sizes.lanes);
      // Where columns are missing, what lies there is not of the matrix.
      Value mask = sizes.masks && narrow == sum ? starts.masks[p * tile.width + v] : Value();
      Value y;
      if (mask)
        y = vector::MaskedLoadOp::create(b, type, panels, ValueRange{place}, mask, zeros());
      else
        y = vector::LoadOp::create(b, type, panels, ValueRange{place});
      columns.push_back(widen(b, y, narrow, sum));
    }
  State next{i.add(state.row, rowStep), i.add(state.column, panelStep), state.sums};
  auto to = next.sums.begin();
  for (Value start : starts.rows) {
    Value x = memref::LoadOp::create(b, rows, ValueRange{i.add(start, state.row)});
    x = vector::BroadcastOp::create(b, vector, x);
    for (Value y : columns) {
      if (fma)
        *to = math::FmaOp::create(b, x, y, *to);
      else
        *to = arith::AddFOp::create(b, *to, arith::MulFOp::create(b, x, y));
      ++to;
    }
  }
  return next;
}

Multiplier::State Multiplier::steps(const Tile &tile, const Starts &starts, Value from, Value to,
                                    int64_t unroll, const State &state) {
  SmallVector<Value> carried{state.row, state.column};
  carried.append(state.sums);
  auto loop = scf::ForOp::create(b, from, to, i.constant(unroll), carried);
  auto unpack = [](ValueRange values) {
    return State{values[0], values[1], llvm::to_vector(values.drop_front(2))};
  };
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  State next = unpack(loop.getRegionIterArgs());
  for (int64_t u = 0; u < unroll; ++u)
    next = step(tile, starts, next);
  carried = {next.row, next.column};
  carried.append(next.sums);
  scf::YieldOp::create(b, carried);
  return unpack(loop.getResults());
}

Multiplier::Starts Multiplier::starts(Value block, Value panel, const Tile &tile) {
  Starts starts;
  Value start = i.add(rowStart, i.mul(block, blockStride));
  for (int64_t r = 0; r < tile.rows; ++r, start = i.add(start, rowStride)) {
    // Else LLVM would add up the distances of the rows at each step.
    starts.rows.push_back(inRegister(b, start));
  }
  for (int64_t p = 0; p < tile.panels; ++p) {
    Value number = i.add(panel, p);
    starts.panels.push_back(i.add(panelStart, i.mul(number, panelStride)));
    for (int64_t v = 0; v < tile.width; ++v) {
      Value column = i.add(i.mul(number, sizes.NR), tile.part + v * sizes.lanes);
      starts.columns.push_back(column);
      auto type = VectorType::get({sizes.lanes}, b.getI1Type());
      bool masked = tile.masked && p == tile.panels - 1;
      starts.masks.push_back(masked ? Value(vector::CreateMaskOp::create(b, type, i.sub(N, column)))
                                    : Value());
    }
  }
  return starts;
}

/// What C holds at the place of a sum.
Value Multiplier::found(const Starts &starts, int64_t number,
                        function_ref<SmallVector<Value>(int64_t)> place) {
  if (Value mask = starts.masks[number % starts.masks.size()])
    return vector::MaskedLoadOp::create(b, vector, result, place(number), mask, zeros());
  return vector::LoadOp::create(b, vector, result, place(number));
}

/// What the sums start with.
SmallVector<Value> Multiplier::initial(const Tile &tile, const Starts &starts,
                                       function_ref<SmallVector<Value>(int64_t)> place) {
  int64_t count = tile.rows * starts.columns.size();
  SmallVector<Type> types(count, vector);
  Value no = b.createOrFold<arith::XOrIOp>(apart, arith::ConstantIntOp::create(b, 1, 1));
  auto start = scf::IfOp::create(b, types, both(add, no), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&start.getThenRegion().front());
  SmallVector<Value> before;
  for (int64_t s = 0; s < count; ++s)
    before.push_back(found(starts, s, place));
  scf::YieldOp::create(b, before);
  b.setInsertionPointToStart(&start.getElseRegion().front());
  scf::YieldOp::create(b, SmallVector<Value>(count, zeros()));
  return llvm::to_vector(ValueRange(start.getResults()));
}

/// The sums, with what C holds where they were taken apart from it.
SmallVector<Value> Multiplier::joined(const Starts &starts, ArrayRef<Value> sums,
                                      function_ref<SmallVector<Value>(int64_t)> place) {
  SmallVector<Type> types(sums.size(), vector);
  auto join = scf::IfOp::create(b, types, both(add, apart), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&join.getThenRegion().front());
  SmallVector<Value> all;
  for (auto [s, sum] : llvm::enumerate(sums))
    all.push_back(arith::AddFOp::create(b, found(starts, s, place), sum));
  scf::YieldOp::create(b, all);
  b.setInsertionPointToStart(&join.getElseRegion().front());
  scf::YieldOp::create(b, sums);
  return llvm::to_vector(ValueRange(join.getResults()));
}

/// The next tile of these panels follows below.
void Multiplier::prefetch(Value block, Value panel, const Tile &tile) {
  Value row = i.mul(i.add(block, 1), height);
  for (int64_t r = 0; r < tile.rows && !tile.masked; ++r)
    for (int64_t p = 0; p < tile.panels && tile.part == 0; ++p)
      memref::PrefetchOp::create(b, result,
                                 ValueRange{i.add(row, r), i.mul(i.add(panel, p), sizes.NR)},
                                 /*isWrite=*/true, /*localityHint=*/3, /*isDataCache=*/true);
}

/// The sums of one tile for the range of steps.
void Multiplier::tile(Value block, Value panel, Tile tile) {
  Starts at = starts(block, panel, tile);
  Value row = i.mul(block, height);
  auto place = [&](int64_t s) {
    int64_t vectors = at.columns.size();
    return SmallVector<Value>{i.add(row, s / vectors), at.columns[s % vectors]};
  };
  Value from = i.constant(0);
  State state{from, from, initial(tile, at, place)};
  prefetch(block, panel, tile);
  int64_t unroll = sizes.unroll;
  if (unroll > 1) {
    Value rest = b.createOrFold<arith::RemUIOp>(count, i.constant(unroll));
    Value end = i.sub(count, rest);
    state = steps(tile, at, from, end, unroll, state);
    from = end;
  }
  state = steps(tile, at, from, count, 1, state);
  for (auto [s, sum] : llvm::enumerate(joined(at, state.sums, place)))
    if (Value mask = at.masks[s % at.masks.size()])
      vector::MaskedStoreOp::create(b, result, place(s), mask, sum);
    else
      vector::StoreOp::create(b, sum, result, place(s));
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

/// Panels that have all their columns, `count` at a time, and the rest.
void Multiplier::stripes(int64_t count, function_ref<void(Value)> whole,
                         function_ref<void(Value)> rest) {
  Value full = i.min(lastPanel, b.createOrFold<arith::DivUIOp>(N, i.constant(sizes.NR)));
  Value length = i.max(i.sub(full, firstPanel), i.constant(0));
  Value end =
      i.add(firstPanel, i.sub(length, b.createOrFold<arith::RemUIOp>(length, i.constant(count))));
  forRange(b, firstPanel, end, count, whole);
  rest(end);
}

/// One block of few rows: several panels side by side, so that there are enough sums
/// and enough streams from memory.
void Multiplier::few(Value left, int64_t count, int64_t panelsOfTile) {
  stripes(
      panelsOfTile,
      [&](Value panel) { tile(firstBlock, panel, {count, panelsOfTile, 0, vectorsOfPanel()}); },
      [&](Value first) {
        forRange(b, first, lastPanel, 1, [&](Value panel) {
          Value whole = i.lessOrEqual(i.mul(i.add(panel, 1), sizes.NR), N);
          when(
              b, whole, [&] { tiles(firstBlock, panel, {count, 1, 0, 1}); },
              [&] { tiles(firstBlock, panel, {count, 1, 0, 1, true}); });
        });
      });
}

/// The tiles of all blocks, for some panels.
void Multiplier::down(Value panel, int64_t count, bool masked) {
  forRange(b, firstBlock, lastBlock, 1, [&](Value block) {
    // Packed rows come in blocks of their own.
    heights(left(block), std::max(sizes.MR, blockRows), [&](int64_t rows) {
      if (vectorsOfPanel() > 1 && count == 1)
        tiles(block, panel, {rows, 1, 0, 1, masked});
      else
        tile(block, panel, {rows, count, 0, vectorsOfPanel(), masked});
    });
  });
}

/// The panels behind the last stripe: one tile, as wide as it must be.
void Multiplier::rest(Value panel) {
  if (sizes.panels == 1)
    return forRange(b, panel, lastPanel, 1, [&](Value panel) { down(panel, 1, true); });
  Value count = i.sub(lastPanel, panel);
  for (int64_t panels = 1; panels <= sizes.panels; ++panels)
    when(b, b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, count, i.constant(panels)),
         [&] { down(panel, panels, true); });
}

void Multiplier::all() {
  stripes(
      sizes.panels, [&](Value panel) { down(panel, sizes.panels, false); },
      [&](Value panel) { rest(panel); });
}

void Multiplier::emit() {
  // Tiles of wide registers are several panels wide, and with narrow ones a panel is
  // wide enough.
  if (vectorsOfPanel() != 2)
    return all();
  Value count = left(firstBlock);
  Value one = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, i.sub(lastBlock, firstBlock),
                                            i.constant(1));
  auto is = [&](int64_t rows) {
    Value equal = b.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, count, i.constant(rows));
    return b.createOrFold<arith::AndIOp>(one, equal);
  };
  // Four streams from memory: eight are slower (docs/performance/products.md).
  when(
      b, is(1), [&] { few(count, 1, 4); },
      [&] { when(b, is(2), [&] { few(count, 2, 2); }, [&] { all(); }); });
}

} // namespace

func::FuncOp KernelLibrary::multiplyStrided(Type panels, Type sum, bool fma) {
  std::string name = llvm::formatv("multiply.{0}.{1}{2}", panels, sum, fma ? "" : ".rounded");
  MLIRContext *context = module.getContext();
  SmallVector<Type> arguments{flat(sum), flat(panels), rows(sum)};
  arguments.append(13, IndexType::get(context));
  arguments.append(2, IntegerType::get(context, 1));
  TileSizes sizes = this->sizes(sum);
  return find(name, arguments, [&](ImplicitLocOpBuilder &b, ValueRange values) {
    Multiplier(b, values, sizes, panels, sum, fma).emit();
  });
}

func::FuncOp KernelLibrary::multiplyPanels(Type panels, Type sum, bool fma, bool inPlace) {
  std::string name = llvm::formatv("multiply_{0}.{1}.{2}{3}", inPlace ? "rows" : "panels", panels,
                                   sum, fma ? "" : ".rounded");
  MLIRContext *context = module.getContext();
  func::FuncOp strided = multiplyStrided(panels, sum, fma);
  SmallVector<Type> arguments{inPlace ? rows(sum) : flat(sum), flat(panels), rows(sum)};
  arguments.append(8, IndexType::get(context));
  arguments.append(2, IntegerType::get(context, 1));
  TileSizes sizes = this->sizes(sum);
  return find(name, arguments, [&](ImplicitLocOpBuilder &b, ValueRange a) {
    Index i(b);
    Value K = a[3], first = a[8], last = a[9], height = a[10], one = i.constant(1);
    FlatMatrix left{a[0], one, i.constant(blockRows)};
    if (inPlace)
      left = flatten(b, a[0]);
    Value block = inPlace ? i.mul(left.rows, height) : i.mul(K, blockRows);
    func::CallOp::create(b, strided,
                         ValueRange{left.memory, a[1], a[2], i.mul(first, left.columns), block,
                                    left.rows, left.columns, i.mul(first, sizes.NR),
                                    i.mul(K, sizes.NR), i.constant(sizes.NR), i.sub(last, first),
                                    a[4], a[5], a[6], a[7], height, a[11], a[12]});
  });
}

} // namespace mad::kernels
