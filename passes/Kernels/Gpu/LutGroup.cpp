//===- LutGroup.cpp - Many rows times a weight of few bits ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The product is that of GroupMatmul.cpp, with 16 bits in shared memory on both sides. The group of
// warps that copies there makes the right factor of codes: each of its warps streams the records of
// some tiles of 16 columns through a ring of its own, and writes the numbers, with their scale and
// rounded once, to where a tensor map would have put them. That is less work than the product from
// some 64 rows on, and it reads an eighth to a half of the bytes.
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/MatmulParts.h"

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

static constexpr int warpsOfGroup = 4;

/// Records of a warp that are on their way.
static int recordsOfRing(const LutSpec &spec) { return spec.layout.bits() > 4 ? 3 : 4; }
static int tilesOfWarp(const GroupTile &tile) {
  return tile.blockN / int(TileLayout::columns) / warpsOfGroup;
}
/// What a group reads of a record: half of the wide planes, then the rest.
static int halfBytes(const LutSpec &spec) {
  return lutHalfPlanes(spec) + int(spec.layout.recordBytes() - spec.layout.planeBytes());
}
static int ringBytes(const LutSpec &spec, const GroupTile &tile) {
  return recordsOfRing(spec) * tilesOfWarp(tile) * halfBytes(spec);
}

GroupTile mad::device::lutGroupTile(const LutSpec &spec, int blockN, bool few) {
  GroupTile tile;
  tile.blockN = blockN;
  tile.multipliers = few ? 1 : 2;
  tile.copiers = few && blockN <= 128 ? 4 : 2;
  tile.copierRegisters = tile.copiers == 4 ? 72 : 88, tile.multiplierRegisters = 168;
  tile.factorBytes = tile.copiers * warpsOfGroup * ringBytes(spec, tile);
  for (tile.stages = 8; tile.stages > 2 && tile.sharedBytes() > sharedOfSm90;)
    --tile.stages;
  return tile;
}

llvm::Error mad::device::checkLutGroup(const GroupTile &tile, const LutSpec &spec) {
  if (std::string wrong = spec.layout.check(); !wrong.empty())
    return llvm::createStringError(wrong);
  if (!spec.element.isF16() && !spec.element.isBF16())
    return llvm::createStringError("groups of warps multiply codes with f16 and bf16");
  if (spec.layout.isTable())
    return llvm::createStringError("groups of warps have codes that are numbers");
  // A product of 256 columns has 128 sums a thread, as many as there are registers at the start.
  if (llvm::Error fault = checkParameter("blockN", tile.blockN, 64, 192, 64))
    return fault;
  MatmulSpec product;
  product.element = spec.element, product.output = spec.output;
  product.order = Order::ColumnMajor;
  product.vectorA = product.vectorB = 8;
  return check(tile, product);
}

namespace {
class LutFactor : public GroupFactor {
public:
  LutFactor(GpuBuilder &g, const LutSpec &spec, const GroupTile &tile, Value tiles)
      : g(g), spec(spec), layout(spec.layout), tile(tile), tiles(tiles) {
    // In front of the branch that only the groups that copy take.
    lane = g.rem(g.thread(), lanesOfWarp);
    number = g.div(g.thread(), lanesOfWarp);
    warp = g.rem(number, warpsOfGroup), half = g.rem(g.div(number, warpsOfGroup), 2);
  }
  void begin(Value column, Value first, Value last) override {
    firstTile = g.add(g.div(column, int(TileLayout::columns)), g.mul(warp, count()));
    this->last = last;
    for (int i = 0; i < records() - 1; ++i) {
      start(g.number(i * stageBytes()), g.add(first, i * step()));
      g.commitCopies();
    }
  }
  Value fetch(Value number, Value ring) override {
    g.waitCopies(records() - 2);
    g.syncWarp();
    // What was read last.
    Value before = g.select(g.equal(ring, 0), g.number((records() - 1) * stageBytes()),
                            g.sub(ring, stageBytes()));
    start(before, g.add(number, (records() - 1) * step()));
    g.commitCopies();
    Value next = g.add(ring, stageBytes());
    return g.select(g.equal(next, records() * stageBytes()), g.number(0), next);
  }
  void write(Value ring, int half, Value to) override {
    // All are read before the first is written: reads behind a write would wait for it.
    std::vector<Source> sources;
    for (int i = 0; i < count(); ++i)
      sources.push_back(read(g.bytesAt(memory(ring), i * halfBytes(spec)), i, half));
    for (int i = 0; i < count(); ++i)
      writeTile(sources[i], i, half, to);
  }
  void end() override {
    g.waitCopies(0);
    g.syncWarp();
  }

private:
  int count() const { return tilesOfWarp(tile); }
  int step() const { return tile.copiers / 2; } ///< from one record of a group to its next
  int records() const { return recordsOfRing(spec); }
  int recordBytes() const { return int(layout.recordBytes()); }
  int stageBytes() const { return count() * halfBytes(spec); }
  Value memory(Value ring) {
    const int at = tile.sharedBytes() - tile.factorBytes;
    return g.bytesAt(g.shared(), g.add(g.add(g.mul(number, ringBytes(spec, tile)), ring), at));
  }
  /// Columns behind the last tile are those of the last one: nobody reads what they give.
  Value tileNumber(int i) { return g.min(g.add(firstTile, i), int(layout.tiles()) - 1); }
  void start(Value ring, Value record) {
    g.when(g.less(record, last), [&] {
      for (int i = 0; i < count(); ++i) {
        Value number = g.add(g.mul(tileNumber(i), int(layout.records())), record);
        Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number), g.wide(recordBytes()));
        Value record = g.bytesAt(tiles, Number(wide));
        Value to = g.bytesAt(memory(ring), i * halfBytes(spec));
        int from = 0, at = 0;
        for (const mad::lut::Field &field : mad::lut::fields(layout.bits(), 1)) {
          const int all = field.width * int(TileLayout::steps * TileLayout::columns) / 8;
          const bool wide = field.width >= 4;
          copy(g.bytesAt(to, at),
               g.bytesAt(record, wide ? g.add(g.mul(half, all / 2), from) : g.number(from)),
               wide ? all / 2 : all);
          from += all, at += wide ? all / 2 : all;
        }
        copy(g.bytesAt(to, at), g.bytesAt(record, from), recordBytes() - from);
      }
    });
  }
  void copy(Value to, Value from, int bytes) {
    constexpr int atOnce = 16 * lanesOfWarp;
    Value mine = g.mul(lane, 16);
    for (int done = 0; done < bytes; done += atOnce) {
      auto some = [&] {
        g.copyAsync(g.bytesAt(to, g.add(mine, done)), g.bytesAt(from, g.add(mine, done)), 16);
      };
      if (done + atOnce <= bytes)
        some();
      else
        g.when(g.less(lane, (bytes - done) / 16), some);
    }
  }

  /// A scale as a pair of the factor's type, and what that rounds off.
  struct Scale {
    Value pair, rest; ///< rest: null where there is none
  };
  Scale scaleOf(Value scale) {
    Type type = spec.factor();
    auto twice = [&](Value x) { return g.pack({x, x}); };
    Value narrow = g.convert(scale, type);
    if (type.isF16() && layout.format.half)
      return {twice(narrow), {}};
    Value rest = arith::SubFOp::create(g.b, scale, g.convert(narrow, g.b.getF32Type()));
    return {twice(narrow), twice(g.convert(rest, type))};
  }
  /// Of columns g and g + 8.
  std::pair<Value, Value> scalesOf(Value record, int i, int group) {
    if (!layout.hasLateScale())
      return lutScales(g, spec, record, group, lane, lutHalfPlanes(spec));
    Type f32 = g.b.getF32Type();
    Value late = g.bytesAt(tiles, Number(g.wide(layout.lateOffset())));
    Value column = g.add(g.mul(tileNumber(i), int(TileLayout::columns)), g.div(lane, 4));
    return {g.load(f32, g.at(late, f32, column)), g.load(f32, g.at(late, f32, g.add(column, 8)))};
  }
  std::pair<Value, Value> zerosOf(Value record, int i, int group) {
    if (!layout.hasLateScale())
      return lutZeros(g, spec, record, group, lane, lutHalfPlanes(spec));
    Value late = g.bytesAt(tiles, Number(g.wide(layout.lateZerosOffset())));
    Value column = g.add(g.mul(tileNumber(i), int(TileLayout::columns)), g.div(lane, 4));
    auto zero = [&](int h) -> Value {
      Value byte = g.load(g.b.getI8Type(), g.bytesAt(late, g.add(column, 8 * h)));
      return arith::ExtUIOp::create(g.b, g.b.getI32Type(), byte);
    };
    return {zero(0), zero(1)};
  }
  Value scaled(Value code, const Scale &scale) {
    Type type = g.vectorOf(2, spec.factor()), i32 = g.b.getI32Type();
    Value value = g.bits(code, type);
    if (!scale.rest)
      return g.bits(arith::MulFOp::create(g.b, value, scale.pair), i32);
    Value rest = arith::MulFOp::create(g.b, value, scale.rest);
    return g.bits(g.fma(value, scale.pair, rest), i32);
  }
  /// What 64 k of a tile are made of.
  struct Source {
    LutCodes codes;
    SmallVector<std::pair<Value, Value>> scales, zeros; ///< of each group
  };
  int fragmentsOfGroup() const {
    return int(TileLayout::fragments / std::max<int64_t>(1, layout.groups()));
  }
  Source read(Value record, int i, int half) {
    Source source{LutCodes(g, spec, record, lane, half), {}, {}};
    for (int f = half * 4; f < half * 4 + 4; f += std::min(4, fragmentsOfGroup())) {
      source.scales.push_back(scalesOf(record, i, f / fragmentsOfGroup()));
      if (layout.format.affine)
        source.zeros.push_back(zerosOf(record, i, f / fragmentsOfGroup()));
    }
    return source;
  }
  /// Rows of 128 bytes, whose chunks of 16 are permuted by an XOR with the row.
  void writeTile(Source &source, int i, int half, Value to) {
    const int each = std::min(4, fragmentsOfGroup());
    Scale scales[2];
    Values words[2]; // of columns g and g + 8
    for (int f = 0; f < 4; ++f) {
      if (f % each == 0) {
        auto [low, high] = source.scales[f / each];
        scales[0] = scaleOf(low), scales[1] = scaleOf(high);
        if (layout.format.affine)
          source.codes.setZeros(source.zeros[f / each].first, source.zeros[f / each].second);
      }
      Values fragment = source.codes.fragment(half * 4 + f);
      for (int r = 0; r < 4; ++r)
        words[r % 2].push_back(scaled(fragment[r], scales[r % 2]));
    }
    // Chunk t of both halves of a row. Of neighbouring rows one stores the first half while the
    // other stores the second one, so that 8 lanes are in different banks.
    Value column = g.div(lane, 4), odd = g.equal(g.rem(column, 2), 1);
    for (int h = 0; h < 2; ++h) {
      Value row = g.add(g.mul(g.add(g.mul(warp, count()), i), int(TileLayout::columns)),
                        g.add(column, 8 * h));
      for (int pair = 0; pair < 2; ++pair) {
        Values chosen;
        for (int w = 0; w < 4; ++w)
          chosen.push_back(g.select(odd, words[h][4 - 4 * pair + w], words[h][4 * pair + w]));
        Value first = g.select(odd, g.number(4 - 4 * pair), g.number(4 * pair));
        Value chunk = g.bitXor(g.add(g.rem(lane, 4), first), column);
        g.store(g.pack(chosen), g.bytesAt(to, g.add(g.mul(row, 128), g.mul(chunk, 16))));
      }
    }
  }

  GpuBuilder &g;
  const LutSpec &spec;
  const TileLayout &layout;
  const GroupTile &tile;
  Value tiles, lane, number, warp, half, firstTile, last;
};
} // namespace

void mad::device::writeLutGroup(GpuBuilder &g, const LutSpec &spec, const MatmulSpec &product,
                                const GroupTile &tile, const MatmulArguments &arguments,
                                Value tiles, GroupBatch batch) {
  LutFactor factor(g, spec, tile, tiles);
  batch.factor = &factor;
  writeGroupMatmul(g, product, tile, arguments, batch);
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
