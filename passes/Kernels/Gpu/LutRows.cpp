//===- LutRows.cpp - Few rows times a weight of few bits --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What costs time is reading the codes, once, from memory. Tiles of 16 columns of the weight are
// the rows of the tensor cores' product and rows of x its columns, as in FewRowsMatmul.cpp. Blocks
// stay. The warps of a block share the records of a tile, so each needs its part of x alone, for
// all tiles; nothing but the sums of a tile is exchanged. Each warp streams its records through a
// ring of its own, so there is one barrier a group of tiles. x comes a record after the other
// behind them, so that the first one is multiplied while the others are on their way.
//
// Codes are multiplied without their scale, the sum of a group then once with it. f32 is three
// bf16, x = x1 + x2 + x3, exactly, each of which is a row: codes are numbers of bf16, so products
// are exact, too. A table of f32 is three tables.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/LutRing.h"

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

int64_t LutRowsTile::xBytes(const LutSpec &spec) const {
  return digits ? lutDigitsBytes(spec) : rows * spec.parts() * rowBytes(spec);
}

int64_t LutRowsTile::columnTableBytes(const LutSpec &spec) const {
  const TileLayout &layout = spec.layout;
  return layout.hasColumnTables()
             ? spec.tables() * together * TileLayout::columns * layout.tableNumbers() * 2
             : 0;
}

int64_t LutRowsTile::sharedBytes(const LutSpec &spec) const {
  if (held)
    return lutHeldBytes(spec, *this);
  return xBytes(spec) + warps * stages * stageBytes(spec) + 2 * sumBytes(spec) +
         lutTableBytes(spec) + 2 * columnTableBytes(spec);
}

static constexpr int reserved = 1024; // of the shared memory of each block, by the system

int LutRowsTile::blocksAtOnce(const LutSpec &spec) const {
  return digits && 2 * (sharedBytes(spec) + reserved) <= sharedOfSm90 + reserved ? 2 : 1;
}

std::optional<LutRowsTile> mad::device::lutRowsTile(int rows, const LutSpec &spec, bool large) {
  const int64_t records = spec.layout.records(), most = large ? sharedOfSm90 : sharedOfSm80;
  auto fits = [&](const LutRowsTile &tile) { return tile.sharedBytes(spec) <= most; };
  // Two blocks on a multiprocessor.
  if (rows == 1)
    if (auto held = lutHeldTile(spec, (most - reserved) / 2)) {
      held->large = large;
      return held;
    }
  for (; rows; rows /= 2) {
    // Warps, tiles together, stages: the fastest first.
    for (auto [warps, together, stages] : {std::tuple(16, 2, 3),
                                           {8, 2, 5},
                                           {8, 2, 4},
                                           {8, 2, 3},
                                           {16, 1, 3},
                                           {8, 1, 4},
                                           {8, 1, 3},
                                           {8, 1, 2}}) {
      LutRowsTile tile;
      tile.rows = rows, tile.warps = warps, tile.together = together, tile.stages = stages;
      tile.large = large;
      tile.digits = rows == 1 && takesLutDigits(spec);
      while (tile.warps > records)
        tile.warps /= 2;
      if (fits(tile))
        return tile;
    }
  }
  return std::nullopt;
}

llvm::Error mad::device::check(const LutRowsTile &tile, const LutSpec &spec) {
  if (std::string wrong = spec.layout.check(); !wrong.empty())
    return llvm::createStringError(wrong);
  if (!spec.element.isF32() && !spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("products with codes are of f16, bf16 and f32");
  const int whole = 16 / bytesOf(spec.element);
  if (spec.vectorX != 1 && spec.vectorX != whole)
    return llvm::createStringError("vectorX = " + Twine(spec.vectorX) + ", expected 1 or " +
                                   Twine(whole));
  if (tile.digits && !takesLutDigits(spec))
    return llvm::createStringError("digits are of f16, with codes of 1 to 4 or 8 bits");
  if (tile.held && !takesHeldDigits(spec, tile))
    return llvm::createStringError("digits stay in registers for codes of 1 and 2 bits, and up to "
                                   "4 groups of k for each warp");
  const std::tuple<StringRef, int, int, int, int> parameters[] = {
      {"rows", tile.rows, 1, tile.digits ? 1 : 64, 1},
      {"together", tile.together, 1, 4, 1},
      {"warps", tile.warps, 1, 16, 1},
      {"stages", tile.stages, 2, 32, tile.held ? tile.together : 1}};
  for (auto [name, value, least, most, step] : parameters)
    if (llvm::Error fault = checkParameter(name, value, least, most, step))
      return fault;
  return checkShared(int(std::min<int64_t>(tile.sharedBytes(spec), INT32_MAX)),
                     tile.large ? sharedOfSm90 : sharedOfSm80);
}

namespace {
struct LutRows {
  GpuBuilder &g;
  const LutSpec &spec;
  const LutRowsTile &tile;
  const TileLayout &layout;
  LutArguments arguments;
  LutRing ring;
  Value lane, warp, first, last; ///< records of this warp
  Value row0, lastRow;

  LutRows(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
          const LutArguments &arguments)
      : g(g), spec(spec), tile(tile), layout(spec.layout), arguments(arguments),
        ring(g, spec, tile, arguments.tiles, int(tile.xBytes(spec))), lane(ring.lane),
        warp(ring.warp), first(ring.first), last(ring.last) {
    // Rows that do not fit are those of other blocks.
    row0 = g.mul(g.block(1), tile.rows);
    LutArguments &own = this->arguments;
    own.rows = g.min(g.sub(own.rows, row0), tile.rows);
    own.x = g.at(own.x, spec.element, row0, own.rowX, Number(0));
    own.y = g.at(own.y, spec.output, row0, own.rowY, Number(0));
    lastRow = g.sub(own.rows, 1);
  }

  int recordBytes() const { return ring.recordBytes(); }
  int groups() const { return tile.groups(spec); }
  int rowBytes() const { return int(tile.rowBytes(spec)); }
  Value table() { return g.bytesAt(g.shared(), int(tile.sharedBytes(spec)) - lutTableBytes(spec)); }
  int sumsAt() const { return int(tile.xBytes(spec)) + tile.warps * ring.ringBytes(); }

  //===- x ----------------------------------------------------------------------===//
  /// Of 8 neighbours of a row. Rows begin at multiples of 128 bytes, so that copies write whole
  /// lines, and the same chunks of eight rows are in different banks.
  Value placeOf(Value row, Value chunk) {
    return g.add(g.mul(row, rowBytes()), g.mul(g.bitXor(chunk, g.bitAnd(row, 7)), 16));
  }
  /// Eight neighbours of a row of x from k on, of which those that are not there are zeros.
  Values eightOf(Value row, Value k) {
    Type element = spec.element;
    Value start = g.at(arguments.x, element, g.min(row, lastRow), arguments.rowX, Number(0));
    Values made;
    if (spec.vectorX > 1) {
      for (int i = 0; i < 8; i += spec.vectorX) {
        Value at = g.add(k, i), inside = g.less(at, int(layout.k));
        Value place = g.at(start, element, g.select(inside, at, g.number(0)));
        Type type = g.vectorOf(spec.vectorX, element);
        Value loaded = g.select(inside, g.load(type, place), g.zero(type));
        llvm::append_range(made, g.unpack(loaded));
      }
      return made;
    }
    for (int i = 0; i < 8; ++i) {
      Value at = g.add(k, i), inside = g.less(at, int(layout.k));
      Value place = g.at(start, element, g.select(inside, at, g.number(0)));
      made.push_back(g.select(inside, g.load(element, place), g.zero(element)));
    }
    return made;
  }
  /// Whether x comes a record after the other, in groups of copies of its own: the first record is
  /// multiplied while the others are on their way. The wait for a stage must cover them, too: in
  /// front of record i lie `records - 1` later groups.
  bool comesByRecords() const {
    return spec.vectorX == 8 && layout.records() / tile.warps > tile.stages - 2;
  }
  /// The same by copies in the background, a row of a record by half of the lanes.
  void copyX() {
    Value half = g.div(lane, 16);
    g.loop(first, last, 1, {}, [&](Value record, ValueRange) -> Values {
      Value chunk = g.add(g.mul(record, 16), g.rem(lane, 16));
      Value k = g.mul(chunk, 8), inside = g.less(k, int(layout.k));
      Value at = g.select(inside, k, g.number(0));
      Value valid = g.select(inside, g.number(16), g.number(0));
      for (int row0 = 0; row0 < tile.rows; row0 += 2) {
        Value row = g.add(half, row0);
        g.when(g.less(row, arguments.rows), [&] {
          Value source = g.at(arguments.x, spec.element, row, arguments.rowX, at);
          Value place = placeOf(row, chunk);
          g.copyAsync(g.bytesAt(g.shared(), place), source, 16, valid);
        });
      }
      g.commitCopies();
      return {};
    });
    if (comesByRecords())
      return;
    g.waitCopies(0);
    g.syncWarp();
  }
  /// The part of x that this warp needs, of all rows.
  void fetchX() {
    if (spec.vectorX == 8)
      return copyX();
    Value from = g.add(g.mul(first, 16), lane), to = g.mul(last, 16);
    constexpr int atOnce = 4;
    for (int row0 = 0; row0 < tile.rows; row0 += atOnce) {
      auto some = [&] {
        g.loop(from, to, lanesOfWarp, {}, [&](Value chunk, ValueRange) -> Values {
          SmallVector<Values> read;
          for (int row = row0; row < std::min(row0 + atOnce, tile.rows); ++row)
            read.push_back(eightOf(g.number(row), g.mul(chunk, 8)));
          for (auto [i, eight] : llvm::enumerate(read))
            storeEight(g.number(row0 + int(i)), chunk, eight);
          return {};
        });
      };
      if (row0 == 0)
        some();
      else
        g.when(g.less(row0, arguments.rows), some);
    }
    g.syncWarp();
  }
  void storeEight(Value row, Value chunk, ValueRange eight) {
    auto store = [&](int part, ValueRange values) {
      Value place = placeOf(g.add(row, part * tile.rows), chunk);
      g.store(g.pack(values), g.bytesAt(g.shared(), place));
    };
    if (!spec.element.isF32())
      return store(0, eight);
    SmallVector<Values> parts(3);
    for (Value x : eight)
      for (auto [i, part] : llvm::enumerate(lutPartsOf(g, x)))
        parts[i].push_back(part);
    for (int i = 0; i < 3; ++i)
      store(i, parts[i]);
  }
  /// For each group of 8 columns of the product where this lane's row of `loadMatrices` is, of the
  /// first and of the last four chunks of 128 bytes.
  SmallVector<std::array<Value, 2>> startsOfX() {
    SmallVector<std::array<Value, 2>> starts;
    for (int n = 0; n < groups(); ++n) {
      Value column = g.add(g.rem(lane, 8), n * 8);
      // Columns that are not there are never looked at: they read what another one does.
      Value part = g.min(g.div(column, tile.rows), spec.parts() - 1);
      Value row = g.add(g.min(g.rem(column, tile.rows), lastRow), g.mul(part, tile.rows));
      Value chunk = g.div(lane, 8);
      starts.push_back({placeOf(row, chunk), placeOf(row, g.add(chunk, 4))});
    }
    return starts;
  }

  //===- Products -----------------------------------------------------------------===//
  int sums() const { return tile.together * groups() * 4; }

  /// Adds the products of a record of each tile.
  void addRecord(Value stage, Value record, ArrayRef<std::array<Value, 2>> starts, ValueRange zeros,
                 Values &all) {
    Value base = ring.memory(stage);
    std::vector<LutCodes> codes;
    Values records;
    for (int r = 0; r < tile.together; ++r) {
      records.push_back(g.bytesAt(base, r * recordBytes()));
      codes.emplace_back(g, spec, records.back(), lane);
      if (!zeros.empty())
        codes.back().setZeros(zeros[2 * r], zeros[2 * r + 1]);
      if (layout.hasColumnTables())
        codes.back().setColumnTables(
            g.bytesAt(tablesNow, r * int(TileLayout::columns * layout.tableNumbers()) * 2),
            tableNumbers() * 2);
      else if (layout.isTable())
        codes.back().setTable(table());
    }
    const int parts = std::max<int>(1, int(layout.groups()));
    const int each = int(TileLayout::fragments) / parts;
    // As many as there are registers for are read ahead of the products: a read behind them would
    // not be moved.
    constexpr int pairs = int(TileLayout::fragments) / 2, mostAhead = 2;
    const bool ahead = groups() <= mostAhead;
    SmallVector<SmallVector<Values>> rows(pairs);
    for (int pair = 0; pair < pairs && ahead; ++pair)
      rows[pair] = rowsOf(record, pair, starts);
    for (int part = 0; part < parts; ++part) {
      Values now(sums(), g.f32(0));
      if (layout.groups() && layout.format.affine)
        for (int r = 0; r < tile.together; ++r) {
          auto [low, high] = lutZeros(g, spec, records[r], part, lane);
          codes[r].setZeros(low, high);
        }
      for (int f = part * each; f < (part + 1) * each; ++f) {
        if (f % 2 == 0 && !ahead)
          rows[f / 2] = rowsOf(record, f / 2, starts);
        SmallVector<Values> rights, finite;
        for (const Values &words : rows[f / 2]) {
          rights.push_back({words[f % 2 * 2], words[f % 2 * 2 + 1]});
          if (spec.tables() > 1)
            finite.push_back({finiteOf(rights.back()[0]), finiteOf(rights.back()[1])});
        }
        for (int r = 0; r < tile.together; ++r)
          for (int table = 0; table < spec.tables(); ++table) {
            Values left = codes[r].fragment(f, table);
            for (int n = 0; n < groups(); ++n) {
              const Values &right = table ? finite[n] : rights[n];
              const int at = (r * groups() + n) * 4;
              Values sum(ArrayRef<Value>(now).slice(at, 4));
              llvm::copy(g.multiply(spec.factor(), left, right, sum), now.begin() + at);
            }
          }
      }
      for (int r = 0; r < tile.together; ++r)
        scale(records[r], part, r, now, all);
    }
  }
  /// Two numbers of bf16, with 0 for those that are not finite: an infinity times the first part of
  /// a number is the product, times another one, which may be 0, it would be NaN.
  Value finiteOf(Value two) {
    // Sums and products of `g` may not overflow, differences may.
    Value over = g.sub(g.bitAnd(two, 0x7f807f80), -0x00800080);
    Value ones = g.bitAnd(g.shiftRight(over, 15), 0x00010001);
    Value mask = g.sub(g.shiftLeft(ones, 16), ones);
    return g.bitAnd(two, g.bitXor(mask, -1));
  }
  /// all += scale * now.
  void scale(Value record, int part, int r, ValueRange now, Values &all) {
    std::pair<Value, Value> scales;
    if (layout.groups())
      scales = lutScales(g, spec, record, part, lane);
    for (int i = 0; i < groups() * 4; ++i) {
      Value &sum = all[r * groups() * 4 + i];
      Value more = now[r * groups() * 4 + i];
      sum = layout.groups() ? g.fma(i % 4 < 2 ? scales.first : scales.second, more, sum)
                            : Value(arith::AddFOp::create(g.b, sum, more));
    }
  }
  /// Of each group of columns the words for two fragments.
  SmallVector<Values> rowsOf(Value record, int pair, ArrayRef<std::array<Value, 2>> starts) {
    SmallVector<Values> all;
    for (const std::array<Value, 2> &start : starts) {
      Value at = g.add(g.add(start[pair % 2], g.mul(record, 256)), pair / 2 * 128);
      all.push_back(g.loadMatrices(g.bytesAt(g.shared(), at), /*transposed=*/false));
    }
    return all;
  }

  //===- Tables of columns ------------------------------------------------------------===//
  Value tablesNow; ///< of this group of tiles
  int tableNumbers() const {
    return tile.together * int(TileLayout::columns * layout.tableNumbers());
  }
  /// Two places take turns, as those of sums do.
  Value tablesOf(Value sums) {
    const int bytes = int(tile.columnTableBytes(spec)), end = int(tile.sharedBytes(spec));
    Value first = g.equal(sums, sumsAt());
    return g.bytesAt(g.shared(), g.select(first, g.number(end - 2 * bytes), g.number(end - bytes)));
  }
  /// What this thread brings of the tables of a group.
  Values readTables(Value group) {
    Type f32 = g.b.getF32Type();
    Value start = g.bytesAt(arguments.tiles, Number(g.wide(layout.lateOffset())));
    const int all = int(layout.tiles() * TileLayout::columns * layout.tableNumbers());
    Values read;
    for (int i = 0; i < tableNumbers(); i += tile.threads()) {
      Value place = g.add(g.mul(group, tableNumbers()), g.add(g.thread(), i));
      read.push_back(g.load(f32, g.at(start, f32, g.min(place, all - 1))));
    }
    return read;
  }
  void storeTables(ValueRange read, Value to) {
    for (auto [number, value] : llvm::enumerate(read)) {
      Value i = g.add(g.thread(), int(number) * tile.threads());
      g.when(g.less(i, tableNumbers()), [&, value = value] {
        Values parts;
        if (spec.tables() > 1)
          llvm::append_range(parts, lutPartsOf(g, value));
        else
          parts.push_back(g.convert(value, spec.factor()));
        for (auto [t, part] : llvm::enumerate(parts))
          g.store(part, g.at(g.bytesAt(to, int(t) * tableNumbers() * 2), spec.factor(), i));
      });
    }
  }

  //===- Sums -----------------------------------------------------------------------===//
  void leave(Value at, ValueRange all) {
    Type f32 = g.b.getF32Type();
    Value mine = g.bytesAt(g.shared(), g.add(at, g.mul(warp, sums() * lanesOfWarp * 4)));
    for (auto [i, sum] : llvm::enumerate(all))
      g.store(sum, g.at(mine, f32, g.add(lane, int(i) * lanesOfWarp)));
  }
  /// The sum of all warps and parts.
  Value sumOf(Value at, Value r, Value inTile, Value row) {
    Type f32 = g.b.getF32Type();
    Value total;
    for (int part = spec.parts() - 1; part >= 0; --part) {
      Value column = g.add(row, part * tile.rows);
      Value inGroup = g.rem(column, 8);
      Value number = g.add(g.mul(g.add(g.mul(r, groups()), g.div(column, 8)), 4),
                           g.add(g.mul(g.div(inTile, 8), 2), g.rem(inGroup, 2)));
      Value inWarp = g.add(g.mul(g.rem(inTile, 8), 4), g.div(inGroup, 2));
      Value start = g.at(g.bytesAt(g.shared(), at), f32, g.add(g.mul(number, lanesOfWarp), inWarp));
      Value sum = g.load(f32, start);
      for (int w = 1; w < tile.warps; ++w)
        sum = arith::AddFOp::create(g.b, sum,
                                    g.load(f32, g.at(start, f32, w * sums() * lanesOfWarp)));
      total = total ? Value(arith::AddFOp::create(g.b, total, sum)) : sum;
    }
    return total;
  }
  /// A sum of a group of tiles.
  struct Place {
    Value r, row, inTile;
  };
  /// Whole groups of 8 rows are taken up in the order in which lanes left them, so that those of a
  /// warp read neighbours: [tiles][8 rows][columns g, g + 8][rows 2 t, 2 t + 1][lanes].
  bool asLanes() const { return tile.rows % 8 == 0; }
  Value sumsOfGroup() {
    constexpr int columns = int(TileLayout::columns);
    return asLanes() ? g.number(tile.together * tile.rows * columns)
                     : g.mul(arguments.rows, tile.together * columns);
  }
  Place placeOfSum(Value i) {
    constexpr int columns = int(TileLayout::columns);
    if (!asLanes()) {
      Value inGroup = g.rem(i, tile.together * columns);
      return {g.div(inGroup, columns), g.div(i, tile.together * columns), g.rem(inGroup, columns)};
    }
    Value inTile = g.rem(i, tile.rows * columns), lane = g.rem(i, lanesOfWarp);
    Value ofLane = g.rem(g.div(inTile, lanesOfWarp), 4);
    Value row = g.add(g.mul(g.div(inTile, 4 * lanesOfWarp), 8),
                      g.add(g.mul(g.rem(lane, 4), 2), g.rem(ofLane, 2)));
    return {g.div(i, tile.rows * columns), row, g.add(g.div(lane, 4), g.mul(g.div(ofLane, 2), 8))};
  }
  void finish(Value group, Value at) {
    g.loop(g.thread(), sumsOfGroup(), tile.threads(), {}, [&](Value i, ValueRange) -> Values {
      auto [r, row, inTile] = placeOfSum(i);
      Value number = g.add(g.mul(group, tile.together), r);
      Value column = g.add(g.mul(number, int(TileLayout::columns)), inTile);
      g.when(g.both(g.less(row, arguments.rows), g.less(column, int(layout.m))), [&] {
        storeLutSum(g, spec, arguments, sumOf(at, r, inTile, row), row, g.add(row0, row), column);
      });
      return {};
    });
  }

  /// The first stages on their way, and x.
  LutRing::Place fill() {
    if (tile.early)
      g.letNextStart();
    // What a multiprocessor reads and writes waits behind all copies that it has sent before: x,
    // and the results of the kernel in front.
    LutRing::Place at = ring.fill(/*paced=*/tile.early);
    if (tile.early)
      g.waitForBefore();
    if (layout.hasColumnTables())
      storeTables(readTables(g.block()), tablesOf(g.number(sumsAt())));
    else if (layout.isTable())
      writeLutTable(g, spec, arguments.tiles, table(), tile.threads());
    fetchX();
    if (layout.isTable())
      g.barrier();
    return at;
  }

  void write() {
    LutRing::Place ahead = fill();
    SmallVector<std::array<Value, 2>> starts = startsOfX();
    auto add = [&](Value stage, Value record, ValueRange zeros, Values &all) {
      addRecord(stage, record, starts, zeros, all);
    };
    auto leave = [&](Value at, ValueRange all) { this->leave(at, all); };
    auto finish = [&](Value group, Value at) { this->finish(group, at); };
    LutRing::Walk walk{sums(), sumsAt(), add, leave, finish};
    // Tables of the next group come while this one is multiplied.
    auto begin = [&](Value group, Value at) -> Values {
      tablesNow = tablesOf(at);
      return readTables(g.add(group, Number(g.blocks())));
    };
    auto end = [&](ValueRange read, Value next) { storeTables(read, tablesOf(next)); };
    if (layout.hasColumnTables())
      walk.begin = begin, walk.end = end;
    ring.forGroups(ahead, walk);
  }
};
} // namespace

void mad::device::writeLutRows(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                               const LutArguments &arguments) {
  if (tile.held)
    return writeLutHeldDigits(g, spec, tile, arguments);
  if (tile.digits)
    return writeLutStreamedDigits(g, spec, tile, arguments);
  LutRows(g, spec, tile, arguments).write();
}

llvm::Expected<Kernel> mad::device::makeLutRows(gpu::GPUModuleOp module, StringRef name,
                                                const LutSpec &spec, const LutRowsTile &tile) {
  if (llvm::Error fault = check(tile, spec))
    return std::move(fault);
  KernelSignature signature;
  signature.name = name.str();
  signature.threads = tile.threads();
  signature.blocksAtOnce = tile.blocksAtOnce(spec);
  signature.sharedBytes = int(tile.sharedBytes(spec));
  MLIRContext *context = module.getContext();
  Type pointer = globalPointer(context), i32 = IntegerType::get(context, 32);
  signature.arguments = {pointer, pointer, pointer, i32};
  llvm::append_range(signature.arguments, spec.epilogue.arguments);
  return makeKernel(module, signature, [&](GpuBuilder &g, ValueRange all) {
    LutArguments arguments{all[0],
                           all[1],
                           all[2],
                           all[3],
                           g.number(int(spec.layout.k)),
                           g.number(int(spec.layout.m)),
                           all.drop_front(4)};
    writeLutRows(g, spec, tile, arguments);
  });
}
