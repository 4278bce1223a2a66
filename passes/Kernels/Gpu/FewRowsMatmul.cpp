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
// On chips from 9.0 on a cluster of two blocks may share twice as many columns: each takes every
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
#include "passes/Kernels/Gpu/MatmulParts.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mad::device;

ArrayRef<int> mad::device::fewRows() {
  static constexpr int all[] = {8, 16, 32, mostFewRows};
  return all;
}

ArrayRef<int> mad::device::fewRowsF32() { return fewRows().take_front(2); }

static FewRowsTile withStagesFor(FewRowsTile tile, int64_t k) {
  const int64_t needed = llvm::divideCeil(k, int64_t(tile.stepK)) + 1;
  tile.stages = std::min<int64_t>(tile.stages, std::max<int64_t>(needed, 2));
  return tile;
}

FewRowsTile mad::device::fewRowsTile(int rows, Order order, int64_t n, int64_t k) {
  const bool many = n > 8192;
  FewRowsTile tile;
  auto take = [&](int columns, int stepK, int stages, int warpsAcross, int warpsOfK) {
    tile = {rows, columns, stepK, stages, warpsAcross, warpsOfK};
  };
  if (order == Order::ColumnMajor) {
    if (rows == 8)
      take(16, 256, 8, 1, 8);
    else if (rows == 16)
      take(16, 128, 10, 1, 4);
    else if (many)
      take(96, 128, 4, 3, 4);
    else if (rows == 32)
      take(32, 256, 5, 1, 8);
    else
      take(32, 128, 6, 1, 8);
  } else {
    if (rows == 8)
      take(64, 128, 8, 2, 4);
    else if (rows == 16)
      take(64, 128, 8, 1, 8);
    else if (many && k <= 16384)
      take(128, 64, 6, 4, 2);
    else if (rows == 32)
      take(32, 128, 8, 1, 8); // one block a multiprocessor, also while launches overlap
    else
      take(32, 128, 6, 1, 8);
  }
  return withStagesFor(tile, k);
}

std::optional<FewRowsTile> mad::device::fewRowsLargeTile(int rows, Order order, int64_t n,
                                                         int64_t k) {
  // A second wave of blocks costs more, and what the blocks of a cluster have to say at the end is
  // worth it for many stages only. A longer ring is worth it where reading B takes long.
  constexpr int64_t mostColumns = 132 * 32, leastOfCluster = 8192, leastElements = 1 << 22;
  if (rows < 32 || n < 1 || n > mostColumns)
    return std::nullopt;
  FewRowsTile tile;
  if (order == Order::RowMajor && k >= leastOfCluster) {
    tile = {rows, 64, 128, rows == 32 ? 8 : 5, 4, 2};
    tile.cluster = 2;
  } else if (rows == 32 && n * k >= leastElements) {
    tile = order == Order::RowMajor ? FewRowsTile{rows, 32, 128, 13, 1, 8}
                                    : FewRowsTile{rows, 32, 256, 7, 1, 8};
  } else {
    return std::nullopt;
  }
  tile.large = true;
  return withStagesFor(tile, k);
}

FewRowsTile mad::device::fewRowsTileF32(int rows, int64_t k) {
  const int warpsOfK = k <= 8192 ? 8 : 16; // no sum is longer than 1024
  return withStagesFor({rows, 32, 128, rows == 8 ? 7 : 6, 1, warpsOfK}, k);
}

llvm::Error mad::device::check(const FewRowsTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  const bool single = spec.element.isF32();
  if (!single && !spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("products of few rows are of f16, bf16 and f32");
  if (spec.orderA != Order::RowMajor || spec.longestSum)
    return llvm::createStringError("products of few rows need A as [M, K], and one sum over all k");
  const int chunk = 16 / bytesOf(spec.element);
  if (spec.vectorA != chunk || spec.vectorB != chunk)
    return llvm::createStringError("products of few rows need rows of a multiple of 16 bytes");
  // Of a warp.
  const int leastStep = single ? 4 : tile.rows == 8 ? 32 : 16, leastColumns = single ? 32 : 16;
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"rows", tile.rows, 8, 64, tile.rows == 8 ? 8 : 16},
      {"warpsAcross", tile.warpsAcross, 1, 8, 1},
      {"warpsOfK", tile.warpsOfK, 1, 16, 1},
      {"columns", tile.columns, leastColumns * tile.warpsAcross,
       single ? leastColumns * tile.warpsAcross : 256, leastColumns * tile.warpsAcross},
      {"stepK", tile.stepK, leastStep * tile.warpsOfK, 256, leastStep * tile.warpsOfK},
      {"stages", tile.stages, 2, 32, 1},
      {"cluster", tile.cluster, 1, single ? 1 : 8, 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  // The XOR permutes a power of two of chunks.
  const bool alongK = spec.order == Order::ColumnMajor;
  for (auto [name, value] :
       {std::pair("stepK", tile.stepK), std::pair("columns", alongK ? 16 : tile.columns)})
    if (!llvm::isPowerOf2_32(value))
      return llvm::createStringError(Twine(name) + " = " + Twine(value) +
                                     ", expected a power of two");
  if (tile.cluster > 1 && tile.columns % (16 * tile.cluster) != 0)
    return llvm::createStringError("blocks of a cluster need multiples of 16 columns each");
  if (tile.cluster > 1 && !tile.large)
    return llvm::createStringError("clusters are for chips from sm_90 on");
  if (llvm::Error fault = checkRegisters(tile.registers(), tile.threads(), 1))
    return fault;
  return checkShared(tile.sharedBytes(bytesOf(spec.element)),
                     tile.large ? sharedOfSm90 : sharedOfSm80);
}

namespace {
/// A factor in the ring: rows of `chunks` chunks of 16 bytes.
struct Ring {
  GpuBuilder &g;
  int at, chunks; ///< where it lies in a stage

  Value place(Value row, Value chunk) {
    const int permuted = std::min(chunks, 8);
    // Eight rows of four or two chunks fill the banks once.
    Value bits = permuted == 8 ? row : g.shiftRight(row, permuted == 4 ? 1 : 2);
    Value moved = g.bitXor(chunk, g.bitAnd(bits, permuted - 1));
    return g.add(g.mul(g.add(g.mul(row, chunks), moved), 16), at);
  }
};

struct FewRowsMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const FewRowsTile &tile;
  MatmulArguments arguments;
  Value lane, warpAcross, warpOfK, column0;
  Value rank; ///< in the cluster; null: none
  Value k0;   ///< of the first stage of this block
  /// A chunk that this thread copies for each stage.
  struct Copy {
    Value place;           ///< in the stage
    Value source;          ///< for k = 0
    Value ofStep;          ///< k inside of the stage
    Value inside, isThere; ///< whether the row or column is there, and the chunk; null: yes
  };
  SmallVector<Copy> ofA, ofB;

  FewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                const MatmulArguments &arguments)
      : g(g), spec(spec), tile(tile), arguments(arguments) {
    lane = g.rem(g.thread(), lanesOfWarp);
    Value warp = g.div(g.thread(), lanesOfWarp);
    warpAcross = g.rem(warp, tile.warpsAcross), warpOfK = g.div(warp, tile.warpsAcross);
    column0 = g.mul(g.div(g.block(), tile.cluster), tile.columns);
    if (tile.cluster > 1) {
      g.runInClusters(tile.cluster);
      rank = g.clusterRank();
    }
    k0 = rank ? g.mul(rank, tile.stepK) : g.number(0);
    ofA = copiesOfA(), ofB = copiesOfB();
  }

  bool alongK() const { return spec.order == Order::ColumnMajor; }
  bool isSingle() const { return spec.element.isF32(); }
  int bytes() const { return bytesOf(spec.element); }
  int ofChunk() const { return 16 / bytes(); }            ///< elements
  int nextK() const { return tile.cluster * tile.stepK; } ///< from a stage to the next one
  int stageBytes() const { return tile.stageBytes(bytes()); }
  int chunksOfK() const { return tile.stepK / ofChunk(); }
  int groups() const { return tile.rows / 8; }                       ///< of rows
  int tiles() const { return tile.columns / tile.warpsAcross / 16; } ///< of columns of a warp
  int width() const { return tile.ownColumns() + 4; } ///< of a row of sums: keeps stores apart
  Ring ringA() { return {g, tile.columns * tile.stepK * bytes(), chunksOfK()}; }
  Ring ringB() { return {g, 0, alongK() ? chunksOfK() : tile.columns / ofChunk()}; }

  /// Of `count` chunks.
  SmallVector<Copy> copiesOf(int count, llvm::function_ref<Copy(Value number)> make) {
    SmallVector<Copy> copies;
    for (int first = 0; first < count; first += tile.threads()) {
      Value number = g.add(g.thread(), first);
      copies.push_back(make(number));
      if (first + tile.threads() > count)
        copies.back().isThere = g.less(number, count);
    }
    return copies;
  }
  SmallVector<Copy> copiesOfA() {
    return copiesOf(tile.rows * chunksOfK(), [&](Value number) -> Copy {
      Value row = g.div(number, chunksOfK()), chunk = g.rem(number, chunksOfK());
      Value at = g.mul(chunk, ofChunk());
      Value source =
          g.at(arguments.a, spec.element, g.min(row, g.sub(arguments.m, 1)), arguments.rowA, at);
      return {ringA().place(row, chunk), source, at, g.less(row, arguments.m), {}};
    });
  }
  SmallVector<Copy> copiesOfB() {
    Ring ring = ringB();
    return copiesOf(tile.columns * tile.stepK / ofChunk(), [&](Value number) -> Copy {
      Value row = g.div(number, ring.chunks), chunk = g.rem(number, ring.chunks);
      Value at = alongK() ? g.mul(chunk, ofChunk()) : row;
      Value column = g.add(column0, alongK() ? row : g.mul(chunk, ofChunk()));
      Value near = g.min(column, g.sub(arguments.n, alongK() ? 1 : ofChunk()));
      Value source = g.at(arguments.b, spec.element, alongK() ? near : at, arguments.rowB,
                          alongK() ? at : near);
      return {ring.place(row, chunk), source, at, g.less(column, arguments.n), {}};
    });
  }

  /// A copy of nothing gets an address that is there.
  void start(ArrayRef<Copy> copies, Value factor, Value stage, Value k, Value stride) {
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
  void copyA(Value stage, Value k) { start(ofA, arguments.a, stage, k, {}); }
  void copyB(Value stage, Value k) {
    start(ofB, arguments.b, stage, k, alongK() ? Value() : arguments.rowB);
  }

  /// 16 columns of C over 16 k.
  Values columnsOf(Value stage, int t, Value step) {
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
  /// 16 rows of A over 16 k, or 8 over 32: two words of the first half, two of the other.
  Values rowsOf(Value stage, int pair, Value step) {
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

  void multiply(Values &sums, int t, int group, ValueRange columns, ValueRange rows) {
    const int at = (t * groups() + group) * 4;
    Values now(ArrayRef<Value>(sums).slice(at, 4));
    llvm::copy(g.multiply(spec.element, columns, rows, now), sums.begin() + at);
  }

  /// The sums of a column and all rows, in f32.
  void addStage(Value stage, Values &sums) {
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

  void multiplyStage(Value stage, Values &sums) {
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

  Value nextStage(Value stage) {
    Value next = g.add(stage, stageBytes());
    return g.select(g.equal(next, tile.stages * stageBytes()), g.number(0), next);
  }

  /// The first stages on their way. `early`: what B holds was there before the kernel in front
  /// began.
  void fill() {
    auto each = [&](llvm::function_ref<void(Value stage, Value k)> start) {
      for (int i = 0; i < tile.stages - 1; ++i) {
        Value k = g.add(k0, i * nextK());
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
      Value k = g.add(k0, i * nextK());
      g.when(g.less(k, arguments.k), [&] { copyA(g.number(i * stageBytes()), k); });
      g.commitCopies();
    }
  }

  Values sumsOfWarp() {
    fill();
    if (rank)
      g.clusterArrive(); // it has begun: others may leave sums here
    Values carried{g.number(0), g.number((tile.stages - 1) * stageBytes())};
    carried.append(isSingle() ? tile.rows : tiles() * groups() * 4, g.f32(0));
    Values results =
        g.loop(k0, arguments.k, nextK(), carried, [&](Value k, ValueRange now) -> Values {
          g.waitCopies(tile.stages - 2);
          g.barrier();
          Value next = g.add(k, (tile.stages - 1) * nextK());
          g.when(g.less(next, arguments.k), [&] { copyB(now[1], next), copyA(now[1], next); });
          g.commitCopies();
          Values sums(now.drop_front(2));
          multiplyStage(now[0], sums);
          Values all{nextStage(now[0]), nextStage(now[1])};
          all.append(sums);
          return all;
        });
    return Values(ValueRange(results).drop_front(2));
  }

  /// Where sums lie: all rows of some columns, of warp `w` of a block of the cluster.
  Value sumsAt(Value block, Value w) {
    Value at = g.bytesAt(g.shared(), rank ? tile.stages * stageBytes() : 0);
    Value number = block ? g.add(g.mul(block, tile.warpsOfK), w) : w;
    return g.at(at, g.b.getF32Type(), g.mul(number, tile.rows * width()));
  }
  /// Leaves the sums of this warp where those of the others are: in the block that stores the
  /// column.
  void leave(ValueRange sums) {
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

  /// In an order that does not depend on which block it is.
  Value sumOfBlock(Value row, Value inBlock) {
    Type f32 = g.b.getF32Type();
    Value at = g.at(sumsAt({}, g.number(0)), f32, g.add(g.mul(row, width()), inBlock));
    Value sum = g.load(f32, at);
    for (int part = 1; part < tile.cluster * tile.warpsOfK; ++part)
      sum = arith::AddFOp::create(g.b, sum, g.load(f32, g.at(at, f32, part * tile.rows * width())));
    return sum;
  }

  void write() {
    Values sums = sumsOfWarp();
    g.waitCopies(0);
    if (rank)
      g.clusterWait();
    else
      g.barrier();
    leave(sums);
    if (rank) {
      g.clusterArrive();
      g.clusterWait();
      column0 = g.add(column0, g.mul(rank, tile.ownColumns()));
    } else {
      g.barrier();
    }
    Value count = g.mul(arguments.m, tile.ownColumns());
    g.loop(g.thread(), count, tile.threads(), {}, [&](Value i, ValueRange) -> Values {
      Value row = g.div(i, tile.ownColumns()), inBlock = g.rem(i, tile.ownColumns());
      Value column = g.add(column0, inBlock);
      g.when(g.less(column, arguments.n), [&] {
        g.store(finished(g, spec, arguments, sumOfBlock(row, inBlock), row, column),
                g.at(arguments.c, spec.output, row, arguments.rowC, column));
      });
      return {};
    });
  }
};
} // namespace

void mad::device::writeFewRowsMatmul(GpuBuilder &g, const MatmulSpec &spec, const FewRowsTile &tile,
                                     const MatmulArguments &arguments) {
  FewRowsMatmul(g, spec, tile, arguments).write();
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
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/false);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    writeFewRowsMatmul(g, spec, tile, matmulArguments(g, spec, arguments, /*batched=*/false));
  });
}
