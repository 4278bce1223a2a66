//===- FewRowsApart.cpp - Few rows with a ring of A alone --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy engine serves a block in the order in which it is asked, so A, which nothing can be
// multiplied without, waits behind what is on its way of B. So each factor has a ring and a warp
// that fills it. B, which does not wait for the kernel in front, may fill its own, but only so many
// stages are on their way at a time: what keeps memory busy, and little more.
//
// At the end each block of the cluster has the sums of some rows, which it writes as whole lines of
// memory. Those of the other block come by st.async, which tells a barrier that they are there: an
// arrival at the barrier of the cluster would wait for everything.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/FewRows.h"

using namespace mlir;
using namespace mad::device;

Value FewRowsMatmul::stageOfA(Value stage) {
  return g.add(g.mul(stage, tile.stageBytesOfA(bytes())), tile.stages * stageBytes());
}

void FewRowsMatmul::copyColumns() {
  // A stage begins once one has landed, and once it was read.
  Values carried{g.number(tile.onTheWay), g.number(1), g.number(0), g.number(0)};
  g.loop(g.add(k0, tile.onTheWay * nextK()), arguments.k, nextK(), carried,
         [&](Value k, ValueRange now) -> Values {
           Place at{now[0], now[1]}, landed{now[2], now[3]};
           g.barrierWait(full(landed.stage), landed.phase);
           g.when(g.less(g.add(k0, tile.stages * nextK() - 1), k),
                  [&] { g.barrierWait(empty(at.stage), at.phase); });
           startB(at.stage, k);
           Place next = after(at), nextLanded = after(landed);
           return {next.stage, next.phase, nextLanded.stage, nextLanded.phase};
         });
}

void FewRowsMatmul::copyRows() {
  g.loop(k0, arguments.k, nextK(), {g.number(0), g.number(1)},
         [&](Value k, ValueRange now) -> Values {
           Place at{now[0], now[1]};
           g.when(g.less(g.add(k0, tile.stagesOfA * nextK() - 1), k),
                  [&] { g.barrierWait(emptyA(at.stage), at.phase); });
           g.barrierExpect(fullA(at.stage), tile.stageBytesOfA(bytes()));
           copyBoxesOfA(at.stage, k);
           Place next = after(at, tile.stagesOfA);
           return {next.stage, next.phase};
         });
}

Values FewRowsMatmul::sumsApart() {
  if (tile.early)
    g.letNextStart();
  Value isFirst = g.equal(lane, 0), copiesA = g.equal(warp, tile.warps() + 1);
  g.when(g.both(isCopier(), isFirst), [&] {
    g.prefetchMap(arguments.b);
    makeBarriers();
    g.barrierExpect(haveSums(), (tile.cluster - 1) * tile.ownRows() * tile.columns * 4);
    forFirst(0, tile.onTheWay, [&](Value stage, Value k) { startB(stage, k); });
  });
  g.when(g.both(copiesA, isFirst), [&] {
    g.prefetchMap(arguments.a);
    fetchA();
  });
  g.barrier();
  // It has begun: others may leave sums here. The fence has ordered the barriers; an arrival that
  // orders memory would wait for all copies.
  g.clusterArrive(/*relaxed=*/true);
  g.when(isCopier(), [&] {
    g.when(isFirst, [&] { copyColumns(); });
    g.syncWarp();
  });
  if (tile.early)
    g.waitForBefore();
  return g.choose(
      g.less(warp, tile.warps()), [&] { return multiplyStagesByGroups(); },
      [&] {
        g.when(g.both(copiesA, isFirst), [&] { copyRows(); });
        g.syncWarp();
        return noSums();
      });
}

Value FewRowsMatmul::pairAt(Value part, Value pair, Value column) {
  const int pairs = tile.ownRows() / 2, width = (tile.columns + 4) * 2; // keeps stores apart
  Value sums = g.bytesAt(g.shared(), tile.ringBytes(bytes()));
  Value row = g.mul(g.add(g.mul(part, pairs), pair), width);
  return g.at(sums, g.b.getF32Type(), g.add(row, g.mul(column, 2)));
}

void FewRowsMatmul::sendSums(ValueRange sums) {
  const int own = tile.ownRows() / 8;
  for (int owner = 0; owner < tile.cluster; ++owner) {
    auto each = [&](llvm::function_ref<void(Value two, Value at)> put) {
      for (int group = 0; group < own; ++group)
        for (int half = 0; half < 2; ++half) {
          const int i = ((owner * own + group) * 2 + half) * 2;
          Value pair = g.add(g.rem(lane, 4), group * 4);
          Value column = g.add(g.add(g.mul(warpAcross, 16), g.div(lane, 4)), half * 8);
          put(g.pack({sums[i], sums[i + 1]}), pairAt(rank, pair, column));
        }
    };
    g.when(
        g.equal(rank, owner), [&] { each([&](Value two, Value at) { g.store(two, at); }); },
        [&] {
          Value there = g.inBlock(haveSums(), owner);
          each([&](Value two, Value at) {
            g.storeAsync(g.bits(two, g.b.getI64Type()), g.inBlock(at, owner), there);
          });
        });
  }
}

/// `count` neighbouring columns of two rows, in an order that does not depend on which block it is.
void FewRowsMatmul::storePair(Value pair, Value column, int count) {
  const int together = std::min(count, 2); // columns, of 8 bytes each
  Type some = g.vectorOf(2 * together, g.b.getF32Type());
  Values rows[2];
  for (int i = 0; i < count; i += together) {
    Value sum;
    for (int part = 0; part < tile.cluster; ++part) {
      Value next = g.load(some, pairAt(g.number(part), pair, g.add(column, i)));
      sum = sum ? arith::AddFOp::create(g.b, sum, next).getResult() : next;
    }
    for (auto [j, x] : llvm::enumerate(g.unpack(sum)))
      rows[j % 2].push_back(x);
  }
  Value row0 = g.add(g.mul(rank, tile.ownRows()), g.mul(pair, 2));
  for (int i = 0; i < 2; ++i) {
    Value row = g.add(row0, i);
    g.when(g.less(row, arguments.m),
           [&] { storeSums(g, spec, arguments, row, g.add(column0, column), rows[i]); });
  }
}

void FewRowsMatmul::writeApart() {
  Values sums = sumsApart();
  g.clusterWait();
  g.when(g.less(warp, tile.warps()), [&] { sendSums(sums); });
  g.barrierWait(haveSums(), g.number(0));
  g.barrier();
  const int together = spec.epilogue.isLong ? 1 : 4, groups = tile.columns / together;
  g.loop(g.thread(), tile.ownRows() / 2 * groups, tile.threads(), {},
         [&](Value i, ValueRange) -> Values {
           storePair(g.div(i, groups), g.mul(g.rem(i, groups), together), together);
           return {};
         });
}
