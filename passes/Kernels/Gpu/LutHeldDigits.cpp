//===- LutHeldDigits.cpp - One row in digits, which stay in registers -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chip reads 2 bits and less faster than the chain behind the wait for the kernel in front takes:
// x, its digits, products, sums. So as many codes as fit are on their way before that wait, and
// little is left for behind it. Each warp has the same few records of every tile, and their digits
// in registers. A stage is what a warp needs of a tile. Digits go to the lanes that multiply with
// them a record at a time, which takes little memory. Sums of as many tiles as there are stages are
// finished together, behind one barrier.
//
// Of 2 bits the next kernel may begin at once: from its start on it has as much to copy as there is
// time for.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/LutDigits.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

static constexpr int mostHeld = 4; ///< records of a warp, with one group each

/// Of a stage, the sums of a warp.
static constexpr int sumBytes = int(TileLayout::columns) * 4;

static int64_t bytesOfWarp(const LutSpec &spec, const LutRowsTile &tile) {
  return tile.stages * tile.stageBytes(spec) +
         std::max(LutDigits::digitBytes, tile.stages * sumBytes);
}

int64_t mad::device::lutHeldBytes(const LutSpec &spec, const LutRowsTile &tile) {
  return tile.warps * bytesOfWarp(spec, tile);
}

bool mad::device::takesHeldDigits(const LutSpec &spec, const LutRowsTile &tile) {
  const int64_t records = spec.layout.records();
  return takesLutDigits(spec) && spec.layout.bits() <= 2 && records % tile.warps == 0 &&
         records / tile.warps * std::max<int64_t>(1, spec.layout.groups()) <= mostHeld;
}

std::optional<LutRowsTile> mad::device::lutHeldTile(const LutSpec &spec, int64_t most) {
  LutRowsTile tile;
  tile.rows = 1, tile.together = 2, tile.digits = tile.held = true;
  for (tile.warps = 8; tile.warps > 1 && !takesHeldDigits(spec, tile);)
    --tile.warps;
  if (!takesHeldDigits(spec, tile))
    return std::nullopt;
  for (tile.stages = 8; tile.stages > 2; tile.stages -= tile.together)
    if (lutHeldBytes(spec, tile) <= most)
      return tile;
  return std::nullopt;
}

namespace {
struct HeldDigits : LutDigits {
  using LutDigits::LutDigits;

  int records() const { return int(tile.heldRecords(spec)); }
  int stageBytes() const { return int(tile.stageBytes(spec)); }
  int tiles() const { return int(layout.tiles()); }
  Value own; ///< memory of this warp
  Value stage(Number slot) { return g.bytesAt(own, g.mul(slot, stageBytes())); }
  Value sumsOf(Number slot) {
    return g.bytesAt(own, g.add(g.mul(slot, sumBytes), tile.stages * stageBytes()));
  }
  /// Sums of a warp, from those of the first one.
  int nextWarp() const { return int(bytesOfWarp(spec, tile)); }

  //===- Codes ------------------------------------------------------------------===//
  /// A group of copies of its own: the records of this warp of a tile, or zeros where there is
  /// none, without a branch.
  void copy(Value to, Value number) {
    Value valid = g.select(g.less(number, tiles()), g.number(16), g.number(0));
    number = g.min(number, tiles() - 1);
    Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number),
                                                 g.wide(layout.records() * layout.recordBytes()));
    Value from =
        g.bytesAt(g.bytesAt(arguments.tiles, Number(wide)), g.mul(ring.warp, stageBytes()));
    copyByLanes(g, lane, to, from, stageBytes(), valid);
    g.commitCopies();
  }

  //===- x ------------------------------------------------------------------------===//
  SmallVector<Values> right; ///< of each record
  SmallVector<Values> sums;  ///< of its digits, by groups
  Value unit, ratio;

  void makeDigits() {
    SmallVector<PartOfX> parts;
    for (int r = 0; r < records(); r += 2) {
      // The other half of the lanes without a record reads the same.
      Value record = g.min(g.add(g.div(lane, 16), r), records() - 1);
      parts.push_back(partOf(g.add(first, Number(record))));
    }
    // Where later the sums lie.
    Value seen = g.number(0), exchange = sumsOf(0);
    for (const PartOfX &part : parts) {
      Values words = digitsOf(part, seen);
      for (int half = 0; half < 2 && int(right.size()) < records(); ++half) {
        storeDigits(words, exchange, g.equal(g.div(lane, 16), half));
        g.syncWarp();
        right.push_back(rightOf(exchange));
        g.syncWarp();
      }
    }
    Value special = isSpecial(seen);
    unit = g.select(special, g.f32(NAN), unitsOfLane()[0]);
    ratio = ratioOfLane();
  }
  void addDigits() {
    for (const Values &words : right)
      for (int part = 0; part < parts(); ++part)
        sums.push_back(sumsOfDigits(words, part));
  }

  //===- Products -----------------------------------------------------------------===//
  /// Where tiles lie, and their numbers.
  struct Taken {
    Value slot, from, number;
  };
  /// The sums of tiles over the records of this warp, for a column of each.
  void multiply(ArrayRef<Taken> taken) {
    SmallVector<SmallVector<Values>> words(taken.size()), now(taken.size());
    auto record = [&](const Taken &of, int r) {
      return g.bytesAt(of.from, r * ring.recordBytes());
    };
    for (auto [i, of] : llvm::enumerate(taken)) {
      Values late = lutLateZeros(g, spec, /*together=*/1, arguments.tiles, of.number, lane);
      for (int r = 0; r < records(); ++r) {
        words[i].push_back(LutCodes(g, spec, record(of, r), lane).words());
        for (int part = 0; part < parts(); ++part)
          now[i].push_back(beginning(sums[r * parts() + part], zerosOf(record(of, r), part, late),
                                     /*from=*/0));
      }
    }
    // Those of a record wait for each other, so records and tiles take turns.
    const int each = chunks / parts();
    for (int chunk = 0; chunk < chunks; ++chunk)
      for (size_t i = 0; i < taken.size(); ++i)
        for (int r = 0; r < records(); ++r) {
          Values &sum = now[i][r * parts() + chunk / each];
          sum = products(words[i][r], right[r], chunk, sum);
        }
    SmallVector<Value> whole;
    for (auto [i, of] : llvm::enumerate(taken)) {
      Values all(2, g.f32(0));
      for (int r = 0; r < records(); ++r)
        for (int part = 0; part < parts(); ++part)
          addPairs(record(of, r), part, now[i][r * parts() + part], ratio, all);
      whole.push_back(wholeSumOfPairs(all, unit));
    }
    Value t = g.rem(lane, 4), column = g.add(g.div(lane, 4), g.mul(t, 8));
    g.when(g.less(t, 2), [&] {
      for (auto [of, sum] : llvm::zip_equal(taken, whole))
        g.store(sum, g.at(sumsOf(of.slot), f32, column));
    });
  }
  /// Columns of the tiles of all stages, from `number` on.
  void finish(Value number) {
    constexpr int columns = int(TileLayout::columns);
    g.loop(g.thread(), tile.stages * columns, tile.threads(), {},
           [&](Value i, ValueRange) -> Values {
             Value tileNumber = g.add(number, g.mul(g.div(i, columns), Number(g.blocks())));
             Value column = g.add(g.mul(tileNumber, columns), g.rem(i, columns));
             g.when(g.less(column, int(layout.m)), [&] {
               Value start = g.at(g.bytesAt(g.shared(), tile.stages * stageBytes()), f32, i);
               Values parts;
               for (int w = 0; w < tile.warps; ++w)
                 parts.push_back(g.load(f32, g.bytesAt(start, w * nextWarp())));
               finishColumn(column, sumOf(parts));
             });
             return {};
           });
  }
  /// Halves in turn, for a short chain.
  Value sumOf(ValueRange parts) {
    if (parts.size() == 1)
      return parts.front();
    const size_t half = parts.size() / 2;
    return arith::AddFOp::create(g.b, sumOf(parts.take_front(half)), sumOf(parts.drop_front(half)));
  }

  void write() {
    own = g.bytesAt(g.shared(), g.mul(ring.warp, nextWarp()));
    Value blocks = g.blocks(), block = g.block();
    Value ahead = g.mul(blocks, tile.stages);
    // The next kernel may start at once: it fills its rings while this one waits. What a
    // multiprocessor reads and writes waits behind all copies that it has sent before, so the first
    // ones go one at a time, while the kernel in front reads its x, then two.
    const bool soon = tile.early && layout.bits() > 1, later = tile.early && !soon;
    if (soon)
      g.letNextStart();
    constexpr int alone = 3;
    for (int s = 0; s < tile.stages; ++s) {
      const int before = soon && s < alone ? 0 : 1; // on their way
      if (tile.early && s > before)
        g.waitCopies(before);
      copy(stage(s), g.add(block, g.mul(blocks, s)));
    }
    if (tile.early)
      g.waitForBefore();
    makeDigits();
    if (later)
      g.letNextStart();
    addDigits();
    g.loop(block, tiles(), ahead, {}, [&](Value start, ValueRange) -> Values {
      Value next = g.add(start, Number(ahead)), end = g.min(next, tiles());
      Value step = g.mul(blocks, tile.together), zero = g.number(0);
      // Tiles that are not there have codes of zero.
      g.loop(start, end, Number(step), zero, [&](Value number, ValueRange now) -> Values {
        Value slot = now[0];
        g.waitCopies(tile.stages - tile.together);
        g.syncWarp();
        SmallVector<Taken> taken;
        for (int i = 0; i < tile.together; ++i) {
          Value own = g.add(slot, i);
          taken.push_back({own, stage(own), g.add(number, g.mul(blocks, i))});
        }
        multiply(taken);
        g.syncWarp();
        auto copies = [&] {
          for (const Taken &of : taken)
            copy(of.from, g.add(of.number, Number(ahead)));
        };
        auto none = [&] {
          for (int i = 0; i < tile.together; ++i)
            g.commitCopies();
        };
        g.when(g.less(next, tiles()), copies, none);
        return {g.add(slot, tile.together)};
      });
      g.barrier();
      finish(start);
      g.when(g.less(next, tiles()), [&] { g.barrier(); });
      return {};
    });
    g.waitCopies(0);
  }
};
} // namespace

void mad::device::writeLutHeldDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                                     const LutArguments &arguments) {
  HeldDigits(g, spec, tile, arguments).write();
}
