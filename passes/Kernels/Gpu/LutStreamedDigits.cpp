//===- LutStreamedDigits.cpp - One row in digits, codes record by record ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The digits of x and their sums are made once, in shared memory, and read again for each group of
// tiles. Records come through the ring as for more rows (LutRows.cpp).
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/LutDigits.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

/// Digits of a record, and their sums for each group.
static int bytesOfRecord(const TileLayout &layout) {
  return LutDigits::digitBytes + std::max<int>(1, int(layout.groups())) * 32;
}

int64_t mad::device::lutDigitsBytes(const LutSpec &spec) {
  return spec.layout.records() * bytesOfRecord(spec.layout);
}

namespace {
struct StreamedDigits : LutDigits {
  using LutDigits::LutDigits;

  int columns() const { return tile.together * int(TileLayout::columns); }
  int sumsAt() const { return int(tile.xBytes(spec)) + tile.warps * ring.ringBytes(); }
  Value memoryOf(Value record) {
    return g.bytesAt(g.shared(), g.mul(record, bytesOfRecord(layout)));
  }
  Value sumsOf(Value record, int part) {
    return g.bytesAt(memoryOf(record), digitBytes + part * 32);
  }

  /// Digits of the records of this warp, two at a time. Gives whether some x is not finite.
  Value makeDigits() {
    Values seen = g.loop(first, last, 2, g.number(0), [&](Value start, ValueRange now) -> Values {
      Value record = g.add(start, g.div(lane, 16));
      Value inside = g.less(record, last);
      // Lanes without a record read that of the others, and write nothing.
      record = g.select(inside, record, start);
      Value seen = now[0];
      storeDigits(digitsOf(partOf(record), seen), memoryOf(record), inside);
      return {seen};
    });
    Value special = isSpecial(seen[0]);
    g.syncWarp();
    return special;
  }
  void addDigits() {
    g.loop(first, last, 1, {}, [&](Value record, ValueRange) -> Values {
      Values right = rightOf(memoryOf(record));
      for (int part = 0; part < parts(); ++part) {
        Values sums = sumsOfDigits(right, part);
        g.when(g.less(lane, 4),
               [&] { g.store(g.pack(sums), g.bytesAt(sumsOf(record, part), g.mul(lane, 8))); });
      }
      return {};
    });
    g.syncWarp();
  }

  /// Adds the products of a record of each tile. `zeros`: those of all k.
  void addRecord(Value stage, Value record, ValueRange zeros, Values &all) {
    Value base = ring.memory(stage);
    Values right = rightOf(memoryOf(record));
    SmallVector<Values> digitSums;
    for (int part = 0; part < parts(); ++part)
      digitSums.push_back(g.unpack(
          g.load(g.vectorOf(2, i32), g.bytesAt(sumsOf(record, part), g.mul(g.rem(lane, 4), 8)))));
    const int each = chunks / parts();
    for (int r = 0; r < tile.together; ++r) {
      Value own = g.bytesAt(base, r * ring.recordBytes());
      Values words = LutCodes(g, spec, own, lane).words();
      Values late = zeros.empty() ? Values() : Values{zeros[2 * r], zeros[2 * r + 1]};
      for (int part = 0; part < parts(); ++part) {
        Values sums = beginning(digitSums[part], zerosOf(own, part, late));
        for (int chunk = part * each; chunk < (part + 1) * each; ++chunk)
          sums = products(words, right, chunk, sums);
        addScaled(own, part, sums, MutableArrayRef<Value>(all).slice(4 * r, 4));
      }
    }
  }

  /// As [warps][tiles][16 columns].
  void leave(Value at, ValueRange all, ValueRange units) {
    Value mine = g.at(g.bytesAt(g.shared(), at), f32, g.mul(ring.warp, columns()));
    Value t = g.rem(lane, 4), column = g.add(g.div(lane, 4), g.mul(t, 8));
    for (int r = 0; r < tile.together; ++r) {
      Value sum = wholeSum(all.slice(4 * r, 4), units);
      g.when(g.less(t, 2),
             [&] { g.store(sum, g.at(mine, f32, g.add(column, r * int(TileLayout::columns)))); });
    }
  }
  void finish(Value group, Value at) {
    g.when(g.less(g.thread(), columns()), [&] {
      Value column = g.add(g.mul(group, columns()), g.thread());
      g.when(g.less(column, int(layout.m)), [&] {
        Value start = g.at(g.bytesAt(g.shared(), at), f32, g.thread());
        Value sum = g.load(f32, start);
        for (int w = 1; w < tile.warps; ++w)
          sum = arith::AddFOp::create(g.b, sum, g.load(f32, g.at(start, f32, w * columns())));
        finishColumn(column, sum);
      });
    });
  }

  void write() {
    if (tile.early)
      g.letNextStart();
    LutRing::Place ahead = ring.fill();
    if (tile.early)
      g.waitForBefore();
    Value special = makeDigits();
    addDigits();
    Values units = unitsOfLane();
    units[0] = g.select(special, g.f32(NAN), units[0]);
    auto add = [&](Value stage, Value record, ValueRange zeros, Values &all) {
      addRecord(stage, record, zeros, all);
    };
    auto leave = [&](Value at, ValueRange all) { this->leave(at, all, units); };
    auto finish = [&](Value group, Value at) { this->finish(group, at); };
    ring.forGroups(ahead, {4 * tile.together, sumsAt(), add, leave, finish});
  }
};
} // namespace

void mad::device::writeLutStreamedDigits(GpuBuilder &g, const LutSpec &spec,
                                         const LutRowsTile &tile, const LutArguments &arguments) {
  StreamedDigits(g, spec, tile, arguments).write();
}
