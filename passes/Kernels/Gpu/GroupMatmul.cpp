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
// tf32 is f32 without its last 13 bits, which tensor cores do not look at: both factors with
// neighbours along k, half as many of them in a stage.
//
// f32 is multiplied in parts (Henry, Tang and Heinecke, "Leveraging the bfloat16 Artificial
// Intelligence Datatype For Higher-Precision Computations", 2019): x = x1 + x2 + x3, each the bf16
// next to what is left, is exact from 2^-110 on, and of x y six of nine products are added, the
// small ones first; the others are below 2^-25 |x y| together. Tensor cores round towards zero when
// they add, so a sum in them has the 64 k of a stage alone, which plain additions take up. Where
// a sum is not finite, because of a factor or on the way, the thread takes all its sums from the
// f32 themselves. The error, with u = 2^-24 and S the sum of the absolute values of the terms: a
// product adds 17 numbers, each cut to the places of the largest, so at most 2 u S for each, and
// four times in a stage; K / 64 plain additions. That is (140 + K / 64) u S, within what
// docs/language.md says for K up to `longestSumOfParts`.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;

static constexpr int threadsOfGroup = 128;
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

GroupTile mad::device::groupTileOfParts(int blockN) {
  GroupTile tile;
  tile.parts = partsOfFloat;
  tile.blockN = blockN;
  tile.stages = blockN <= 64 ? 3 : 2;
  tile.copierRegisters = 40, tile.multiplierRegisters = 232;
  return tile;
}

llvm::Error mad::device::check(const GroupTile &tile, const MatmulSpec &spec) {
  if (llvm::Error fault = checkVectors(spec))
    return fault;
  const bool single = spec.element.isF32(), inParts = tile.parts == partsOfFloat && single;
  if (!inParts && (tile.parts != 1 || (!single && !spec.element.isF16() && !spec.element.isBF16())))
    return llvm::createStringError(
        "groups of warps multiply f16, bf16, and f32 as tf32 or in three parts");
  if (!inParts && single &&
      (spec.orderA != Order::RowMajor || spec.order != Order::ColumnMajor || spec.longestSum))
    return llvm::createStringError("tf32 is multiplied where k has neighbours in both factors, and "
                                   "sums are not cut");
  if (inParts && spec.longestSum)
    return llvm::createStringError("sums of parts are not cut");
  const int chunk = 16 / bytesOf(spec.element);
  if (!inParts && (spec.vectorA != chunk || spec.vectorB != chunk))
    return llvm::createStringError("tensor maps need rows of a multiple of 16 bytes");
  if (spec.longestSum % GroupTile::blockK)
    return llvm::createStringError("sums are cut at " + Twine(spec.longestSum) +
                                   ", expected a multiple of " + Twine(GroupTile::blockK));
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"blockN", tile.blockN, 64, 256, 64},
      {"stages", tile.stages, 2, 16, 1},
      {"groupRows", tile.groupRows, 1, 64, 1},
      {"copierRegisters", tile.copierRegisters, 24, 240, 8},
      {"multiplierRegisters", tile.multiplierRegisters, 24, 240, 8}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  if (llvm::Error fault =
          checkGroupRegisters(tile.multipliers, tile.copierRegisters, tile.multiplierRegisters))
    return fault;
  return checkShared(tile.sharedBytes(), sharedOfSm90);
}

Values mad::device::forGroupTiles(GpuBuilder &g, const GroupTile &tile,
                                  const MatmulArguments &arguments, const GroupBatch &batch,
                                  ValueRange initial,
                                  llvm::function_ref<Values(GroupTilePlace, ValueRange)> body) {
  Value down = g.ceilDiv(arguments.m, tile.rows());
  Value across = g.ceilDiv(arguments.n, tile.blockN);
  Value ofStripe = g.mul(across, tile.groupRows), ofProduct = g.mul(down, across);
  Value all = batch.count ? g.mul(ofProduct, batch.count) : ofProduct;
  Value start = g.div(g.block(), tile.cluster), step = g.div(g.blocks(), tile.cluster);
  return g.loop(start, all, step, initial, [&](Value number, ValueRange carried) {
    GroupTilePlace at;
    if (batch.count) {
      at.z = g.div(number, ofProduct);
      number = g.rem(number, ofProduct);
    }
    Value first = g.mul(g.div(number, ofStripe), tile.groupRows);
    Value height = g.min(g.sub(down, first), tile.groupRows);
    Value inside = g.rem(number, ofStripe);
    at.row = g.mul(g.add(first, g.rem(inside, height)), tile.rows());
    at.column = g.mul(g.div(inside, height), tile.blockN);
    return body(at, carried);
  });
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
  Value firstStep, lastStep; ///< tiles of k that this product adds up

  /// Which of the groups that multiply this is.
  Value multiplier() { return g.sub(group, 1); }
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
  bool inParts() const { return tile.parts > 1; }
  bool isTf32() const { return spec.element.isF32() && !inParts(); }
  /// k of a stage: 128 bytes.
  int terms() const { return isTf32() ? GroupTile::blockK / 2 : GroupTile::blockK; }
  Value tilesOfK() { return g.ceilDiv(arguments.k, terms()); }

  using TilePlace = GroupTilePlace;
  std::pair<Value, Value> stepsOf(const TilePlace &of) {
    return batch.steps ? batch.steps(of.z) : std::pair(g.number(0), tilesOfK());
  }
  Values forTiles(ValueRange initial, llvm::function_ref<Values(TilePlace, ValueRange)> body) {
    return forGroupTiles(g, tile, arguments, batch, initial, body);
  }

  void copyTiles() {
    // The first wait for each stage must not block: it is for the phase before the first.
    forTiles({g.number(0), g.number(1)}, [&](TilePlace of, ValueRange carried) {
      auto [first, last] = stepsOf(of);
      return g.loop(first, last, 1, carried, [&](Value k, ValueRange now) -> Values {
        Place at{now[0], now[1]};
        g.barrierWait(empty(at.stage), at.phase);
        g.barrierExpect(full(at.stage), tile.stageBytes());
        Value to = g.bytesAt(g.shared(), g.mul(at.stage, tile.stageBytes()));
        Value column0 = g.mul(k, terms());
        for (int part = 0; part < tile.parts; ++part) {
          copyBoxes(arguments.a, g.bytesAt(to, offsetOfA(part)), full(at.stage), column0, of.row,
                    tile.rows(), tile.boxOfA(spec.orderA), spec.orderA == Order::ColumnMajor,
                    batch.inA, of.z, part ? g.mul(arguments.partA, part) : Value());
          copyBoxes(arguments.b, g.bytesAt(to, offsetOfB(part)), full(at.stage), column0, of.column,
                    tile.blockN, tile.boxOfB(spec.order), spec.order == Order::RowMajor, batch.inB,
                    of.z, part ? g.mul(arguments.partB, part) : Value());
        }
        Place next = after(at);
        return {next.stage, next.phase};
      });
    });
  }

  /// Of a part in a stage.
  int offsetOfA(int part) const { return part * tile.bytesOfA(); }
  int offsetOfB(int part) const { return tile.parts * tile.bytesOfA() + part * tile.bytesOfB(); }

  /// The boxes of one factor: `height` rows (or columns) of C from `first` on, `width` a box, of 64
  /// k; of a part that begins so far behind in the row.
  void copyBoxes(Value map, Value to, Value barrier, Value k, Value first, int height, int width,
                 bool across, const GroupBatch::Place &place, Value z, Value behind) {
    for (int box = 0; box < height / width; ++box) {
      Values where{k, g.add(first, box * width)};
      if (across)
        std::swap(where[0], where[1]);
      if (behind)
        where[0] = g.add(where[0], behind);
      if (place)
        where = place(where[0], where[1], z);
      g.copyTensor(g.bytesAt(to, box * width * GroupTile::blockK * 2), map, barrier, where);
    }
  }

  Value productOfStage(Place at, Value sums) {
    Value start = g.mul(at.stage, tile.stageBytes());
    Value rows = g.mul(multiplier(), rowsOfGroup * GroupTile::blockK * 2);
    const bool across = spec.order == Order::RowMajor, acrossA = spec.orderA == Order::ColumnMajor;
    auto describe = [&](Value offset, bool across) {
      return g.matrixDescriptor(g.bytesAt(g.shared(), g.add(start, offset)), across);
    };
    Values a, b;
    for (int part = 0; part < tile.parts; ++part) {
      a.push_back(describe(g.add(rows, offsetOfA(part)), acrossA));
      b.push_back(describe(g.number(offsetOfB(part)), across));
    }
    const Type element = inParts() ? g.b.getBF16Type() : spec.element;
    g.fenceGroup();
    for (auto [partA, partB] : pairsOfParts())
      for (int step = 0; step < GroupTile::blockK / 16; ++step) {
        // 16 k, or 8 of tf32, are 32 bytes of a row, or 16 rows of 128.
        Value alongRow = g.wide(2 * step), down = g.wide(128 * step);
        sums = g.multiplyGroup(
            element, tile.blockN, arith::AddIOp::create(g.b, a[partA], acrossA ? down : alongRow),
            arith::AddIOp::create(g.b, b[partB], across ? down : alongRow), sums, across, acrossA);
      }
    g.commitGroup();
    return sums;
  }
  /// Parts that are multiplied, the smallest products first.
  ArrayRef<std::pair<int, int>> pairsOfParts() const {
    static constexpr std::pair<int, int> ofFloat[] = {{2, 0}, {0, 2}, {1, 1},
                                                      {1, 0}, {0, 1}, {0, 0}};
    return inParts() ? ArrayRef(ofFloat) : ArrayRef(ofFloat).take_back(1);
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

  /// Sums of parts in f32, of which tensor cores add up a stage at a time. The other group
  /// multiplies meanwhile.
  Values sumsOfParts(Value from, Value to, ValueRange place) {
    Values initial(place);
    initial.append(tile.blockN / 2, g.f32(0));
    return g.loop(from, to, 1, initial, [&](Value, ValueRange now) -> Values {
      Place at{now[0], now[1]};
      g.barrierWait(full(at.stage), at.phase);
      Value sums =
          productOfStage(at, LLVM::ZeroOp::create(g.b, g.groupSums(tile.blockN)).getResult());
      g.waitGroup(0);
      g.when(g.equal(threadOfGroup, 0), [&] { g.barrierArrive(empty(at.stage)); });
      sums = g.settled(sums);
      Place next = after(at);
      Values results{next.stage, next.phase};
      for (auto [i, total] : llvm::enumerate(now.drop_front(2)))
        results.push_back(
            arith::AddFOp::create(g.b, total, LLVM::ExtractValueOp::create(g.b, sums, int64_t(i))));
      return results;
    });
  }

  void multiplyTiles() {
    forTiles({g.number(0), g.number(0)}, [&](TilePlace of, ValueRange carried) -> Values {
      // Else LLVM computes them between the last product and the wait for it. A division there is
      // more than ptxas can look through, which then lets no two products overlap.
      of.row = g.settled(of.row), of.column = g.settled(of.column);
      if (of.z && batch.enter)
        batch.enter(of.z, arguments);
      std::tie(firstStep, lastStep) = stepsOf(of);
      if (inParts()) {
        Values results = sumsOfParts(firstStep, lastStep, carried);
        storeParts(of.row, of.column, ValueRange(results).drop_front(2));
        return {results[0], results[1]};
      }
      if (!spec.longestSum) {
        Values results = sumsOf(firstStep, lastStep, carried);
        store(of.row, of.column, members(results[2]));
        return {results[0], results[1]};
      }
      const int most = spec.longestSum / GroupTile::blockK;
      return g.loop(0, tilesOfK(), most, carried, [&](Value from, ValueRange place) -> Values {
        Value to = g.min(g.add(from, most), tilesOfK());
        Values results = sumsOf(from, to, place);
        Value zero = unknownZero(g, arguments.totals, from);
        SumPart part{g.equal(from, 0), g.equal(to, tilesOfK())};
        store(g.add(of.row, zero), g.add(of.column, zero), members(results[2]), &part);
        return {results[0], results[1]};
      });
    });
  }

  /// Lane 4 g + t has rows g and g + 8 of its warp's 16, and of each 8 columns 2 t and 2 t + 1.
  Value lane() { return g.rem(threadOfGroup, lanesOfWarp); }
  Value firstRow(Value row0) {
    Value warp = g.div(threadOfGroup, lanesOfWarp);
    return g.add(g.add(row0, g.mul(multiplier(), rowsOfGroup)),
                 g.add(g.mul(warp, 16), g.div(lane(), 4)));
  }
  Values members(Value sums) {
    Values all;
    for (int64_t i = 0; i < tile.blockN / 2; ++i)
      all.push_back(LLVM::ExtractValueOp::create(g.b, sums, i));
    return all;
  }
  void store(Value row0, Value column0, ValueRange all, const SumPart *part = nullptr) {
    Value lane = this->lane(), first = firstRow(row0);
    if (!spec.epilogue.isLong) {
      for (int column = 0; column < tile.blockN; column += columnsOfStep)
        storeStep(first, g.add(column0, column), lane, all.slice(column / 2, columnsOfStep / 2),
                  part);
      return;
    }
    inTurn(g, all, columnsOfStep / 2, [&](Value turn, ValueRange sums) {
      storeStep(first, g.add(column0, g.mul(turn, columnsOfStep)), lane, sums, part);
    });
  }
  /// 32 columns: four sums of each 8, two of a row and two of the row 8 below.
  void storeStep(Value first, Value column0, Value lane, ValueRange sums, const SumPart *part) {
    for (int half = 0; half < 2; ++half) {
      Value row = g.add(first, half * 8);
      SmallVector<Values> pairs;
      for (int j = 0; j < columnsOfStep / 8; ++j)
        pairs.push_back({sums[4 * j + 2 * half], sums[4 * j + 2 * half + 1]});
      if (bytesOf(spec.output) == 2 && spec.vectorC == 8 && !part && !inParts()) {
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

  /// The sums, or those of the f32 themselves where one of them is not finite.
  void storeParts(Value row0, Value column0, ValueRange all) {
    // Zeros, or NaN.
    Value zero = g.f32(0), kinds = zero;
    for (Value sum : all)
      kinds = g.fma(sum, zero, kinds);
    Value finite = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OEQ, kinds, zero);
    g.when(
        finite, [&] { store(row0, column0, all); },
        [&] {
          Value first = firstRow(row0), t = g.rem(lane(), 4);
          g.loop(0, tile.blockN / 2, 1, {}, [&](Value i, ValueRange) -> Values {
            Value row = g.add(first, g.mul(g.bitAnd(g.shiftRight(i, 1), 1), 8));
            Value column = g.add(g.add(column0, g.mul(g.shiftRight(i, 2), 8)),
                                 g.add(g.mul(t, 2), g.bitAnd(i, 1)));
            g.when(g.both(g.less(row, arguments.m), g.less(column, arguments.n)),
                   [&] { storeSums(g, spec, arguments, row, column, plainSum(row, column)); });
            return {};
          });
        });
  }
  /// In f32, sums of 1024 terms at a time.
  Value plainSum(Value row, Value column) {
    constexpr int most = 1024;
    Type f32 = g.b.getF32Type();
    auto element = [&](Value pointer, Value along, Value rowLength, bool across, Value k) {
      Value slow = across ? k : along, fast = across ? along : k;
      return g.load(f32, g.at(pointer, f32, slow, rowLength, fast));
    };
    Value first = g.mul(firstStep, GroupTile::blockK);
    Value last = g.min(arguments.k, g.mul(lastStep, GroupTile::blockK));
    return g.loop(first, last, most, g.f32(0), [&](Value from, ValueRange total) -> Values {
      Value to = g.min(last, g.add(from, most));
      Values sum = g.loop(from, to, 1, g.f32(0), [&](Value k, ValueRange sum) -> Values {
        Value x =
            element(arguments.wholeA, row, arguments.rowA, spec.orderA == Order::ColumnMajor, k);
        Value y =
            element(arguments.wholeB, column, arguments.rowB, spec.order == Order::RowMajor, k);
        return {g.fma(x, y, sum[0])};
      });
      return {arith::AddFOp::create(g.b, total[0], sum[0])};
    })[0];
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
    exchangeQuads(g, words, t);
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
  void write() {
    group = g.div(g.thread(), threadsOfGroup);
    threadOfGroup = g.rem(g.thread(), threadsOfGroup);
    g.when(g.equal(g.thread(), 0), [&] {
      for (int stage = 0; stage < tile.stages; ++stage) {
        g.barrierInit(full(g.number(stage)), 1);
        g.barrierInit(empty(g.number(stage)), tile.multipliers);
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
  GroupMatmul{g, spec, tile, arguments, batch, {}, {}, {}, {}}.write();
}

llvm::Expected<Kernel> mad::device::makeGroupMatmul(gpu::GPUModuleOp module, StringRef name,
                                                    const MatmulSpec &spec, const GroupTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.sharedBytes = tile.sharedBytes();
  signature.sharedAlignment = 1024; // of swizzled tiles
  signature.blocksAtOnce = 1;       // ptxas must know how many registers the block starts with
  signature.arguments = matmulTypes(module.getContext(), spec, /*batched=*/false);
  signature.arguments[0] = signature.arguments[1] = tensorMap(module.getContext());
  const int sizes = 6; // of the arguments up to K
  const bool inParts = tile.parts > 1;
  if (inParts)
    signature.arguments.insert(signature.arguments.begin() + sizes, 2,
                               globalPointer(module.getContext()));
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange arguments) {
    MatmulArguments made = matmulArguments(g, spec, arguments, /*batched=*/false);
    if (inParts) {
      made.wholeA = arguments[sizes], made.wholeB = arguments[sizes + 1];
      made.epilogue = made.epilogue.drop_front(2);
      auto padded = [&](Value x) { return g.mul(g.ceilDiv(x, multipleOfParts), multipleOfParts); };
      made.partA = padded(made.rowA), made.partB = padded(made.rowB);
    }
    made.totals = made.c; // of f32
    writeGroupMatmul(g, spec, tile, made);
  });
}
