//===- LutDecode.cpp - A weight of few bits as a matrix ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// [M, K], in the type of x: a warp a record. The four lanes of a row exchange what they have of two
// fragments, so that each stores eight neighbours: 16 bytes, or 32 of f32.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

namespace {
struct LutDecode {
  GpuBuilder &g;
  const LutSpec &spec;
  const TileLayout &layout;
  Value tiles, weight;
  int64_t rowElements;
  Value lane, tile, block; ///< the record is number `block` of the tile

  /// Scales of columns g and g + 8.
  std::pair<Value, Value> scalesOf(Value record, int part) {
    if (!layout.hasLateScale())
      return lutScales(g, spec, record, part, lane);
    Type f32 = g.b.getF32Type();
    Value late = g.bytesAt(tiles, Number(g.wide(layout.lateOffset())));
    Value column = g.add(g.mul(tile, int(TileLayout::columns)), g.div(lane, 4));
    return {g.load(f32, g.at(late, f32, column)), g.load(f32, g.at(late, f32, g.add(column, 8)))};
  }
  std::pair<Value, Value> zerosOf(Value record, int part) {
    if (!layout.hasLateScale())
      return lutZeros(g, spec, record, part, lane);
    Value late = g.bytesAt(tiles, Number(g.wide(layout.lateZerosOffset())));
    Value column = g.add(g.mul(tile, int(TileLayout::columns)), g.div(lane, 4));
    auto zero = [&](int h) -> Value {
      Value byte = g.load(g.b.getI8Type(), g.bytesAt(late, g.add(column, 8 * h)));
      return arith::ExtUIOp::create(g.b, g.b.getI32Type(), byte);
    };
    return {zero(0), zero(1)};
  }
  /// Of column g + 8 h.
  Value fromTable(Value code, int h) {
    Type f32 = g.b.getF32Type();
    if (layout.hasColumnTables()) {
      Value column = g.add(g.add(g.mul(tile, int(TileLayout::columns)), g.div(lane, 4)), 8 * h);
      code = g.add(code, Number(g.mul(column, int(layout.tableNumbers()))));
    }
    Value table = g.bytesAt(tiles, Number(g.wide(layout.lateOffset())));
    return g.convert(g.load(f32, g.at(table, f32, code)), spec.element);
  }
  /// Pairs of k: pair i of lane t becomes pair t of lane i, of the four lanes of a row.
  Values exchanged(ValueRange eight) {
    Value t = g.rem(lane, 4);
    Type i32 = g.b.getI32Type(), pairType = g.vectorOf(2, spec.element);
    Values made(8);
    if (spec.element.isF32()) {
      for (int e = 0; e < 2; ++e) {
        Values words;
        for (int i = 0; i < 4; ++i)
          words.push_back(g.bits(eight[2 * i + e], i32));
        exchangeQuads(g, words, t);
        for (int i = 0; i < 4; ++i)
          made[2 * i + e] = g.bits(words[i], spec.element);
      }
      return made;
    }
    Values words;
    for (int i = 0; i < 4; ++i)
      words.push_back(g.bits(g.pack(eight.slice(2 * i, 2)), i32));
    exchangeQuads(g, words, t);
    for (int i = 0; i < 4; ++i)
      llvm::copy(g.unpack(g.bits(words[i], pairType)), made.begin() + 2 * i);
    return made;
  }
  /// Eight neighbours of column g + 8 h.
  void store(ValueRange eight, int h, int pair) {
    Value row = g.add(g.add(g.mul(tile, int(TileLayout::columns)), g.div(lane, 4)), 8 * h);
    Value k =
        g.add(g.mul(block, int(TileLayout::steps)), g.add(g.mul(g.rem(lane, 4), 8), 32 * pair));
    auto place = [&](int i) {
      return g.at(weight, spec.element, row, g.number(int(rowElements)), g.add(k, i));
    };
    const int vector = 16 / bytesOf(spec.element);
    if (layout.k % 8 == 0 && rowElements % vector == 0) {
      g.when(g.both(g.less(row, int(layout.m)), g.less(k, int(layout.k))), [&] {
        for (int i = 0; i < 8; i += vector)
          g.store(g.pack(eight.slice(i, vector)), place(i));
      });
      return;
    }
    for (int i = 0; i < 8; ++i)
      g.when(g.both(g.less(row, int(layout.m)), g.less(g.add(k, i), int(layout.k))),
             [&] { g.store(eight[i], place(i)); });
  }
  void write() {
    Value number = g.add(g.mul(tile, int(layout.records())), block);
    Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number), g.wide(layout.recordBytes()));
    Value record = g.bytesAt(tiles, Number(wide));
    LutCodes codes(g, spec, record, lane);
    Type f32 = g.b.getF32Type(), pairType = g.vectorOf(2, spec.factor());
    const int parts = std::max<int>(1, int(layout.groups()));
    const int each = int(TileLayout::fragments) / parts;
    Values eight[2];
    std::pair<Value, Value> scales;
    for (int f = 0; f < int(TileLayout::fragments); ++f) {
      if (f % each == 0 && !layout.isTable()) {
        scales = scalesOf(record, f / each);
        if (layout.format.affine) {
          auto [low, high] = zerosOf(record, f / each);
          codes.setZeros(low, high);
        }
      }
      Values fragment = layout.isTable() ? Values() : codes.fragment(f);
      for (int i = 0; i < 4; ++i) {
        if (layout.isTable()) {
          Value both = codes.codesOf(f, i);
          eight[i % 2].push_back(fromTable(g.bitAnd(both, 0xff), i % 2));
          eight[i % 2].push_back(fromTable(g.shiftRight(both, 16), i % 2));
          continue;
        }
        for (Value code : g.unpack(g.bits(fragment[i], pairType))) {
          Value value = arith::MulFOp::create(g.b, g.convert(code, f32),
                                              i % 2 ? scales.second : scales.first);
          eight[i % 2].push_back(g.convert(value, spec.element));
        }
      }
      if (f % 2 == 0)
        continue;
      for (int h = 0; h < 2; ++h) {
        store(exchanged(eight[h]), h, f / 2);
        eight[h].clear();
      }
    }
  }
};
} // namespace

void mad::device::writeLutDecode(GpuBuilder &g, const LutSpec &spec, const LutDecodeTile &tile,
                                 Value tiles, Value weight, int64_t rowElements) {
  Value warp = g.add(g.mul(g.block(), tile.warps), g.div(g.thread(), lanesOfWarp));
  const int records = int(spec.layout.records());
  g.when(g.less(warp, int(spec.layout.tiles()) * records), [&] {
    LutDecode{g,
              spec,
              spec.layout,
              tiles,
              weight,
              rowElements,
              g.rem(g.thread(), lanesOfWarp),
              g.div(warp, records),
              g.rem(warp, records)}
        .write();
  });
}
