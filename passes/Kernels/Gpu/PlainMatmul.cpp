//===- PlainMatmul.cpp - Products by multiply-adds in f32 -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A warp has 4 x 8 lanes, each of which computes groups of 4 x 4 sums, 16 rows and 32
// columns apart, so that lanes read neighbouring 16 bytes of shared memory. Both factors
// lie there with k as the slow index. The elements of the next tile are on their way to registers
// while this one is multiplied; then they go to the other half of the shared memory: one barrier a
// tile. Each sum is taken in the order of k.
//
// Where there are too few tiles for a device, warps share a tile: each takes a part of its k, and
// the parts of a sum are added in pairs, through shared memory. Such tiles wait for memory more
// than they compute: with `stages` above 2 several are on their way, by copies in the background.
//
// Places outside of the matrices are read inside, at the nearest row or column, and become
// zeros if it is k that lies outside; such rows and columns of C are not stored.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;

llvm::Error mad::device::check(const PlainTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  if (!spec.element.isF32())
    return llvm::createStringError("plain products are of f32");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"warpM", tile.warpM, 16, 64, 16},
      {"warpN", tile.warpN, 32, 128, 32},
      {"blockM", tile.blockM, tile.warpM, 256, tile.warpM},
      {"blockN", tile.blockN, tile.warpN, 256, tile.warpN},
      {"blockK", tile.blockK, 4 * tile.parts, 32 * tile.parts, 4 * tile.parts},
      {"parts", tile.parts, 1, 16, 1},
      {"stages", tile.stages, 2, 8, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (llvm::Error fault = checkParameter("threads", tile.threads(), 32, 1024, 32))
    return fault;
  if (tile.parts & (tile.parts - 1))
    return llvm::createStringError("parts = " + Twine(tile.parts) + ", expected a power of two");
  for (auto [name, extent] : {std::pair("blockM", tile.blockM), std::pair("blockN", tile.blockN)})
    if (extent * tile.blockK % (4 * tile.threads()))
      return llvm::createStringError(Twine(name) + " * blockK = " + Twine(extent * tile.blockK) +
                                     ", expected a multiple of 4 elements for each of " +
                                     Twine(tile.threads()) + " threads");
  if (llvm::Error fault = checkRegisters(tile.registers(), tile.threads(), tile.blocksAtOnce))
    return fault;
  if (spec.longestSum % tile.blockK || (spec.longestSum & (spec.longestSum - 1)))
    return llvm::createStringError(
        "longestSum = " + Twine(spec.longestSum) +
        ", expected a power of two and multiple of blockK = " + Twine(tile.blockK));
  return checkShared(tile.sharedBytes(), sharedOfSm80);
}

namespace {
/// The part of one factor that a block needs for one tile of k: `extent` rows of A or
/// columns of B. The index that is not k is called the side here.
struct Factor {
  GpuBuilder &g;
  const PlainTile &tile;
  Value pointer, size, k; ///< how many sides there are, and how many k
  Value stride;           ///< of the slow index in memory
  Value first;            ///< side of this block
  int extent, vector, sharedAt;
  bool alongK; ///< neighbours in memory have neighbouring k

  int rowBytes() const { return (extent + 4) * 4; }
  int tileBytes() const { return tile.blockK * rowBytes(); }
  int copies() const { return extent * tile.blockK / tile.threads() / vector; }

  /// Side and k of a vector of this thread, inside of the tile.
  std::pair<Value, Value> place(int copy) {
    Value number = g.add(g.thread(), copy * tile.threads());
    const int fast = (alongK ? tile.blockK : extent) / vector;
    Value quick = g.mul(g.rem(number, fast), vector), slow = g.div(number, fast);
    return alongK ? std::pair(slow, quick) : std::pair(quick, slow);
  }
  Values load(Value fromK) {
    Values vectors;
    Type f32 = g.b.getF32Type();
    Type type = vector == 1 ? f32 : Type(g.vectorOf(vector, f32));
    for (int copy = 0; copy < copies(); ++copy) {
      auto [side, k0] = place(copy);
      Value at = g.add(fromK, k0), inside = g.less(at, k);
      Value lastK = g.sub(k, alongK ? vector : 1), lastSide = g.sub(size, alongK ? 1 : vector);
      Value row = g.min(g.add(first, side), lastSide), column = g.min(at, lastK);
      Value from = alongK ? g.at(pointer, f32, row, stride, column)
                          : g.at(pointer, f32, column, stride, row);
      vectors.push_back(g.select(inside, g.load(type, from), g.zero(type)));
    }
    return vectors;
  }
  void store(ValueRange vectors, Value half) {
    Type f32 = g.b.getF32Type();
    for (auto [copy, value] : llvm::enumerate(vectors)) {
      auto [side, k0] = place(copy);
      Value start = g.bytesAt(g.shared(), g.add(half, sharedAt));
      Value to = g.at(start, f32, g.add(g.mul(k0, extent + 4), side));
      if (!alongK)
        g.store(value, to);
      else
        for (auto [e, x] : llvm::enumerate(g.unpack(value)))
          g.store(x, g.bytesAt(to, int(e) * rowBytes()));
    }
  }
  /// Starts to copy what `load` and `store` do at once. What lies side by side along k comes apart.
  void copy(Value fromK, Value stage) {
    Type f32 = g.b.getF32Type();
    const int wide = alongK ? 1 : vector;
    Factor narrow = *this;
    narrow.vector = wide;
    for (int copy = 0; copy < narrow.copies(); ++copy) {
      auto [side, k0] = narrow.place(copy);
      Value at = g.add(fromK, k0), inside = g.less(at, k);
      Value column = g.min(at, g.sub(k, 1)), row = g.min(g.add(first, side), g.sub(size, wide));
      Value from = alongK ? g.at(pointer, f32, row, stride, column)
                          : g.at(pointer, f32, column, stride, row);
      Value start = g.bytesAt(g.shared(), g.add(stage, sharedAt));
      g.copyAsync(g.at(start, f32, g.add(g.mul(k0, extent + 4), side)), from, wide * 4,
                  g.select(inside, g.number(wide * 4), g.number(0)));
    }
  }
  /// `count` sides of row `k` from `side` on, in groups of 4 that lie `step` apart. `start` is
  /// where row 0 lies, in bytes.
  Values fragment(Value start, Value side, int kOfTile, int count, int step) {
    Values all;
    Value row = g.at(g.bytesAt(g.shared(), start), g.b.getF32Type(), side);
    for (int i = 0; i < count / 4; ++i)
      all.append(g.unpack(g.load(g.vectorOf(4, g.b.getF32Type()),
                                 g.bytesAt(row, sharedAt + kOfTile * rowBytes() + i * step * 4))));
    return all;
  }
};

struct PlainMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const PlainTile &tile;
  MatmulArguments arguments;
  static constexpr int rowStep = 16, columnStep = 32;

  Factor rows() {
    return {g,
            tile,
            arguments.a,
            arguments.m,
            arguments.k,
            arguments.rowA,
            g.mul(g.block(1), tile.blockM),
            tile.blockM,
            spec.vectorA,
            0,
            spec.orderA == Order::RowMajor};
  }
  Factor columns() {
    const bool alongK = spec.order == Order::ColumnMajor;
    return {g,
            tile,
            arguments.b,
            arguments.n,
            arguments.k,
            arguments.rowB,
            g.mul(g.block(0), tile.blockN),
            tile.blockN,
            spec.vectorB,
            tile.blockK * (tile.blockM + 4) * 4,
            alongK};
  }
  Value part() { return g.div(g.thread(), tile.threadsOfPart()); }
  Value threadOfPart() { return g.rem(g.thread(), tile.threadsOfPart()); }

  /// Row and column of the first sum of a thread of a part in its block.
  std::pair<Value, Value> place(Value thread) {
    Value lane = g.rem(thread, lanesOfWarp), warp = g.div(thread, lanesOfWarp);
    const int warpsAcross = tile.blockN / tile.warpN;
    return {g.add(g.mul(g.div(warp, warpsAcross), tile.warpM), g.mul(g.div(lane, 8), 4)),
            g.add(g.mul(g.rem(warp, warpsAcross), tile.warpN), g.mul(g.rem(lane, 8), 4))};
  }

  void multiplyTile(Factor &a, Factor &b, std::pair<Value, Value> at, Value half, Values &sums) {
    const int height = tile.rowsOfThread(), width = tile.columnsOfThread();
    const int steps = tile.blockK / tile.parts;
    Value startA = half, startB = half;
    if (tile.parts > 1) {
      startA = g.add(half, g.mul(part(), steps * a.rowBytes()));
      startB = g.add(half, g.mul(part(), steps * b.rowBytes()));
    }
    for (int k = 0; k < steps; ++k) {
      Values left = a.fragment(startA, at.first, k, height, rowStep);
      Values right = b.fragment(startB, at.second, k, width, columnStep);
      for (int i = 0; i < height; ++i)
        for (int j = 0; j < width; ++j)
          sums[i * width + j] = g.fma(left[i], right[j], sums[i * width + j]);
    }
  }

  /// Adds up the sums of all parts and stores them. All threads meet here.
  void store(ValueRange sums, Number zero = 0, const SumPart *cut = nullptr) {
    Values all(sums);
    for (int left = tile.parts / 2; left > 0; left /= 2)
      all = addUpper(all, left);
    if (tile.parts == 1)
      return storeOne(all, zero, cut);
    g.when(g.equal(part(), 0), [&] { storeOne(all, zero, cut); });
  }

  /// Parts from `left` on leave their sums in shared memory, those below add them to their own.
  Values addUpper(ValueRange sums, int left) {
    Type f32 = g.b.getF32Type();
    const int threads = tile.threadsOfPart(), ofPart = threads * int(sums.size());
    Value base = g.at(g.bytesAt(g.shared(), tile.tileBytes()), f32, threadOfPart());
    Value upper = g.both(g.less(left - 1, part()), g.less(part(), 2 * left));
    g.when(upper, [&] {
      Value start = g.at(base, f32, g.mul(g.sub(part(), left), ofPart));
      for (auto [i, sum] : llvm::enumerate(sums))
        g.store(sum, g.at(start, f32, int(i) * threads));
    });
    g.barrier();
    auto branch = scf::IfOp::create(g.b, sums.getTypes(), g.less(part(), left),
                                    /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(g.b);
      g.b.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(g.b, sums);
      g.b.setInsertionPointToStart(branch.thenBlock());
      Value start = g.at(base, f32, g.mul(part(), ofPart));
      Values added;
      for (auto [i, sum] : llvm::enumerate(sums))
        added.push_back(
            arith::AddFOp::create(g.b, sum, g.load(f32, g.at(start, f32, int(i) * threads))));
      scf::YieldOp::create(g.b, added);
    }
    // The next ones are stored over these.
    if (left > 1 || spec.longestSum)
      g.barrier();
    return Values(branch.getResults());
  }

  /// `zero` keeps places from being computed elsewhere.
  void storeOne(ValueRange sums, Number zero, const SumPart *cut) {
    const int height = tile.rowsOfThread(), width = tile.columnsOfThread();
    constexpr size_t few = 32;
    auto at = place(g.add(threadOfPart(), zero));
    Value row0 = g.add(g.mul(g.add(g.block(1), zero), tile.blockM), at.first);
    Value column0 = g.add(g.mul(g.add(g.block(0), zero), tile.blockN), at.second);
    auto rowOf = [&](int i) { return g.add(row0, i / 4 * rowStep + i % 4); };
    auto columnOf = [&](int j) { return g.add(column0, j / 4 * columnStep); };
    if (!cut && sums.size() <= few && spec.epilogue.apply && !spec.epilogue.readsResult)
      return storeFew(sums, rowOf, columnOf);
    auto storeRow = [&](Value row, ValueRange ofRow) {
      g.when(g.less(row, arguments.m), [&] {
        for (int j = 0; j < width; j += 4)
          storeSums(g, spec, arguments, row, columnOf(j), ofRow.slice(j, 4), cut);
      });
    };
    // Sums that are cut have no epilogue yet. The loop there would take registers of the product.
    const bool finishes = !cut || getConstantIntValue(cut->isLast) != 0;
    if (spec.epilogue.isLong && finishes && sums.size() > few)
      return inTurn(g, sums, 2 * width, [&](Value turn, ValueRange rows) {
        Value below = g.add(g.mul(g.shiftRight(turn, 1), rowStep), g.mul(g.bitAnd(turn, 1), 2));
        for (int i : {0, 1})
          storeRow(g.add(g.add(row0, below), i), rows.slice(i * width, width));
      });
    for (int i = 0; i < height; ++i)
      storeRow(rowOf(i), sums.slice(i * width, width));
  }

  /// What the epilogue loads is loaded for all sums at once, which takes registers. Rows and
  /// columns that are not there are computed for the last one.
  void storeFew(ValueRange sums, llvm::function_ref<Value(int)> rowOf,
                llvm::function_ref<Value(int)> columnOf) {
    const int height = tile.rowsOfThread(), width = tile.columnsOfThread();
    Value lastRow = g.sub(arguments.m, 1), lastColumn = g.sub(arguments.n, 1);
    Values columns, results;
    for (int j = 0; j < width; ++j)
      columns.push_back(g.min(g.add(columnOf(j), j % 4), lastColumn));
    for (int i = 0; i < height; ++i) {
      Value row = g.min(rowOf(i), lastRow);
      for (int j = 0; j < width; ++j)
        results.push_back(finished(g, spec, arguments, sums[i * width + j], row, columns[j]));
    }
    MatmulSpec plain = spec;
    plain.epilogue = Epilogue();
    for (int i = 0; i < height; ++i)
      g.when(g.less(rowOf(i), arguments.m), [&] {
        for (int j = 0; j < width; j += 4)
          storeSums(g, plain, arguments, rowOf(i), columnOf(j),
                    ValueRange(results).slice(i * width + j, 4));
      });
  }

  /// Leaves the sums in memory where a part ends before the last one; then they begin anew.
  Values cutSums(Value nextK, ValueRange sums) {
    Value ends = g.equal(g.bitAnd(nextK, spec.longestSum - 1), 0);
    auto branch = scf::IfOp::create(g.b, sums.getTypes(), g.both(ends, g.less(nextK, arguments.k)),
                                    /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(g.b);
    g.b.setInsertionPointToStart(branch.thenBlock());
    SumPart part{g.equal(nextK, spec.longestSum), g.equal(0, 1)};
    store(sums, unknownZero(g, arguments.totals, nextK), &part);
    scf::YieldOp::create(g.b, Values(sums.size(), g.f32(0)));
    g.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(g.b, sums);
    return Values(branch.getResults());
  }

  void write() {
    Factor a = rows(), b = columns();
    Values results = tile.stages == 2 ? multiplyByHalves(a, b) : multiplyByRing(a, b);
    ValueRange sums = ValueRange(results).drop_front();
    if (!spec.longestSum)
      return store(sums);
    SumPart last{g.less(arguments.k, spec.longestSum + 1), g.equal(0, 0)};
    store(sums, unknownZero(g, arguments.totals, arguments.k), &last);
  }

  /// What a loop over tiles carries: the offset of the tile that is read, then sums.
  Values start() {
    Values carried{g.number(0)};
    carried.append(tile.rowsOfThread() * tile.columnsOfThread(), g.f32(0));
    return carried;
  }

  Values multiplyByHalves(Factor &a, Factor &b) {
    auto at = place(threadOfPart());
    Value none = g.number(0);
    a.store(a.load(none), none);
    b.store(b.load(none), none);
    g.barrier();
    return g.loop(0, arguments.k, tile.blockK, start(), [&](Value k, ValueRange now) -> Values {
      Value nextK = g.add(k, tile.blockK);
      Values nextA = a.load(nextK), nextB = b.load(nextK);
      Values sums(now.drop_front());
      multiplyTile(a, b, at, now[0], sums);
      Value other = g.sub(tile.stageBytes(), now[0]);
      a.store(nextA, other);
      b.store(nextB, other);
      g.barrier();
      return next(nextK, other, sums);
    });
  }

  Values multiplyByRing(Factor &a, Factor &b) {
    auto at = place(threadOfPart());
    const int ahead = tile.stages - 1;
    auto copy = [&](Value k, Value stage) {
      a.copy(k, stage);
      b.copy(k, stage);
      g.commitCopies();
    };
    for (int i = 0; i < ahead; ++i)
      copy(g.number(i * tile.blockK), g.number(i * tile.stageBytes()));
    Values results =
        g.loop(0, arguments.k, tile.blockK, start(), [&](Value k, ValueRange now) -> Values {
          g.waitCopies(ahead - 1);
          g.barrier();
          // The stage before this one, which all have read.
          Value before = g.select(g.equal(now[0], 0), g.number(ahead * tile.stageBytes()),
                                  g.sub(now[0], tile.stageBytes()));
          copy(g.add(k, ahead * tile.blockK), before);
          Values sums(now.drop_front());
          multiplyTile(a, b, at, now[0], sums);
          Value behind = g.add(now[0], tile.stageBytes());
          behind = g.select(g.equal(behind, tile.tileBytes()), g.number(0), behind);
          return next(g.add(k, tile.blockK), behind, sums);
        });
    g.waitCopies(0);
    return results;
  }

  Values next(Value k, Value stage, ValueRange sums) {
    Values carried{stage};
    carried.append(spec.longestSum ? cutSums(k, sums) : Values(sums));
    return carried;
  }
};
} // namespace

void mad::device::writePlainMatmul(GpuBuilder &g, const MatmulSpec &spec, const PlainTile &tile,
                                   const MatmulArguments &arguments) {
  PlainMatmul{g, spec, tile, arguments}.write();
}

llvm::Expected<Kernel> mad::device::makePlainMatmul(gpu::GPUModuleOp module, StringRef name,
                                                    const MatmulSpec &spec, const PlainTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.blocksAtOnce = tile.blocksAtOnce;
  signature.sharedBytes = tile.sharedBytes();
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/true);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    writePlainMatmul(g, spec, tile, matmulArguments(g, spec, arguments, /*batched=*/true));
  });
}
