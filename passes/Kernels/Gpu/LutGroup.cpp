//===- LutGroup.cpp - Many rows times a weight of few bits ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y^T = w^T x^T by groups of four warps: each has 64 columns of the weight, of which a warp has the
// 16 of a tile, and all rows of the tile of y. Codes become numbers, with their scale and rounded
// once, in the registers from which `wgmma` takes its left factor, so nothing but x goes through
// shared memory more than once. A fourth group copies a record a stage: one warp x by tensor map,
// the others the codes. While one group multiplies a record the others make numbers.
//
// Where tiles are few, the blocks of a cluster have the same tile, each with a part of k: so each
// reads a part of x alone. They leave sums in each other's shared memory, and each stores some
// rows.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

static constexpr int warpsOfGroup = 4, threadsOfGroup = 128;
static constexpr int columnsOfGroup = warpsOfGroup * int(TileLayout::columns);

/// Of the records of a stage.
static int codesOfStage(const LutSpec &spec, const GroupTile &tile) {
  return tile.multipliers * warpsOfGroup * int(spec.layout.recordBytes());
}

GroupTile mad::device::lutGroupTile(const LutSpec &spec, int columns, int rows, int cluster) {
  constexpr int mostStages = 12;
  GroupTile tile;
  tile.blockN = columns, tile.rowsOfCodes = rows, tile.cluster = cluster;
  tile.multipliers = columns / columnsOfGroup;
  tile.copierRegisters = 40;
  // Of the registers that the block starts with what the copier leaves.
  const int atStart = 65536 / tile.threads() / 8 * 8;
  const int left = atStart * (tile.multipliers + 1) - tile.copierRegisters;
  tile.multiplierRegisters = std::min(240, left / tile.multipliers / 8 * 8);
  tile.stages = mostStages;
  auto fits = [&] {
    tile.factorBytes = tile.stages * codesOfStage(spec, tile) + lutTableBytes(spec);
    return tile.sharedBytes() <= sharedOfSm90;
  };
  while (!fits() && tile.stages > 2)
    --tile.stages;
  return tile;
}

llvm::Error mad::device::checkLutGroup(const GroupTile &tile, const LutSpec &spec) {
  if (std::string wrong = spec.layout.check(); !wrong.empty())
    return llvm::createStringError(wrong);
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps multiply codes with f16 and bf16");
  if (spec.layout.hasColumnTables())
    return llvm::createStringError("groups of warps have one table for all columns");
  if (llvm::Error fault = checkParameter("rows", tile.rowsOfCodes, 32, 128, 32))
    return fault;
  if (llvm::Error fault =
          checkParameter("blockN", tile.blockN, columnsOfGroup, 4 * columnsOfGroup, columnsOfGroup))
    return fault;
  if (tile.cluster != 1 && tile.cluster != 2 && tile.cluster != 4)
    return llvm::createStringError("cluster = " + Twine(tile.cluster) + ", expected 1, 2 or 4");
  MatmulSpec product;
  product.element = spec.element, product.output = spec.output;
  product.order = Order::ColumnMajor;
  product.vectorA = product.vectorB = 8;
  return check(tile, product);
}

namespace {
/// A place in the ring of x: which stage, and which of its barriers' phases is awaited.
struct Place {
  Value stage, phase;
};

struct LutGroup {
  GpuBuilder &g;
  const LutSpec &lut;
  const TileLayout &layout;
  const MatmulSpec &spec;
  const GroupTile &tile;
  MatmulArguments arguments; ///< a is a tensor map
  Value tiles;
  const GroupBatch &batch;
  Value group, warp, lane;
  Value rank; ///< in the cluster; null: none

  static constexpr int stepsOfRecord = int(TileLayout::steps) / GroupTile::blockK;

  //===- The ring ---------------------------------------------------------------------===//
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
  int recordBytes() const { return int(layout.recordBytes()); }
  Value table() { return g.bytesAt(g.shared(), tile.sharedBytes() - lutTableBytes(lut)); }
  /// Of the codes of a stage, that of tile `number` of the block.
  Value codesAt(Value stage, Number number) {
    Value at = g.add(g.mul(stage, codesOfStage(lut, tile)), g.mul(number, recordBytes()));
    return g.bytesAt(g.shared(), g.add(at, tile.sharedBytes() - tile.factorBytes));
  }
  /// The tile of the weight: those behind the last one are the last one, and what they give is not
  /// stored.
  Value tileNumber(Value column, Number inBlock) {
    Value number = g.add(g.div(column, int(TileLayout::columns)), inBlock);
    return g.min(number, int(layout.tiles()) - 1);
  }
  /// Records that a product adds up.
  std::pair<Value, Value> recordsOf(const GroupTilePlace &of) {
    if (!batch.steps) {
      Value all = g.ceilDiv(arguments.k, int(TileLayout::steps));
      if (!rank)
        return {g.number(0), all};
      return {g.div(g.mul(rank, all), tile.cluster),
              g.div(g.mul(g.add(rank, 1), all), tile.cluster)};
    }
    auto [first, last] = batch.steps(of.z);
    return {g.div(first, stepsOfRecord), g.ceilDiv(last, stepsOfRecord)};
  }
  void forStages(llvm::function_ref<void(Place, const GroupTilePlace &, Value record)> copy) {
    // The first wait for each stage must not block: it is for the phase before the first.
    forGroupTiles(g, tile, arguments, batch, {g.number(0), g.number(1)},
                  [&](GroupTilePlace of, ValueRange carried) {
                    auto [first, last] = recordsOf(of);
                    return g.loop(first, last, 1, carried,
                                  [&](Value record, ValueRange now) -> Values {
                                    Place at{now[0], now[1]};
                                    g.barrierWait(empty(at.stage), at.phase);
                                    copy(at, of, record);
                                    Place next = after(at);
                                    return {next.stage, next.phase};
                                  });
                  });
  }
  void copyX(Place at, const GroupTilePlace &of, Value record) {
    g.barrierExpect(full(at.stage), tile.stageBytes() + codesOfStage(lut, tile));
    Value to = g.bytesAt(g.shared(), g.mul(at.stage, tile.stageBytes()));
    for (int step = 0; step < stepsOfRecord; ++step) {
      Value k = g.add(g.mul(record, int(TileLayout::steps)), step * GroupTile::blockK);
      Values where = batch.inA ? batch.inA(k, of.row, of.z) : Values{k, of.row};
      g.copyTensor(g.bytesAt(to, step * tile.bytesOfA()), arguments.a, full(at.stage), where);
    }
  }
  /// Every third tile, from that of this warp on.
  void copyCodes(Place at, const GroupTilePlace &of, Value record) {
    constexpr int warps = warpsOfGroup - 1;
    const int all = tile.multipliers * warpsOfGroup;
    for (int i = 0; i < all; i += warps) {
      Value inBlock = g.add(g.sub(warp, 1), i);
      auto copy = [&] {
        Value index = g.add(g.mul(tileNumber(of.column, inBlock), int(layout.records())), record);
        Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(index), g.wide(recordBytes()));
        g.copyBulk(codesAt(at.stage, inBlock), g.bytesAt(tiles, Number(wide)),
                   g.number(recordBytes()), full(at.stage));
      };
      if (i + warps <= all)
        copy();
      else
        g.when(g.less(inBlock, all), copy);
    }
  }
  void copyRecords() {
    // Lane 0 of each warp.
    g.when(
        g.equal(warp, 0),
        [&] {
          if (tile.early)
            g.waitForBefore();
          forStages([&](Place at, auto &of, Value record) { copyX(at, of, record); });
        },
        [&] { forStages([&](Place at, auto &of, Value record) { copyCodes(at, of, record); }); });
  }

  //===- Numbers ----------------------------------------------------------------------===//
  /// A scale as a pair of the factor's type, and what that rounds off.
  struct Scale {
    Value pair, rest; ///< rest: null where there is none
  };
  Scale scaleOf(Value scale) {
    Type type = lut.factor();
    auto twice = [&](Value x) { return g.pack({x, x}); };
    Value narrow = g.convert(scale, type);
    if (type.isF16() && layout.format.half)
      return {twice(narrow), {}};
    Value rest = arith::SubFOp::create(g.b, scale, g.convert(narrow, g.b.getF32Type()));
    return {twice(narrow), twice(g.convert(rest, type))};
  }
  /// What goes with all k of columns g and g + 8: scales and zeros, where there are such.
  struct Late {
    std::optional<std::array<Scale, 2>> scales;
    Values zeros;
  };
  Late lateOf(Value number) {
    Late made;
    if (!layout.hasLateScale())
      return made;
    Type f32 = g.b.getF32Type();
    Value column = g.add(g.mul(number, int(TileLayout::columns)), g.div(lane, 4));
    Value scales = g.bytesAt(tiles, Number(g.wide(layout.lateOffset())));
    auto scale = [&](int h) {
      return scaleOf(g.load(f32, g.at(scales, f32, g.add(column, 8 * h))));
    };
    made.scales = {scale(0), scale(1)};
    if (!layout.format.affine)
      return made;
    Value zeros = g.bytesAt(tiles, Number(g.wide(layout.lateZerosOffset())));
    for (int h = 0; h < 2; ++h) {
      Value byte = g.load(g.b.getI8Type(), g.bytesAt(zeros, g.add(column, 8 * h)));
      made.zeros.push_back(arith::ExtUIOp::create(g.b, g.b.getI32Type(), byte));
    }
    return made;
  }
  Value scaled(Value code, const Scale &scale) {
    Type type = g.vectorOf(2, lut.factor()), i32 = g.b.getI32Type();
    Value value = g.bits(code, type);
    if (!scale.rest)
      return g.bits(arith::MulFOp::create(g.b, value, scale.pair), i32);
    Value rest = arith::MulFOp::create(g.b, value, scale.rest);
    return g.bits(g.fma(value, scale.pair, rest), i32);
  }
  /// The eight fragments of a record, four words each.
  SmallVector<Values> numbersOf(Value record, const Late &late) {
    LutCodes codes(g, lut, record, lane);
    if (layout.isTable())
      codes.setTable(table());
    if (!late.zeros.empty())
      codes.setZeros(late.zeros[0], late.zeros[1]);
    const int each = int(TileLayout::fragments / std::max<int64_t>(1, layout.groups()));
    std::array<Scale, 2> scales;
    if (late.scales)
      scales = *late.scales;
    SmallVector<Values> all;
    for (int f = 0; f < int(TileLayout::fragments); ++f) {
      if (f % each == 0 && layout.groups()) {
        auto [low, high] = lutScales(g, lut, record, f / each, lane);
        scales = {scaleOf(low), scaleOf(high)};
        if (layout.format.affine) {
          auto [zeroLow, zeroHigh] = lutZeros(g, lut, record, f / each, lane);
          codes.setZeros(zeroLow, zeroHigh);
        }
      }
      Values words = codes.fragment(f);
      // Made here, and not behind the wait for x.
      for (int i = 0; i < 4; ++i)
        words[i] = g.settled(layout.isTable() ? words[i] : scaled(words[i], scales[i % 2]));
      all.push_back(words);
    }
    return all;
  }

  //===- Products ---------------------------------------------------------------------===//
  Value productOf(Value stage, ArrayRef<Values> numbers, Value sums) {
    Value start = g.mul(stage, tile.stageBytes());
    Values x;
    for (int step = 0; step < stepsOfRecord; ++step)
      x.push_back(g.matrixDescriptor(g.bytesAt(g.shared(), g.add(start, step * tile.bytesOfA()))));
    constexpr int each = GroupTile::blockK / 16;
    g.fenceGroup();
    for (auto [f, words] : llvm::enumerate(numbers)) {
      // 16 k are 32 bytes of a row.
      Value alongRow = g.wide(2 * (f % each));
      sums = g.multiplyGroup(lut.factor(), tile.rows(), words,
                             arith::AddIOp::create(g.b, x[f / each], alongRow), sums);
    }
    g.commitGroup();
    return sums;
  }
  /// The sums over records `from` to `to`, behind stage and phase.
  Values sumsOf(const Late &late, Value from, Value to, ValueRange place) {
    Values initial(place);
    initial.push_back(LLVM::ZeroOp::create(g.b, g.groupSums(tile.rows())));
    Value inBlock = g.add(g.mul(g.sub(group, 1), warpsOfGroup), warp);
    Values results = g.loop(from, to, 1, initial, [&](Value, ValueRange now) -> Values {
      Place at{now[0], now[1]};
      g.barrierWait(full(at.stage), at.phase);
      SmallVector<Values> numbers = numbersOf(codesAt(at.stage, inBlock), late);
      Value sums = productOf(at.stage, numbers, now[2]);
      // ptxas gives the registers of the numbers to others behind the last product: nothing may be
      // computed before the wait. Other groups do so meanwhile.
      g.waitGroup(0);
      g.syncWarp();
      g.when(g.equal(lane, 0), [&] { g.barrierArrive(empty(at.stage)); });
      Place next = after(at);
      return {next.stage, next.phase, sums};
    });
    results[2] = g.settled(results[2]);
    return results;
  }

  void multiplyTiles() {
    if (tile.early)
      g.waitForBefore();
    Values start{g.number(0), g.number(0)};
    forGroupTiles(g, tile, arguments, batch, start, [&](GroupTilePlace of, ValueRange carried) {
      // Else LLVM computes them between the last product and the wait for it.
      of.row = g.settled(of.row), of.column = g.settled(of.column);
      if (of.z && batch.enter)
        batch.enter(of.z, arguments);
      Value column = g.add(of.column, g.mul(g.sub(group, 1), columnsOfGroup));
      auto [first, last] = recordsOf(of);
      Late late = lateOf(tileNumber(column, warp));
      if (spec.longestSum)
        return sumsInTurn(of.row, column, late, last, carried);
      Values results = sumsOf(late, first, last, carried);
      Values sums = sumsIn(results.pop_back_val());
      Value row = of.row;
      if (rank) {
        sums = sumsOfCluster(sums);
        row = g.add(row, g.mul(rank, tile.rows() / tile.cluster));
      }
      store(row, column, sums);
      return results;
    });
  }
  /// Sums of `longestSum` terms, added up in memory.
  Values sumsInTurn(Value row, Value column, const Late &late, Value last, ValueRange carried) {
    const int most = spec.longestSum / int(TileLayout::steps);
    return g.loop(0, last, most, carried, [&](Value from, ValueRange place) -> Values {
      Value to = g.min(g.add(from, most), last);
      Values results = sumsOf(late, from, to, place);
      Value zero = unknownZero(g, arguments.totals, from);
      SumPart part{g.equal(from, 0), g.equal(to, last)};
      store(g.add(row, zero), g.add(column, zero), sumsIn(results.pop_back_val()), &part);
      return results;
    });
  }

  Values sumsIn(Value sums) {
    Values all;
    for (int64_t i = 0; i < tile.rows() / 2; ++i)
      all.push_back(LLVM::ExtractValueOp::create(g.b, sums, i));
    return all;
  }

  //===- Clusters ---------------------------------------------------------------------===//
  /// The sums of all blocks, of those rows that this one stores: block q has part q of them.
  Values sumsOfCluster(Values all) {
    constexpr int together = 4;
    const int count = all.size(), each = count / tile.cluster;
    // Part q + rank comes to place q.
    for (int bit = 1; bit < tile.cluster; bit *= 2) {
      Value moves = g.equal(g.bitAnd(rank, bit), bit);
      Values before = all;
      for (int i = 0; i < count; ++i)
        all[i] = g.select(moves, before[(i + bit * each) % count], before[i]);
    }
    Type four = g.vectorOf(together, g.b.getF32Type());
    Value number = g.sub(g.thread(), threadsOfGroup);
    auto place = [&](int part, int i) {
      const int before = ((part - 1) * each + i) * tile.multipliers * threadsOfGroup;
      return g.bytesAt(g.shared(), g.add(g.mul(number, together * 4), tile.sumsAt() + before * 4));
    };
    g.clusterWait(); // all have begun
    for (int part = 1; part < tile.cluster; ++part) {
      Value to = g.rem(g.add(rank, part), tile.cluster);
      for (int i = 0; i < each; i += together)
        g.store(g.pack(ValueRange(all).slice(part * each + i, together)),
                g.inBlock(place(part, i), to));
    }
    g.clusterArrive();
    g.clusterWait();
    Values own(ValueRange(all).take_front(each));
    for (int part = 1; part < tile.cluster; ++part)
      for (int i = 0; i < each; i += together)
        for (auto [e, more] : llvm::enumerate(g.unpack(g.load(four, place(part, i)))))
          own[i + e] = arith::AddFOp::create(g.b, own[i + e], more);
    return own;
  }

  /// Lane 4 g + t has columns g and g + 8 of its warp, and of each 8 rows 2 t and 2 t + 1. Lanes of
  /// neighbouring columns exchange sums, so that each stores two neighbours of a row, and a warp
  /// all 16 columns at a time: else half of each piece of 32 bytes.
  void store(Value row0, Value column0, ValueRange all, const SumPart *part = nullptr) {
    constexpr int rowsOfTurn = 8, ofTurn = rowsOfTurn / 2, laneOfNextColumn = 4;
    const int turns = all.size() / ofTurn;
    Value of = g.div(lane, 4), isOdd = g.equal(g.rem(of, 2), 1);
    Value first = g.select(isOdd, g.add(g.sub(of, g.rem(of, 2)), 8), of);
    Value column = g.add(g.add(column0, g.mul(warp, int(TileLayout::columns))), first);
    Value row = g.add(row0, g.mul(g.rem(lane, 4), 2));
    auto some = [&](Value row, ValueRange sums) {
      for (int e = 0; e < 2; ++e) {
        Value low = sums[e], high = sums[2 + e];
        Value others = g.shuffleXor(g.select(isOdd, low, high), laneOfNextColumn);
        Value two[] = {g.select(isOdd, others, low), g.select(isOdd, high, others)};
        g.when(g.less(g.add(row, e), arguments.m),
               [&] { storeSums(g, spec, arguments, g.add(row, e), column, two, part); });
      }
    };
    if (!spec.epilogue.isLong) {
      for (int turn = 0; turn < turns; ++turn)
        some(g.add(row, turn * rowsOfTurn), all.slice(turn * ofTurn, ofTurn));
      return;
    }
    inTurn(g, all, ofTurn,
           [&](Value turn, ValueRange now) { some(g.add(row, g.mul(turn, rowsOfTurn)), now); });
  }

  void write() {
    if (tile.cluster > 1) {
      g.runInClusters(tile.cluster);
      rank = g.clusterRank();
    }
    if (tile.early)
      g.letNextStart();
    group = g.div(g.thread(), threadsOfGroup);
    warp = g.rem(g.div(g.thread(), lanesOfWarp), warpsOfGroup);
    lane = g.rem(g.thread(), lanesOfWarp);
    g.when(g.equal(g.thread(), 0), [&] {
      for (int stage = 0; stage < tile.stages; ++stage) {
        g.barrierInit(full(g.number(stage)), 1);
        g.barrierInit(empty(g.number(stage)), tile.multipliers * warpsOfGroup);
      }
      g.fenceBarrierInit();
    });
    if (layout.isTable())
      writeLutTable(g, lut, tiles, table(), tile.threads());
    g.barrier();
    if (rank)
      g.clusterArrive(/*relaxed=*/true); // it has begun: others may leave sums here
    g.when(
        g.equal(group, 0),
        [&] {
          g.setRegisters(tile.copierRegisters, /*more=*/false);
          g.when(g.equal(lane, 0), [&] { copyRecords(); });
          if (rank) {
            g.syncWarp();
            g.clusterWait();
            g.clusterArrive();
            g.clusterWait();
          }
        },
        [&] {
          g.setRegisters(tile.multiplierRegisters, /*more=*/true);
          multiplyTiles();
        });
  }
};
} // namespace

void mad::device::writeLutGroup(GpuBuilder &g, const LutSpec &spec, const MatmulSpec &product,
                                const GroupTile &tile, const MatmulArguments &arguments,
                                Value tiles, const GroupBatch &batch) {
  LutGroup{g, spec, spec.layout, product, tile, arguments, tiles, batch, {}, {}, {}, {}}.write();
}

llvm::Expected<Kernel> mad::device::makeLutGroup(gpu::GPUModuleOp module, StringRef name,
                                                 const LutSpec &spec, const GroupTile &tile) {
  if (llvm::Error fault = checkLutGroup(tile, spec))
    return std::move(fault);
  MLIRContext *context = module.getContext();
  MatmulSpec product;
  product.element = spec.element, product.output = spec.output;
  product.order = Order::ColumnMajor;
  setVectors(product, spec.layout.m, spec.layout.k);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.sharedBytes = tile.sharedBytes();
  signature.sharedAlignment = 1024; // of swizzled tiles
  signature.blocksAtOnce = 1;       // ptxas must know how many registers the block starts with
  Type pointer = globalPointer(context), i32 = IntegerType::get(context, 32);
  signature.arguments = {tensorMap(context), pointer, pointer, i32};
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange all) {
    MatmulArguments arguments;
    arguments.a = all[0], arguments.c = all[2], arguments.m = all[3];
    arguments.n = g.number(int(spec.layout.m)), arguments.k = g.number(int(spec.layout.k));
    arguments.rowA = arguments.k, arguments.rowC = arguments.n;
    writeLutGroup(g, spec, product, tile, arguments, all[1]);
  });
}
