//===- LutRing.cpp - Records of few bits on their way to a warp -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutRing.h"

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

LutRing::LutRing(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile, Value tiles,
                 int start)
    : g(g), spec(spec), tile(tile), layout(spec.layout), tiles(tiles) {
  lane = g.rem(g.thread(), lanesOfWarp);
  warp = g.div(g.thread(), lanesOfWarp);
  const int records = int(layout.records());
  first = g.div(g.mul(warp, records), tile.warps);
  last = g.div(g.mul(g.add(warp, 1), records), tile.warps);
  ring = g.add(g.mul(warp, ringBytes()), start);
}

LutRing::Place LutRing::next(const Place &at) {
  Value record = g.add(at.record, 1), over = g.equal(record, last);
  return {g.select(over, g.add(at.group, g.blocks()), at.group), g.select(over, first, record)};
}

Value LutRing::nextStage(Value stage) {
  Value next = g.add(stage, stageBytes());
  return g.select(g.equal(next, ringBytes()), g.number(0), next);
}

void LutRing::start(Value stage, const Place &at) {
  auto copies = [&] {
    Value from = memory(stage);
    for (int r = 0; r < tile.together; ++r) {
      Value number = g.add(g.mul(at.group, tile.together), r);
      if (layout.tiles() % tile.together)
        number = g.min(number, int(layout.tiles()) - 1);
      Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number),
                                                   g.wide(layout.records() * recordBytes()));
      Value record = g.bytesAt(g.bytesAt(tiles, Number(wide)), g.mul(at.record, recordBytes()));
      copyByLanes(g, lane, g.bytesAt(from, r * recordBytes()), record, recordBytes());
    }
  };
  g.when(g.less(at.group, work()), copies);
  g.commitCopies();
}

LutRing::Place LutRing::fill(bool paced) {
  Place at{g.block(), first};
  for (int i = 0; i < tile.stages - 1; ++i) {
    if (paced && i)
      g.waitCopies(0);
    start(g.number(i * stageBytes()), at);
    at = next(at);
  }
  return at;
}

void LutRing::forGroups(const Place &ahead, const Walk &walk) {
  Values carried{g.number(0), g.number((tile.stages - 1) * stageBytes()), ahead.group, ahead.record,
                 g.number(walk.sumsAt)};
  g.loop(g.block(), work(), g.blocks(), carried, [&](Value group, ValueRange now) -> Values {
    Values inner(now.take_front(4));
    Values zeros = lutLateZeros(g, spec, tile.together, tiles, group, lane), begun;
    Value at = now[4];
    if (walk.begin)
      begun = walk.begin(group, at);
    inner.append(walk.sums, g.f32(0));
    Values done = g.loop(first, last, 1, inner, [&](Value record, ValueRange now) -> Values {
      g.waitCopies(tile.stages - 2);
      g.syncWarp();
      Place at{now[2], now[3]};
      start(now[1], at);
      Values sums(now.drop_front(4));
      walk.add(now[0], record, zeros, sums);
      Place ahead = next(at);
      Values next{nextStage(now[0]), nextStage(now[1]), ahead.group, ahead.record};
      next.append(sums);
      return next;
    });
    walk.leave(at, ValueRange(done).drop_front(4));
    // The other half is free: all have passed a barrier since it was read.
    Value other = g.select(g.equal(at, walk.sumsAt),
                           g.number(walk.sumsAt + int(tile.sumBytes(spec))), g.number(walk.sumsAt));
    if (walk.end)
      walk.end(begun, other);
    g.barrier();
    walk.finish(group, at);
    return {done[0], done[1], done[2], done[3], other};
  });
  g.waitCopies(0);
}

void mad::device::copyByLanes(GpuBuilder &g, Value lane, Value to, Value from, int bytes,
                              Value valid) {
  constexpr int atOnce = 16 * lanesOfWarp;
  Value own = g.mul(lane, 16);
  to = g.bytesAt(to, own), from = g.bytesAt(from, own);
  for (int done = 0; done < bytes; done += atOnce) {
    auto copy = [&] { g.copyAsync(g.bytesAt(to, done), g.bytesAt(from, done), 16, valid); };
    if (done + atOnce <= bytes)
      copy();
    else
      g.when(g.less(lane, (bytes - done) / 16), copy);
  }
}

Values mad::device::lutLateZeros(GpuBuilder &g, const LutSpec &spec, int together, Value tiles,
                                 Value group, Value lane) {
  const TileLayout &layout = spec.layout;
  Values zeros;
  if (!layout.hasLateScale() || !layout.format.affine)
    return zeros;
  Value start = g.bytesAt(tiles, Number(g.wide(layout.lateZerosOffset())));
  for (int r = 0; r < together; ++r) {
    Value number = g.min(g.add(g.mul(group, together), r), int(layout.tiles()) - 1);
    Value column = g.add(g.mul(number, int(TileLayout::columns)), g.div(lane, 4));
    for (int h = 0; h < 2; ++h) {
      Value byte = g.load(g.b.getI8Type(), g.bytesAt(start, g.add(column, 8 * h)));
      zeros.push_back(arith::ExtUIOp::create(g.b, g.b.getI32Type(), byte));
    }
  }
  return zeros;
}

void mad::device::storeLutSum(GpuBuilder &g, const LutSpec &spec, const LutArguments &arguments,
                              Value sum, Value row, Value epilogueRow, Value column) {
  Type f32 = g.b.getF32Type();
  if (spec.layout.hasLateScale()) {
    Value late = g.bytesAt(arguments.tiles, Number(g.wide(spec.layout.lateOffset())));
    sum = arith::MulFOp::create(g.b, sum, g.load(f32, g.at(late, f32, column)));
  }
  if (spec.epilogue.apply)
    sum = spec.epilogue.apply(g, arguments.epilogue, sum, epilogueRow, column);
  g.store(g.convert(sum, spec.output), g.at(arguments.y, spec.output, row, arguments.rowY, column));
}
