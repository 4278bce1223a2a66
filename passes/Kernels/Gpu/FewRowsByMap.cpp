//===- FewRowsByMap.cpp - Factors of few rows by tensor map -----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One more warp copies boxes of 64 elements of a row of both factors. The others wait at a barrier
// in shared memory for each stage, `full`, and say at another one, `empty`, that they have read it.
// Four warps may multiply as a group.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/FewRows.h"

using namespace mlir;
using namespace mad::device;

FewRowsMatmul::Place FewRowsMatmul::after(Place at, int stages) {
  Value next = g.add(at.stage, 1), wraps = g.equal(next, stages);
  return {g.select(wraps, g.number(0), next), g.select(wraps, g.bitXor(at.phase, 1), at.phase)};
}

Value FewRowsMatmul::barrierOf(Value stage, int which) {
  return g.bytesAt(g.shared(), g.add(g.mul(stage, 16), tile.barriersAt(bytes()) + which * 8));
}

/// By one thread: lanes that each made some would take turns, and longer.
void FewRowsMatmul::makeBarriers() {
  const int readers = tile.warps() / (tile.byGroups ? warpsOfGroup : 1);
  for (int stage = 0; stage < tile.stages + tile.stagesOfA; ++stage) {
    g.barrierInit(full(g.number(stage)), 1);
    g.barrierInit(empty(g.number(stage)), readers);
  }
  if (apart())
    g.barrierInit(haveSums(), 1);
  g.fenceBarrierInit();
}

void FewRowsMatmul::copyBoxes(Value map, const GroupBatch::Place &place, Value at, Value barrier,
                              FewRowsRing ring, Value fast, Value slow) {
  for (int box = 0; box < ring.chunks / 8; ++box) {
    Value first = g.add(fast, box * ring.boxElements);
    Value to = g.add(at, ring.at + box * ring.boxRows * bytesOfBoxRow);
    g.copyTensor(g.bytesAt(g.shared(), to), map, barrier,
                 place ? place(first, slow, maps.z) : Values{first, slow});
  }
}

void FewRowsMatmul::copyBoxesOfA(Value stage, Value k) {
  Value at = apart() ? stageOfA(stage) : g.mul(stage, stageBytes());
  copyBoxes(arguments.a, maps.inA, at, apart() ? fullA(stage) : full(stage), ringA(), k,
            g.number(0));
}

void FewRowsMatmul::copyBoxesOfB(Value stage, Value k) {
  copyBoxes(arguments.b, maps.inB, g.mul(stage, stageBytes()), full(stage), ringB(),
            alongK() ? k : column0, alongK() ? column0 : k);
}

void FewRowsMatmul::forFirst(int first, int last,
                             llvm::function_ref<void(Value stage, Value k)> body) {
  for (int i = first; i < last; ++i) {
    Value k = g.add(k0, i * nextK());
    g.when(g.less(k, arguments.k), [&] { body(g.number(i), k); });
  }
}

int FewRowsMatmul::earlyStages() const {
  const bool all = tile.rows <= 16 || (alongK() && !tile.byGroups);
  return !tile.early ? 0 : all ? tile.stages : (tile.stages + 1) / 2;
}

void FewRowsMatmul::copyStages() {
  forFirst(0, earlyStages(), [&](Value stage, Value k) { copyBoxesOfA(stage, k); });
  forFirst(earlyStages(), tile.stages,
           [&](Value stage, Value k) { startB(stage, k), copyBoxesOfA(stage, k); });
  g.loop(g.add(k0, tile.stages * nextK()), arguments.k, nextK(), {g.number(0), g.number(0)},
         [&](Value k, ValueRange now) -> Values {
           Place at{now[0], now[1]};
           g.barrierWait(empty(at.stage), at.phase);
           startB(at.stage, k), copyBoxesOfA(at.stage, k);
           Place next = after(at);
           return {next.stage, next.phase};
         });
}

Values FewRowsMatmul::multiplyStages() {
  Values carried{g.number(0), g.number(0)};
  carried.append(noSums());
  Values results = g.loop(k0, arguments.k, nextK(), carried, [&](Value, ValueRange now) -> Values {
    Place at{now[0], now[1]};
    g.barrierWait(full(at.stage), at.phase);
    Values sums(now.drop_front(2));
    multiplyStage(g.mul(at.stage, stageBytes()), sums);
    g.syncWarp();
    g.when(g.equal(lane, 0), [&] { g.barrierArrive(empty(at.stage)); });
    Place next = after(at);
    Values all{next.stage, next.phase};
    all.append(sums);
    return all;
  });
  return Values(ValueRange(results).drop_front(2));
}

Values FewRowsMatmul::multiplyByGroup(Value placeOfB, Value placeOfA, ValueRange sums) {
  const int steps = tile.stepK / 16 / tile.warpsOfK;
  const bool across = !alongK();
  FewRowsRing a = ringA(), b = ringB();
  // A box has 64 k: 16 are 32 bytes of a row, or 16 rows.
  auto bytesOfStep = [&](const FewRowsRing &ring, bool across, int step) -> int64_t {
    return across ? step * 16 * bytesOfBoxRow
                  : step / 4 * ring.boxRows * bytesOfBoxRow + step % 4 * 32;
  };
  auto describe = [&](const FewRowsRing &ring, Value place, bool across) {
    Value at = g.add(g.mul(warpOfK, bytesOfStep(ring, across, steps)), ring.at);
    at = g.add(place, at);
    return g.matrixDescriptor(g.bytesAt(g.shared(), at), across);
  };
  Value columns = describe(b, placeOfB, across), rows = describe(a, placeOfA, false);
  auto moved = [&](Value descriptor, int64_t bytes) {
    return arith::AddIOp::create(g.b, descriptor, g.wide(bytes / 16)).getResult();
  };
  Values made(sums);
  g.fenceGroup();
  for (int step = 0; step < steps; ++step)
    for (auto [box, sum] : llvm::enumerate(made)) {
      Value ofB = moved(columns, bytesOfStep(b, across, step) + box * b.boxRows * bytesOfBoxRow);
      Value ofA = moved(rows, bytesOfStep(a, false, step));
      sum = rowsFirst() ? g.multiplyGroup(spec.element, acrossGroup(), ofA, ofB, sum, across)
                        : g.multiplyGroup(spec.element, tile.rows, ofB, ofA, sum,
                                          /*across=*/false, /*acrossA=*/across);
    }
  g.commitGroup();
  return made;
}

Values FewRowsMatmul::multiplyStagesByGroups() {
  Value isFirst = g.equal(g.rem(g.thread(), warpsOfGroup * lanesOfWarp), 0);
  Values carried{g.number(0), g.number(0)};
  if (apart())
    carried.append({g.number(0), g.number(0)});
  const size_t places = carried.size();
  carried.append(products(), LLVM::ZeroOp::create(g.b, g.groupSums(acrossGroup())));
  auto before = [&](Value stage, int stages) {
    return g.select(g.equal(stage, 0), g.number(stages - 1), g.sub(stage, 1));
  };
  Values results =
      g.loop(k0, arguments.k, nextK(), carried, [&](Value k, ValueRange now) -> Values {
        Place at{now[0], now[1]}, atA;
        g.barrierWait(full(at.stage), at.phase);
        Value place = g.mul(at.stage, stageBytes()), placeOfA = place;
        if (apart()) {
          atA = {now[2], now[3]};
          g.barrierWait(fullA(atA.stage), atA.phase);
          placeOfA = stageOfA(atA.stage);
        }
        Values sums = multiplyByGroup(place, placeOfA, now.drop_front(places));
        g.waitGroup(1);
        g.when(g.both(isFirst, g.less(k0, k)), [&] {
          g.barrierArrive(empty(before(at.stage, tile.stages)));
          if (apart())
            g.barrierArrive(emptyA(before(atA.stage, tile.stagesOfA)));
        });
        Place next = after(at);
        Values all{next.stage, next.phase};
        if (apart()) {
          Place nextA = after(atA, tile.stagesOfA);
          all.append({nextA.stage, nextA.phase});
        }
        all.append(sums);
        return all;
      });
  g.waitGroup(0);
  Values sums;
  for (Value product : ArrayRef(results).drop_front(places)) {
    Value settled = g.settled(product);
    for (int64_t i = 0; i < acrossGroup() / 2; ++i)
      sums.push_back(LLVM::ExtractValueOp::create(g.b, settled, i));
  }
  return sums;
}

void FewRowsMatmul::fetchA() {
  g.loop(g.mul(g.block(), 64), arguments.k, g.mul(g.blocks(), 64), {},
         [&](Value k, ValueRange) -> Values {
           Values at = maps.inA ? maps.inA(k, g.number(0), maps.z) : Values{k, g.number(0)};
           g.prefetchTensor(arguments.a, at);
           return {};
         });
}

Values FewRowsMatmul::sumsByMaps() {
  if (tile.early)
    g.letNextStart();
  g.when(g.both(isCopier(), g.equal(lane, 0)), [&] {
    g.prefetchMap(arguments.a);
    fetchA();
    makeBarriers();
    forFirst(0, earlyStages(), [&](Value stage, Value k) { startB(stage, k); });
  });
  g.barrier();
  // It has begun: others may leave sums here. The fence has ordered the barriers; an arrival that
  // orders memory would wait for all copies.
  if (rank)
    g.clusterArrive(/*relaxed=*/true);
  if (tile.early)
    g.waitForBefore();
  return g.choose(
      isCopier(),
      [&] {
        g.when(g.equal(lane, 0), [&] { copyStages(); });
        g.syncWarp();
        return noSums();
      },
      [&] { return tile.byGroups ? multiplyStagesByGroups() : multiplyStages(); });
}
