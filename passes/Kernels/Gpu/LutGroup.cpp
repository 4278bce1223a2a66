//===- LutGroup.cpp - Many rows times a weight of few bits ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// y^T = w^T x^T by groups of four warps: each has 64 columns of the weight, of which a warp has the
// 16 of a tile, and all rows of the tile of y. Codes become numbers, with their scale and rounded
// once, in the registers from which `wgmma` takes its left factor, so nothing but x goes through
// shared memory more than once. One thread copies x by tensor map, 128 k a stage; each warp streams
// its records through a ring of its own. While one group multiplies a record the others make
// numbers.
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

/// Of the ring of a warp, as many as there is room for.
static int recordsOfRing(const LutSpec &spec, const GroupTile &tile) {
  return (tile.factorBytes - lutTableBytes(spec)) /
         (tile.multipliers * warpsOfGroup * int(spec.layout.recordBytes()));
}

GroupTile mad::device::lutGroupTile(const LutSpec &spec, int columns, int rows, int cluster) {
  constexpr int leastRecords = 3, mostRecords = 8, leastStages = 3, mostStages = 6;
  GroupTile tile;
  tile.blockN = columns, tile.rowsOfCodes = rows, tile.cluster = cluster;
  tile.multipliers = columns / columnsOfGroup;
  tile.copierRegisters = 24;
  // Of the registers that the block starts with what the copier leaves.
  const int atStart = 65536 / tile.threads() / 8 * 8;
  const int left = atStart * (tile.multipliers + 1) - tile.copierRegisters;
  tile.multiplierRegisters = std::min(240, left / tile.multipliers / 8 * 8);
  const int ofRecord = tile.multipliers * warpsOfGroup * int(spec.layout.recordBytes());
  auto fits = [&](int stages, int records) {
    tile.stages = stages, tile.factorBytes = records * ofRecord + lutTableBytes(spec);
    return tile.sharedBytes() <= sharedOfSm90;
  };
  int records = mostRecords, stages = mostStages;
  while (!fits(stages, records) && (records > leastRecords || stages > 2)) {
    if (stages > leastStages || records <= leastRecords)
      --stages;
    else
      --records;
  }
  return tile;
}

llvm::Error mad::device::checkLutGroup(const GroupTile &tile, const LutSpec &spec) {
  if (std::string wrong = spec.layout.check(); !wrong.empty())
    return llvm::createStringError(wrong);
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps multiply codes with f16 and bf16");
  if (llvm::Error fault = checkParameter("rows", tile.rowsOfCodes, 32, 128, 32))
    return fault;
  if (llvm::Error fault =
          checkParameter("blockN", tile.blockN, columnsOfGroup, 4 * columnsOfGroup, columnsOfGroup))
    return fault;
  if (tile.cluster != 1 && tile.cluster != 2 && tile.cluster != 4)
    return llvm::createStringError("cluster = " + Twine(tile.cluster) + ", expected 1, 2 or 4");
  if (recordsOfRing(spec, tile) < 2)
    return llvm::createStringError("no room for the codes that are on their way");
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

  //===- The ring of x ------------------------------------------------------------===//
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
  void copyX() {
    // The first wait for each stage must not block: it is for the phase before the first.
    forGroupTiles(g, tile, arguments, batch, {g.number(0), g.number(1)},
                  [&](GroupTilePlace of, ValueRange carried) {
                    auto [first, last] = recordsOf(of);
                    return g.loop(first, last, 1, carried,
                                  [&](Value record, ValueRange now) -> Values {
                                    Place at{now[0], now[1]};
                                    copyStage(at, of, record);
                                    Place next = after(at);
                                    return {next.stage, next.phase};
                                  });
                  });
  }
  void copyStage(Place at, const GroupTilePlace &of, Value record) {
    g.barrierWait(empty(at.stage), at.phase);
    g.barrierExpect(full(at.stage), tile.stageBytes());
    Value to = g.bytesAt(g.shared(), g.mul(at.stage, tile.stageBytes()));
    for (int step = 0; step < stepsOfRecord; ++step) {
      Value k = g.add(g.mul(record, int(TileLayout::steps)), step * GroupTile::blockK);
      Values where = batch.inA ? batch.inA(k, of.row, of.z) : Values{k, of.row};
      g.copyTensor(g.bytesAt(to, step * tile.bytesOfA()), arguments.a, full(at.stage), where);
    }
  }

  //===- The ring of codes ----------------------------------------------------------===//
  int recordBytes() const { return int(layout.recordBytes()); }
  int records() const { return recordsOfRing(lut, tile); }
  int codesAt() const { return tile.sharedBytes() - tile.factorBytes; }
  Value table() { return g.bytesAt(g.shared(), tile.sharedBytes() - lutTableBytes(lut)); }
  Value memory(Value slot) {
    Value number = g.add(g.mul(g.sub(group, 1), warpsOfGroup), warp);
    return g.bytesAt(g.shared(),
                     g.add(g.add(g.mul(number, records() * recordBytes()), slot), codesAt()));
  }
  Value nextSlot(Value slot) {
    Value next = g.add(slot, recordBytes());
    return g.select(g.equal(next, records() * recordBytes()), g.number(0), next);
  }
  Value slotBefore(Value slot) {
    return g.select(g.equal(slot, 0), g.number((records() - 1) * recordBytes()),
                    g.sub(slot, recordBytes()));
  }
  /// Columns behind the last tile are those of the last one: what they give is not stored.
  Value tileNumber(Value column) {
    Value number = g.add(g.div(column, int(TileLayout::columns)), warp);
    return g.min(number, int(layout.tiles()) - 1);
  }
  /// Starts the copy of a record, if it is one of those in front of `last`.
  void fetch(Value slot, Value number, Value record, Value last) {
    constexpr int atOnce = 16 * lanesOfWarp;
    g.when(g.less(record, last), [&] {
      Value index = g.add(g.mul(number, int(layout.records())), record);
      Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(index), g.wide(recordBytes()));
      Value mine = g.mul(lane, 16);
      Value from = g.bytesAt(g.bytesAt(tiles, Number(wide)), mine);
      Value to = g.bytesAt(memory(slot), mine);
      for (int done = 0; done < recordBytes(); done += atOnce) {
        auto some = [&] { g.copyAsync(g.bytesAt(to, done), g.bytesAt(from, done), 16); };
        if (done + atOnce <= recordBytes())
          some();
        else
          g.when(g.less(lane, (recordBytes() - done) / 16), some);
      }
    });
    g.commitCopies();
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
  SmallVector<Values> numbersOf(Value slot, const Late &late) {
    Value record = memory(slot);
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
  Value isFirstThread() { return g.both(g.equal(warp, 0), g.equal(lane, 0)); }
  /// The sums over records `from` to `to`, behind stage, phase and slot. `last`: of the product.
  Values sumsOf(Value number, const Late &late, Value from, Value to, Value last,
                ValueRange place) {
    Values initial(place);
    initial.push_back(LLVM::ZeroOp::create(g.b, g.groupSums(tile.rows())));
    Values results = g.loop(from, to, 1, initial, [&](Value record, ValueRange now) -> Values {
      Place at{now[0], now[1]};
      g.waitCopies(records() - 2);
      g.syncWarp();
      SmallVector<Values> numbers = numbersOf(now[2], late);
      // Into the slot that was read last.
      fetch(slotBefore(now[2]), number, g.add(record, records() - 1), last);
      g.barrierWait(full(at.stage), at.phase);
      Value sums = productOf(at.stage, numbers, now[3]);
      // ptxas gives the registers of the numbers to others behind the last product: nothing may be
      // computed before the wait. Other groups do so meanwhile.
      g.waitGroup(0);
      g.when(isFirstThread(), [&] { g.barrierArrive(empty(at.stage)); });
      Place next = after(at);
      return {next.stage, next.phase, nextSlot(now[2]), sums};
    });
    results[3] = g.settled(results[3]);
    return results;
  }

  void multiplyTiles() {
    Values start{g.number(0), g.number(0), g.number(0)};
    forGroupTiles(g, tile, arguments, batch, start, [&](GroupTilePlace of, ValueRange carried) {
      // Else LLVM computes them between the last product and the wait for it.
      of.row = g.settled(of.row), of.column = g.settled(of.column);
      if (of.z && batch.enter)
        batch.enter(of.z, arguments);
      Value column = g.add(of.column, g.mul(g.sub(group, 1), columnsOfGroup));
      Value number = g.settled(tileNumber(column));
      auto [first, last] = recordsOf(of);
      Value slot = carried[2];
      for (int i = 0; i < records() - 1; ++i, slot = nextSlot(slot))
        fetch(slot, number, g.add(first, i), last);
      if (tile.early)
        g.waitForBefore();
      Late late = lateOf(number);
      Values results;
      if (!spec.longestSum) {
        results = sumsOf(number, late, first, last, last, carried);
        Values sums = sumsIn(results[3]);
        Value row = of.row;
        if (rank) {
          sums = sumsOfCluster(sums);
          row = g.add(row, g.mul(rank, tile.rows() / tile.cluster));
        }
        store(row, column, sums);
        results.pop_back();
      } else {
        results = sumsInTurn(of.row, column, number, late, last, carried);
      }
      // What is read next is no longer read by another lane.
      g.waitCopies(0);
      g.syncWarp();
      return results;
    });
  }
  /// Sums of `longestSum` terms, added up in memory.
  Values sumsInTurn(Value row, Value column, Value number, const Late &late, Value last,
                    ValueRange carried) {
    const int most = spec.longestSum / int(TileLayout::steps);
    return g.loop(0, last, most, carried, [&](Value from, ValueRange place) -> Values {
      Value to = g.min(g.add(from, most), last);
      Values results = sumsOf(number, late, from, to, last, place);
      Value zero = unknownZero(g, arguments.totals, from);
      SumPart part{g.equal(from, 0), g.equal(to, last)};
      store(g.add(row, zero), g.add(column, zero), sumsIn(results[3]), &part);
      results.pop_back();
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

  /// Lane 4 g + t has columns g and g + 8 of its warp, and of each 8 rows 2 t and 2 t + 1.
  void store(Value row0, Value column0, ValueRange all, const SumPart *part = nullptr) {
    constexpr int rowsOfTurn = 8, ofTurn = rowsOfTurn / 2;
    const int turns = all.size() / ofTurn;
    Value column = g.add(g.add(column0, g.mul(warp, int(TileLayout::columns))), g.div(lane, 4));
    Value row = g.add(row0, g.mul(g.rem(lane, 4), 2));
    auto some = [&](Value row, ValueRange sums) {
      for (int e = 0; e < 2; ++e)
        g.when(g.less(g.add(row, e), arguments.m), [&] {
          for (int h = 0; h < 2; ++h)
            storeSums(g, spec, arguments, g.add(row, e), g.add(column, 8 * h), sums[2 * h + e],
                      part);
        });
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
        g.barrierInit(empty(g.number(stage)), tile.multipliers);
      }
      g.fenceBarrierInit();
    });
    if (layout.isTable())
      writeLutTable(g, lut, tiles, table(), tile.threads());
    g.barrier();
    if (rank)
      g.clusterArrive(); // it has begun: others may leave sums here
    g.when(
        g.equal(group, 0),
        [&] {
          g.setRegisters(tile.copierRegisters, /*more=*/false);
          g.when(g.equal(g.thread(), 0), [&] {
            if (tile.early)
              g.waitForBefore();
            copyX();
          });
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
