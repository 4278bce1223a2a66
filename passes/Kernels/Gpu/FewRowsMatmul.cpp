//===- FewRowsMatmul.cpp - Products with few rows ---------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What costs time is reading B, once, from memory. So the columns of C are the rows of the
// tensor cores' product, C^T = B^T A^T, and the rows of A its columns, 8 at a time. A block has
// some columns of C and all rows. Both factors go to shared memory in the background, `stages`
// steps of k in a ring: what is on its way takes no registers, and is enough to keep memory
// busy. The warps of a block share its columns and the k of a step, and add up through shared
// memory at the end.
//
// On chips from 9.0 on one more warp may copy both factors by tensor map (`maps`): boxes of 64
// elements of a row, which the copy engine permutes. The others wait at a barrier in shared memory
// for each stage, `full`, and say at another one, `empty`, that they have read it. Four warps may
// multiply as a group (`byGroups`), 64 columns of C by all rows: that reads shared memory once,
// where warps alone read all rows once for each 16 columns.
//
// There, too, a cluster of two blocks may share twice as many columns: each takes every
// other stage, so that a block reads half of A, and leaves its sums in the memory of the block that
// stores the column.
//
// f32 is multiplied and added exactly: a lane has a column of C and all rows, of which A is the
// same for all lanes.
//
// Chunks of 16 bytes of a row are permuted as in WarpMatmul.cpp. Rows of A that are not there are
// zeros and cost nothing, like k and columns of B that are not there.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/FewRows.h"

using namespace mlir;
using namespace mad::device;

Value FewRowsRing::place(Value row, Value chunk) {
  if (boxRows) {
    Value box = g.mul(g.div(chunk, 8), boxRows * bytesOfBoxRow);
    Value moved = g.bitXor(g.rem(chunk, 8), g.rem(row, 8));
    return g.add(g.add(box, g.mul(g.add(g.mul(row, 8), moved), 16)), at);
  }
  const int permuted = std::min(chunks, 8);
  // Eight rows of four or two chunks fill the banks once.
  Value bits = permuted == 8 ? row : g.shiftRight(row, permuted == 4 ? 1 : 2);
  Value moved = g.bitXor(chunk, g.bitAnd(bits, permuted - 1));
  return g.add(g.mul(g.add(g.mul(row, chunks), moved), 16), at);
}

FewRowsMatmul::FewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                             const MatmulArguments &arguments, const FewRowsMaps &maps)
    : g(g), spec(spec), tile(tile), arguments(arguments), maps(maps) {
  lane = g.rem(g.thread(), lanesOfWarp);
  warp = g.div(g.thread(), lanesOfWarp);
  warpAcross = g.rem(warp, tile.warpsAcross), warpOfK = g.div(warp, tile.warpsAcross);
  column0 = g.mul(g.div(g.block(), tile.cluster), tile.columns);
  if (tile.cluster > 1) {
    g.runInClusters(tile.cluster);
    rank = g.clusterRank();
  }
  k0 = rank ? g.mul(rank, tile.stepK) : g.number(0);
  if (!tile.maps)
    ofA = copiesOfA(), ofB = copiesOfB();
}

FewRowsRing FewRowsMatmul::ringB() {
  return {g, 0, alongK() ? chunksOfK() : tile.columnsInMemory() / ofChunk(),
          tile.maps ? tile.boxOfB(spec.order) : 0, alongK() ? 64 : tile.boxColumns};
}

SmallVector<FewRowsMatmul::Copy>
FewRowsMatmul::copiesOf(int count, llvm::function_ref<Copy(Value number)> make) {
  SmallVector<Copy> copies;
  for (int first = 0; first < count; first += tile.threads()) {
    Value number = g.add(g.thread(), first);
    copies.push_back(make(number));
    if (first + tile.threads() > count)
      copies.back().isThere = g.less(number, count);
  }
  return copies;
}

SmallVector<FewRowsMatmul::Copy> FewRowsMatmul::copiesOfA() {
  return copiesOf(tile.rows * chunksOfK(), [&](Value number) -> Copy {
    Value row = g.div(number, chunksOfK()), chunk = g.rem(number, chunksOfK());
    Value at = g.mul(chunk, ofChunk());
    Value source =
        g.at(arguments.a, spec.element, g.min(row, g.sub(arguments.m, 1)), arguments.rowA, at);
    return {ringA().place(row, chunk), source, at, g.less(row, arguments.m), {}};
  });
}

SmallVector<FewRowsMatmul::Copy> FewRowsMatmul::copiesOfB() {
  FewRowsRing ring = ringB();
  return copiesOf(tile.columns * tile.stepK / ofChunk(), [&](Value number) -> Copy {
    Value row = g.div(number, ring.chunks), chunk = g.rem(number, ring.chunks);
    Value at = alongK() ? g.mul(chunk, ofChunk()) : row;
    Value column = g.add(column0, alongK() ? row : g.mul(chunk, ofChunk()));
    Value near = g.min(column, g.sub(arguments.n, alongK() ? 1 : ofChunk()));
    Value source =
        g.at(arguments.b, spec.element, alongK() ? near : at, arguments.rowB, alongK() ? at : near);
    return {ring.place(row, chunk), source, at, g.less(column, arguments.n), {}};
  });
}

void FewRowsMatmul::start(ArrayRef<Copy> copies, Value factor, Value stage, Value k, Value stride) {
  Value moved = g.extend(k);
  if (stride)
    moved = g.b.createOrFold<arith::MulIOp>(moved, g.extend(stride));
  for (const Copy &copy : copies) {
    auto issue = [&] {
      Value inside = g.both(g.less(g.add(k, copy.ofStep), arguments.k), copy.inside);
      Value source = g.select(inside, g.at(copy.source, spec.element, moved), factor);
      g.copyAsync(g.bytesAt(g.shared(), g.add(stage, copy.place)), source, 16,
                  g.select(inside, g.number(16), g.number(0)));
    };
    if (copy.isThere)
      g.when(copy.isThere, issue);
    else
      issue();
  }
}

void FewRowsMatmul::copyB(Value stage, Value k) {
  start(ofB, arguments.b, stage, k, alongK() ? Value() : arguments.rowB);
}

Values FewRowsMatmul::columnsOf(Value stage, int t, Value step) {
  Value first = g.add(g.mul(warpAcross, tiles() * 16), t * 16);
  Value row, chunk;
  if (alongK()) {
    row = g.add(first, g.rem(lane, 16));
    chunk = g.add(g.mul(step, 2), g.div(lane, 16));
  } else {
    row = g.add(g.mul(step, 16), g.add(g.mul(g.div(lane, 16), 8), g.rem(lane, 8)));
    chunk = g.add(g.div(first, 8), g.rem(g.div(lane, 8), 2));
  }
  return g.loadMatrices(g.bytesAt(g.shared(), g.add(stage, ringB().place(row, chunk))),
                        /*transposed=*/!alongK());
}

Values FewRowsMatmul::rowsOf(Value stage, int pair, Value step) {
  Value row, chunk;
  if (tile.rows == 8) {
    row = g.rem(lane, 8);
    chunk = g.add(g.mul(step, 2), g.div(lane, 8));
  } else {
    row = g.add(g.add(g.mul(g.div(lane, 16), 8), g.rem(lane, 8)), pair * 16);
    chunk = g.add(g.mul(step, 2), g.rem(g.div(lane, 8), 2));
  }
  return g.loadMatrices(g.bytesAt(g.shared(), g.add(stage, ringA().place(row, chunk))), false);
}

void FewRowsMatmul::multiply(Values &sums, int t, int group, ValueRange columns, ValueRange rows) {
  const int at = (t * groups() + group) * 4;
  Values now(ArrayRef<Value>(sums).slice(at, 4));
  llvm::copy(g.multiply(spec.element, columns, rows, now), sums.begin() + at);
}

void FewRowsMatmul::addStage(Value stage, Values &sums) {
  const int chunks = chunksOfK() / tile.warpsOfK;
  Type f32 = g.b.getF32Type(), four = g.vectorOf(4, f32);
  Value column = g.add(g.mul(warpAcross, lanesOfWarp), lane);
  auto read = [&](Type type, Value place) {
    return g.load(type, g.bytesAt(g.shared(), g.add(stage, place)));
  };
  for (int c = 0; c < chunks; ++c) {
    Value chunk = g.add(g.mul(warpOfK, chunks), c);
    Values ofColumn;
    if (alongK())
      ofColumn = g.unpack(read(four, ringB().place(column, chunk)));
    for (int i = 0; !alongK() && i < 4; ++i) {
      Value place = ringB().place(g.add(g.mul(chunk, 4), i), g.div(column, 4));
      ofColumn.push_back(read(f32, g.add(place, g.mul(g.rem(column, 4), 4))));
    }
    for (int row = 0; row < tile.rows; ++row) {
      Values ofRow = g.unpack(read(four, ringA().place(g.number(row), chunk)));
      for (int i = 0; i < 4; ++i)
        sums[row] = g.fma(ofRow[i], ofColumn[i], sums[row]);
    }
  }
}

void FewRowsMatmul::multiplyStage(Value stage, Values &sums) {
  if (isSingle())
    return addStage(stage, sums);
  const int steps = tile.stepK / 16 / tile.warpsOfK;
  Value first = g.mul(warpOfK, steps);
  Values eight; // rows for two steps, where there are no more
  for (int s = 0; s < steps; ++s) {
    Value step = g.add(first, s);
    SmallVector<Values> rows;
    if (groups() == 1) {
      if (s % 2 == 0)
        eight = rowsOf(stage, 0, step);
      rows.push_back({eight[s % 2 * 2], eight[s % 2 * 2 + 1]});
    }
    for (int pair = 0; pair < groups() / 2; ++pair) {
      Values words = rowsOf(stage, pair, step);
      rows.push_back({words[0], words[1]});
      rows.push_back({words[2], words[3]});
    }
    for (int t = 0; t < tiles(); ++t) {
      Values columns = columnsOf(stage, t, step);
      for (int group = 0; group < groups(); ++group)
        multiply(sums, t, group, columns, rows[group]);
    }
  }
}

Value FewRowsMatmul::nextStage(Value stage) {
  Value next = g.add(stage, stageBytes());
  return g.select(g.equal(next, tile.stages * stageBytes()), g.number(0), next);
}

void FewRowsMatmul::fill() {
  auto each = [&](llvm::function_ref<void(Value stage, Value k)> start) {
    for (int i = 0; i < tile.stages - 1; ++i) {
      Value k = g.number(i * tile.stepK);
      g.when(g.less(k, arguments.k), [&] { start(g.number(i * stageBytes()), k); });
      if (!tile.early)
        g.commitCopies();
    }
  };
  if (!tile.early)
    return each([&](Value stage, Value k) { copyB(stage, k), copyA(stage, k); });
  g.letNextStart();
  each([&](Value stage, Value k) { copyB(stage, k); });
  g.waitForBefore();
  for (int i = 0; i < tile.stages - 1; ++i) {
    Value k = g.number(i * tile.stepK);
    g.when(g.less(k, arguments.k), [&] { copyA(g.number(i * stageBytes()), k); });
    g.commitCopies();
  }
}

Values FewRowsMatmul::noSums() {
  const int ofWarp = rowsFirst() ? tile.columns / 2 : tiles() * groups() * 4;
  return Values(isSingle() ? tile.rows : ofWarp, g.f32(0));
}

Values FewRowsMatmul::sumsOfWarp() {
  fill();
  Values carried{g.number(0), g.number((tile.stages - 1) * stageBytes())};
  carried.append(noSums());
  Values results =
      g.loop(0, arguments.k, tile.stepK, carried, [&](Value k, ValueRange now) -> Values {
        g.waitCopies(tile.stages - 2);
        g.barrier();
        Value next = g.add(k, (tile.stages - 1) * tile.stepK);
        g.when(g.less(next, arguments.k), [&] { copyB(now[1], next), copyA(now[1], next); });
        g.commitCopies();
        Values sums(now.drop_front(2));
        multiplyStage(now[0], sums);
        Values all{nextStage(now[0]), nextStage(now[1])};
        all.append(sums);
        return all;
      });
  g.waitCopies(0);
  return Values(ValueRange(results).drop_front(2));
}

Value FewRowsMatmul::sumsAt(Value block, Value w) {
  Value at = g.bytesAt(g.shared(), rank ? tile.ringBytes(bytes()) : 0);
  Value number = block ? g.add(g.mul(block, tile.warpsOfK), w) : w;
  return g.at(at, g.b.getF32Type(), g.mul(number, tile.rows * width()));
}

void FewRowsMatmul::leaveRows(ValueRange sums) {
  Value row0 = g.add(g.mul(warpAcross, 16), g.div(lane, 4));
  for (int i = 0; i < int(sums.size()); i += 2) {
    Value row = g.add(row0, i / 2 % 2 * 8), column = g.add(g.mul(g.rem(lane, 4), 2), i / 4 * 8);
    Value at = g.at(sumsAt({}, warpOfK), g.b.getF32Type(), g.add(g.mul(row, width()), column));
    g.store(g.pack({sums[i], sums[i + 1]}), at);
  }
}

void FewRowsMatmul::leave(ValueRange sums) {
  if (rowsFirst())
    return leaveRows(sums);
  Type f32 = g.b.getF32Type();
  Value mine = sumsAt(rank, warpOfK);
  if (isSingle()) {
    Value column = g.add(g.mul(warpAcross, lanesOfWarp), lane);
    for (int row = 0; row < tile.rows; ++row)
      g.store(sums[row], g.at(mine, f32, g.add(column, row * width())));
    return;
  }
  for (int t = 0; t < tiles(); ++t) {
    Value first = g.add(g.mul(warpAcross, tiles() * 16), t * 16), to = mine;
    if (rank) {
      to = g.inBlock(mine, g.div(first, tile.ownColumns()));
      first = g.rem(first, tile.ownColumns());
    }
    for (int group = 0; group < groups(); ++group)
      for (int e = 0; e < 4; ++e) {
        Value row = g.add(g.mul(g.rem(lane, 4), 2), group * 8 + e % 2);
        Value column = g.add(first, g.add(g.div(lane, 4), e / 2 * 8));
        g.store(sums[(t * groups() + group) * 4 + e],
                g.at(to, f32, g.add(g.mul(row, width()), column)));
      }
  }
}

Values FewRowsMatmul::sumsOfBlock(Value row, Value inBlock, int count) {
  Type f32 = g.b.getF32Type(), some = count > 1 ? g.vectorOf(count, f32) : f32;
  Value at = g.at(sumsAt({}, g.number(0)), f32, g.add(g.mul(row, width()), inBlock));
  Value sum = g.load(some, at);
  for (int part = 1; part < tile.cluster * tile.warpsOfK; ++part)
    sum = arith::AddFOp::create(g.b, sum, g.load(some, g.at(at, f32, part * tile.rows * width())));
  return count > 1 ? g.unpack(sum) : Values{sum};
}

void FewRowsMatmul::write() {
  if (apart())
    return writeApart();
  Values sums = tile.maps ? sumsByMaps() : sumsOfWarp();
  if (rank)
    g.clusterWait();
  else
    g.barrier();
  if (tile.maps)
    g.when(g.less(warp, tile.warps()), [&] { leave(sums); });
  else
    leave(sums);
  if (rank) {
    g.clusterArrive();
    g.clusterWait();
    column0 = g.add(column0, g.mul(rank, tile.ownColumns()));
  } else {
    g.barrier();
  }
  const int together = spec.epilogue.isLong ? 1 : 4, groups = tile.ownColumns() / together;
  g.loop(g.thread(), g.mul(arguments.m, groups), tile.threads(), {},
         [&](Value i, ValueRange) -> Values {
           Value row = g.div(i, groups), inBlock = g.mul(g.rem(i, groups), together);
           storeSums(g, spec, arguments, row, g.add(column0, inBlock),
                     sumsOfBlock(row, inBlock, together));
           return {};
         });
}

void mad::device::writeFewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                                     const MatmulArguments &arguments, const FewRowsMaps &maps) {
  FewRowsMatmul(g, spec, tile, arguments, maps).write();
}

llvm::Expected<Kernel> mad::device::makeFewRowsMatmul(gpu::GPUModuleOp module, StringRef name,
                                                      const MatmulSpec &spec,
                                                      const FewRowsTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.blocksAtOnce = 1; // else ptxas may spill for more, which have no shared memory
  signature.sharedBytes = tile.sharedBytes(bytesOf(spec.element));
  signature.sharedAlignment = tile.sharedAlignment();
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/false);
  if (tile.maps)
    signature.arguments[0] = signature.arguments[1] = tensorMap(module.getContext());
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    writeFewRowsMatmul(g, spec, tile, matmulArguments(g, spec, arguments, /*batched=*/false));
  });
}
