//===- GroupMatmul.cpp - Products on tensor cores, by groups of warps -------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block has three groups of four warps. One thread of the first starts copies of whole
// tiles by tensor map, the other two groups multiply 64 rows each from shared memory. They
// meet through two barriers for each stage of a ring: `full` (the copy has arrived) and
// `empty` (both groups have read it). One product is always in the background, so a stage becomes
// empty one round after it was read.
//
// Blocks stay: each takes tiles at a distance of the number of blocks, and the copies for
// the next tile go on while this one is stored. Tiles are ordered so that those which
// are computed at the same time share rows and columns, for the second cache.
//
// Where B is [N, K], a box of it is 64 columns of k and up to 128 rows, as of A. Where it is [K,
// N], boxes are 64 columns and 64 rows of k, and the product reads them across; likewise A where it
// is [K, M].
//
// Copies write zeros where a tile is outside of the matrix; what comes of them is not stored.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;

static constexpr int rowsOfGroup = 64, threadsOfGroup = 128;
static constexpr int columnsOfStep = 32; ///< that are stored together

GroupTile mad::device::wideGroupTile() {
  GroupTile tile;
  tile.blockN = 192;
  tile.stages = 5;
  return tile;
}

GroupTile mad::device::mediumGroupTile() {
  GroupTile tile;
  tile.blockN = 128;
  tile.stages = 6;
  return tile;
}

GroupTile mad::device::smallGroupTile() {
  GroupTile tile;
  tile.blockN = 64;
  tile.stages = 8;
  return tile;
}

llvm::Error mad::device::check(const GroupTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps multiply f16 and bf16");
  if (spec.vectorA != 8 || spec.vectorB != 8)
    return llvm::createStringError("tensor maps need rows of a multiple of 16 bytes");
  if (spec.longestSum % GroupTile::blockK)
    return llvm::createStringError("sums are cut at " + Twine(spec.longestSum) +
                                   ", expected a multiple of " + Twine(GroupTile::blockK));
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"blockN", tile.blockN, 64, 256, 64},
      {"stages", tile.stages, 2, 8, 1},
      {"groupRows", tile.groupRows, 1, 64, 1},
      {"copierRegisters", tile.copierRegisters, 24, 240, 8},
      {"multiplierRegisters", tile.multiplierRegisters, 24, 240, 8}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  // ptxas gives each thread as many as fit; asking for more than all of them waits forever.
  constexpr int atStart = 65536 / GroupTile::threads / 8 * 8 * GroupTile::threads;
  const int asked = (tile.copierRegisters + 2 * tile.multiplierRegisters) * threadsOfGroup;
  if (asked > atStart)
    return llvm::createStringError("the groups ask for " + Twine(asked) +
                                   " registers, expected at most the " + Twine(atStart) +
                                   " that the block starts with");
  return checkShared(tile.sharedBytes(), sharedOfSm90);
}

namespace {
/// A place in the ring: which stage, and which of its barriers' phases is awaited.
struct Place {
  Value stage, phase;
};

struct GroupMatmul {
  GpuBuilder &g;
  const MatmulSpec &spec;
  const GroupTile &tile;
  MatmulArguments arguments; ///< a and b are tensor maps
  const GroupBatch &batch;
  Value group, threadOfGroup;

  Value barrier(Value stage, int which) {
    return g.bytesAt(g.shared(),
                     g.add(g.mul(stage, 16), tile.stages * tile.stageBytes() + which * 8));
  }
  Value full(Value stage) { return barrier(stage, 0); }
  Value empty(Value stage) { return barrier(stage, 1); }
  Place after(Place at) {
    Value next = g.add(at.stage, 1), wraps = g.equal(next, tile.stages);
    return {g.select(wraps, g.number(0), next), g.select(wraps, g.bitXor(at.phase, 1), at.phase)};
  }
  Value tilesOfK() { return g.ceilDiv(arguments.k, GroupTile::blockK); }

  /// Where a tile of this block is: its product, first row and first column.
  struct TilePlace {
    Value z, row, column; ///< z: null without a batch
  };
  Values forTiles(ValueRange initial, llvm::function_ref<Values(TilePlace, ValueRange)> body) {
    Value down = g.ceilDiv(arguments.m, GroupTile::blockM);
    Value across = g.ceilDiv(arguments.n, tile.blockN);
    Value ofStripe = g.mul(across, tile.groupRows), ofProduct = g.mul(down, across);
    Value all = batch.count ? g.mul(ofProduct, batch.count) : ofProduct;
    return g.loop(g.block(), all, g.blocks(), initial, [&](Value number, ValueRange carried) {
      TilePlace at;
      if (batch.count) {
        at.z = g.div(number, ofProduct);
        number = g.rem(number, ofProduct);
      }
      Value first = g.mul(g.div(number, ofStripe), tile.groupRows);
      Value height = g.min(g.sub(down, first), tile.groupRows);
      Value inside = g.rem(number, ofStripe);
      at.row = g.mul(g.add(first, g.rem(inside, height)), GroupTile::blockM);
      at.column = g.mul(g.div(inside, height), tile.blockN);
      return body(at, carried);
    });
  }

  void copyTiles() {
    // The first wait for each stage must not block: it is for the phase before the first.
    forTiles({g.number(0), g.number(1)}, [&](TilePlace of, ValueRange carried) {
      return g.loop(0, tilesOfK(), 1, carried, [&](Value k, ValueRange now) -> Values {
        Place at{now[0], now[1]};
        g.barrierWait(empty(at.stage), at.phase);
        g.barrierExpect(full(at.stage), tile.stageBytes());
        Value to = g.bytesAt(g.shared(), g.mul(at.stage, tile.stageBytes()));
        Value column0 = g.mul(k, GroupTile::blockK);
        copyBoxes(arguments.a, to, full(at.stage), column0, of.row, GroupTile::blockM,
                  tile.boxOfA(spec.orderA), spec.orderA == Order::ColumnMajor, batch.inA, of.z);
        copyBoxes(arguments.b, g.bytesAt(to, GroupTile::bytesOfA), full(at.stage), column0,
                  of.column, tile.blockN, tile.boxOfB(spec.order), spec.order == Order::RowMajor,
                  batch.inB, of.z);
        Place next = after(at);
        return {next.stage, next.phase};
      });
    });
  }

  /// The boxes of one factor: `height` rows (or columns) of C from `first` on, `width` a box, of 64
  /// k.
  void copyBoxes(Value map, Value to, Value barrier, Value k, Value first, int height, int width,
                 bool across, const GroupBatch::Place &place, Value z) {
    for (int box = 0; box < height / width; ++box) {
      Values where{k, g.add(first, box * width)};
      if (across)
        std::swap(where[0], where[1]);
      if (place)
        where = place(where[0], where[1], z);
      g.copyTensor(g.bytesAt(to, box * width * GroupTile::blockK * 2), map, barrier, where);
    }
  }

  Value productOfStage(Place at, Value sums) {
    Value start = g.mul(at.stage, tile.stageBytes());
    Value rows = g.mul(g.sub(group, 1), rowsOfGroup * GroupTile::blockK * 2);
    const bool across = spec.order == Order::RowMajor, acrossA = spec.orderA == Order::ColumnMajor;
    Value a = g.matrixDescriptor(g.bytesAt(g.shared(), g.add(start, rows)), acrossA);
    Value b = g.matrixDescriptor(g.bytesAt(g.shared(), g.add(start, GroupTile::bytesOfA)), across);
    g.fenceGroup();
    for (int step = 0; step < GroupTile::blockK / 16; ++step) {
      // 16 k are 32 bytes of a row, or 16 rows of 128.
      Value alongRow = g.wide(2 * step), down = g.wide(128 * step);
      sums = g.multiplyGroup(
          spec.element, tile.blockN, arith::AddIOp::create(g.b, a, acrossA ? down : alongRow),
          arith::AddIOp::create(g.b, b, across ? down : alongRow), sums, across, acrossA);
    }
    g.commitGroup();
    return sums;
  }

  /// The stage before is read once only the last product is in the background.
  void release(Place at, Value condition) {
    Value before = g.select(g.equal(at.stage, 0), g.number(tile.stages - 1), g.sub(at.stage, 1));
    g.when(g.both(g.equal(threadOfGroup, 0), condition), [&] { g.barrierArrive(empty(before)); });
  }

  /// The sums over tiles `from` to `to` of k, behind stage and phase.
  Values sumsOf(Value from, Value to, ValueRange place) {
    Values initial(place);
    initial.push_back(LLVM::ZeroOp::create(g.b, g.groupSums(tile.blockN)));
    Values results = g.loop(from, to, 1, initial, [&](Value k, ValueRange now) -> Values {
      Place at{now[0], now[1]};
      g.barrierWait(full(at.stage), at.phase);
      Value sums = productOfStage(at, now[2]);
      g.waitGroup(1);
      release(at, g.less(from, k));
      Place next = after(at);
      return {next.stage, next.phase, sums};
    });
    g.waitGroup(0);
    release({results[0], results[1]}, g.less(from, to));
    results[2] = g.settled(results[2]);
    return results;
  }

  void multiplyTiles() {
    forTiles({g.number(0), g.number(0)}, [&](TilePlace of, ValueRange carried) -> Values {
      if (of.z && batch.enter)
        batch.enter(of.z, arguments);
      if (!spec.longestSum) {
        Values results = sumsOf(g.number(0), tilesOfK(), carried);
        store(of.row, of.column, results[2]);
        return {results[0], results[1]};
      }
      const int most = spec.longestSum / GroupTile::blockK;
      return g.loop(0, tilesOfK(), most, carried, [&](Value from, ValueRange place) -> Values {
        Value to = g.min(g.add(from, most), tilesOfK());
        Values results = sumsOf(from, to, place);
        Value zero = unknownZero(g, arguments.totals, from);
        SumPart part{g.equal(from, 0), g.equal(to, tilesOfK())};
        store(g.add(of.row, zero), g.add(of.column, zero), results[2], &part);
        return {results[0], results[1]};
      });
    });
  }

  /// Lane 4 g + t has rows g and g + 8 of its warp's 16, and of each 8 columns 2 t and 2 t + 1.
  void store(Value row0, Value column0, Value sums, const SumPart *part = nullptr) {
    Value lane = g.rem(threadOfGroup, lanesOfWarp), warp = g.div(threadOfGroup, lanesOfWarp);
    Value first = g.add(g.add(row0, g.mul(g.sub(group, 1), rowsOfGroup)),
                        g.add(g.mul(warp, 16), g.div(lane, 4)));
    Values all;
    for (int64_t i = 0; i < tile.blockN / 2; ++i)
      all.push_back(LLVM::ExtractValueOp::create(g.b, sums, i));
    if (!spec.epilogue.isLong) {
      for (int column = 0; column < tile.blockN; column += columnsOfStep)
        storeStep(first, g.add(column0, column), lane,
                  ArrayRef(all).slice(column / 2, columnsOfStep / 2), part);
      return;
    }
    // Registers have no index: those of the next step move to the front.
    g.loop(0, tile.blockN, columnsOfStep, all, [&](Value column, ValueRange now) {
      storeStep(first, g.add(column0, column), lane, now.take_front(columnsOfStep / 2), part);
      Values next(now.drop_front(columnsOfStep / 2));
      llvm::append_range(next, now.take_front(columnsOfStep / 2));
      return next;
    });
  }
  /// 32 columns: four sums of each 8, two of a row and two of the row 8 below.
  void storeStep(Value first, Value column0, Value lane, ValueRange sums, const SumPart *part) {
    for (int half = 0; half < 2; ++half) {
      Value row = g.add(first, half * 8);
      SmallVector<Values> pairs;
      for (int j = 0; j < columnsOfStep / 8; ++j)
        pairs.push_back({sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]});
      if (bytesOf(spec.output) == 2 && spec.vectorC == 8 && !part) {
        storeWide(row, column0, lane, pairs);
        continue;
      }
      g.when(g.less(row, arguments.m), [&] {
        for (auto [j, pair] : llvm::enumerate(pairs))
          storeSums(g, spec, arguments, row,
                    g.add(column0, g.add(g.mul(g.rem(lane, 4), 2), int(j) * 8)), pair, part);
      });
    }
  }

  /// The four lanes of a row exchange pairs of columns, so that each stores 8 neighbours: 16 bytes.
  void storeWide(Value row, Value column0, Value lane, ArrayRef<Values> pairs) {
    Value t = g.rem(lane, 4);
    Values words;
    for (auto [j, sums] : llvm::enumerate(pairs)) {
      Value column = g.add(column0, g.add(g.mul(t, 2), int(j) * 8));
      Values pair = sums;
      for (int e = 0; e < 2; ++e)
        pair[e] = finishedInside(pair[e], row, g.add(column, e));
      words.push_back(g.bits(g.pack(pair), g.b.getI32Type()));
    }
    transpose(words, t);
    Value column = g.add(column0, g.mul(t, 8));
    g.when(g.both(g.less(row, arguments.m), g.less(column, arguments.n)), [&] {
      g.store(g.pack(words), g.at(arguments.c, spec.output, row, arguments.rowC, column));
    });
  }
  /// All lanes take part in the exchange, so the epilogue of places outside is that of places
  /// inside.
  Value finishedInside(Value sum, Value row, Value column) {
    if (!spec.epilogue.apply)
      return g.convert(sum, spec.output);
    return finished(g, spec, arguments, sum, g.min(row, g.sub(arguments.m, 1)),
                    g.min(column, g.sub(arguments.n, 1)));
  }
  /// Word i of lane t becomes word t of lane i of the four.
  void transpose(Values &words, Value t) {
    for (int mask : {1, 2}) {
      Value upper = g.equal(g.bitAnd(t, mask), mask);
      for (int i = 0; i < 4; ++i) {
        if (i & mask)
          continue;
        Value &low = words[i], &high = words[i | mask];
        Value got = g.shuffleXor(g.select(upper, low, high), mask);
        Value newLow = g.select(upper, got, low), newHigh = g.select(upper, high, got);
        low = newLow, high = newHigh;
      }
    }
  }

  void write() {
    group = g.div(g.thread(), threadsOfGroup);
    threadOfGroup = g.rem(g.thread(), threadsOfGroup);
    g.when(g.equal(g.thread(), 0), [&] {
      for (int stage = 0; stage < tile.stages; ++stage) {
        g.barrierInit(full(g.number(stage)), 1);
        g.barrierInit(empty(g.number(stage)), 2);
      }
      g.fenceBarrierInit();
    });
    g.barrier();
    g.when(
        g.equal(group, 0),
        [&] {
          g.setRegisters(tile.copierRegisters, /*more=*/false);
          g.when(g.equal(threadOfGroup, 0), [&] { copyTiles(); });
        },
        [&] {
          g.setRegisters(tile.multiplierRegisters, /*more=*/true);
          multiplyTiles();
        });
  }
};
} // namespace

void mad::device::writeGroupMatmul(GpuBuilder &g, const MatmulSpec &spec, const GroupTile &tile,
                                   const MatmulArguments &arguments, const GroupBatch &batch) {
  GroupMatmul{g, spec, tile, arguments, batch, {}, {}}.write();
}

llvm::Expected<Kernel> mad::device::makeGroupMatmul(gpu::GPUModuleOp module, StringRef name,
                                                    const MatmulSpec &spec, const GroupTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = GroupTile::threads;
  signature.sharedBytes = tile.sharedBytes();
  signature.sharedAlignment = 1024; // of swizzled tiles
  signature.blocksAtOnce = 1;       // ptxas must know how many registers the block starts with
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/false);
  signature.arguments[0] = signature.arguments[1] = tensorMap(module.getContext());
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    MatmulArguments made = matmulArguments(g, spec, arguments, /*batched=*/false);
    made.totals = made.c; // of f32
    writeGroupMatmul(g, spec, tile, made);
  });
}
