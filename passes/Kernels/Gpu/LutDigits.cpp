//===- LutDigits.cpp - One row times a weight of few bits, in integers ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where codes of f16 become numbers, instructions are what costs below 4 bits. Here they stay
// integers: a mask takes four of them out of a word, each a byte with the code at some bit, as the
// left factor of `mma.m16n8k32` of bytes.
//
// A number of f16 is a multiple of 2^-24 below 2^16. So it is a sum of six digits of -128 to 127:
// three of h = round(4 x), below 2^18, and three of 2^24 (x - h / 4), at most 2^21. The digits of x
// are six of the eight columns of the right factor, and all sums of a group are exact. x is made so
// once for all tiles. Its order of k is that of the bytes of a word, so tiles are as for f16.
//
// A zero goes with the sum of the digits, which a product with ones gives. Sums begin at the bits
// of 1.5 2^23 less that, so that as a float they are off by just this power: |code - zero| times a
// digit, over 128 k, stays below 2^22.
//
// What is not finite counts as 0 here. Who finishes a column adds its products, one at a time.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/LutCodes.h"
#include "passes/Kernels/Gpu/LutRing.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

static constexpr int digits = 6, chunks = 4; ///< chunks of 32 k in a record
/// Of each digit's unit.
static constexpr int powers[digits] = {-24, -16, -8, -2, 6, 14};
static constexpr int lanesOfDigits = digits * 4;
static constexpr int chunkPairBytes = lanesOfDigits * 16;

bool mad::device::takesLutDigits(const LutSpec &spec) {
  const TileLayout &layout = spec.layout;
  const int bits = layout.bits();
  // One plane, and groups of whole products.
  const int64_t least = bits == 1 ? 64 : 32;
  return spec.element.isF16() && !layout.isTable() &&
         (bits == 1 || bits == 2 || bits == 4 || bits == 8) &&
         (layout.groups() == 0 || TileLayout::steps / layout.groups() >= least);
}

static int partsOf(const TileLayout &layout) { return std::max<int>(1, int(layout.groups())); }

/// Digits of a record, and their sums for each group.
static int bytesOfRecord(const TileLayout &layout) {
  return chunks / 2 * chunkPairBytes + partsOf(layout) * 32;
}

int64_t mad::device::lutDigitsBytes(const LutSpec &spec) {
  return spec.layout.records() * bytesOfRecord(spec.layout);
}

namespace {
struct LutDigits {
  GpuBuilder &g;
  const LutSpec &spec;
  const LutRowsTile &tile;
  const TileLayout &layout;
  LutArguments arguments;
  LutRing ring;
  Value lane, first, last;
  Type i32, f32;

  LutDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
            const LutArguments &arguments)
      : g(g), spec(spec), tile(tile), layout(spec.layout), arguments(arguments),
        ring(g, spec, tile, arguments.tiles, int(tile.xBytes(spec))), lane(ring.lane),
        first(ring.first), last(ring.last), i32(g.b.getI32Type()), f32(g.b.getF32Type()) {
    // Other rows are those of other blocks.
    Value row = g.block(1);
    LutArguments &own = this->arguments;
    own.x = g.at(own.x, spec.element, row, own.rowX, Number(0));
    own.y = g.at(own.y, spec.output, row, own.rowY, Number(0));
  }

  int width() const { return layout.bits(); }
  int parts() const { return partsOf(layout); }
  int columns() const { return tile.together * int(TileLayout::columns); }
  int sumsAt() const { return int(tile.xBytes(spec)) + tile.warps * ring.ringBytes(); }
  int flagsAt() const { return sumsAt() + 2 * int(tile.sumBytes(spec)); }
  Value byteOf(int at) { return g.bytesAt(g.shared(), at); }
  Value digitsOf(Value record) {
    return g.bytesAt(g.shared(), g.mul(record, bytesOfRecord(layout)));
  }
  Value sumsOf(Value record, int part) {
    return g.bytesAt(digitsOf(record), chunks / 2 * chunkPairBytes + part * 32);
  }

  //===- Codes ------------------------------------------------------------------===//
  /// A code is this many times as large in its byte, for the columns g and g + 8.
  int timesOf(int h) const {
    switch (width()) {
    case 1:
      return h ? 8 : 4;
    case 2:
      return h ? 4 : 1;
    case 4:
      return h ? 16 : 1;
    default:
      return 1;
    }
  }
  bool isSign() const { return width() == 1 && !layout.format.affine; }
  /// What a sum is multiplied with for that: a sign is 2 (code - 1/2).
  double scaleOf(int h) const { return (isSign() ? 2.0 : 1.0) / timesOf(h); }
  /// The format's zero in the units of `timesOf`.
  int zeroOf(int h) const {
    if (isSign())
      return timesOf(h) / 2;
    const bool ternary = layout.format.family == mad::lut::Family::Ternary;
    return timesOf(h) * (ternary ? 1 : 1 << (width() - 1));
  }

  Value moved(Value word, int right) {
    return right == 0 ? word : right > 0 ? g.shiftRight(word, right) : g.shiftLeft(word, -right);
  }
  Value masked(Value word, int byte) {
    return g.bitAnd(word, int64_t(uint32_t(byte) * 0x01010101u));
  }
  /// Bytes of the left factor of a chunk: 16 columns, 32 k. Registers: column g, g + 8, then both
  /// for the other half of k.
  Values codesOf(const Values &words, int chunk) {
    Values made;
    for (int half = 0; half < 2; ++half) {
      switch (width()) {
      case 1: {
        Value word = moved(words[chunk / 2], 4 * (chunk % 2) + 2 * half - 2);
        llvm::append_values(made, masked(word, 4), masked(word, 8));
        break;
      }
      case 2: {
        Value word = moved(words[chunk], 4 * half);
        llvm::append_values(made, masked(word, 3), masked(word, 12));
        break;
      }
      case 4: {
        Value word = words[2 * chunk + half];
        llvm::append_values(made, masked(word, 15), masked(word, 240));
        break;
      }
      default: {
        // Every other byte is of the same column.
        const int64_t even = 0x00ff00ff, odd = 0xff00ff00;
        Value low = words[4 * chunk + 2 * half], high = words[4 * chunk + 2 * half + 1];
        made.push_back(g.bitOr(g.bitAnd(low, even), g.shiftLeft(g.bitAnd(high, even), 8)));
        made.push_back(g.bitOr(g.bitAnd(g.shiftRight(low, 8), even), g.bitAnd(high, odd)));
      }
      }
    }
    return made;
  }
  /// The k, within a record, of the first byte of a word of the right factor; the second one is of
  /// `stride` k later, the others of k + 1.
  Value kOf(Value chunk, int half, Value t) {
    Value own = g.mul(t, 2);
    if (width() == 1)
      return g.add(g.add(g.mul(g.div(chunk, 2), 64), g.mul(g.rem(chunk, 2), 16)),
                   g.add(own, 8 * half));
    return g.add(g.mul(chunk, 32), g.add(own, (width() == 2 ? 8 : 16) * half));
  }
  int stride() const { return width() == 1 ? 32 : width() == 2 ? 16 : 8; }

  //===- x ------------------------------------------------------------------------===//
  /// x[k] and x[k + 1], zeros for those that are not there.
  Values twoOf(Value k) {
    Type element = spec.element;
    if (spec.vectorX > 1) {
      Value inside = g.less(k, int(layout.k));
      Value place = g.at(arguments.x, element, g.select(inside, k, g.number(0)));
      Type pair = g.vectorOf(2, element);
      return g.unpack(g.select(inside, g.load(pair, place), g.zero(pair)));
    }
    Values made;
    for (int e = 0; e < 2; ++e) {
      Value at = g.add(k, e), inside = g.less(at, int(layout.k));
      Value place = g.at(arguments.x, element, g.select(inside, at, g.number(0)));
      made.push_back(g.select(inside, g.load(element, place), g.zero(element)));
    }
    return made;
  }
  /// Its digits: the bytes of two words, each with 128 more. `finite`: whether this holds.
  std::pair<Value, Value> wordsOf(Value x, Value &finite) {
    const double middle = 0x1.8p23;
    Value value = g.convert(x, f32);
    Value size = math::AbsFOp::create(g.b, value);
    finite = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OLE, size, g.f32(65504));
    value = g.select(finite, value, g.f32(0));
    Value high = g.fma(value, g.f32(4), g.f32(middle));
    Value whole = arith::SubFOp::create(g.b, high, g.f32(middle));
    Value rest = g.fma(whole, g.f32(-0.25), value);
    Value low = g.fma(rest, g.f32(0x1p24), g.f32(middle));
    const int64_t more = 0x808080 - 0x400000;
    return {g.add(g.bits(low, i32), int(more)), g.add(g.bits(high, i32), int(more))};
  }
  /// Of four numbers the words of three digits, a byte each.
  Values digitsOfFour(ValueRange words) {
    Values made;
    for (int digit = 0; digit < 3; ++digit) {
      Value all;
      for (auto [i, word] : llvm::enumerate(words)) {
        Value byte = g.bitAnd(moved(word, 8 * (digit - int(i))), int64_t(uint32_t(255) << 8 * i));
        all = all ? g.bitOr(all, byte) : byte;
      }
      made.push_back(g.bitXor(all, int64_t(0x80808080)));
    }
    return made;
  }
  /// Digits of the records of this warp: 16 lanes a record, each 16 numbers.
  void makeDigits() {
    Value at = g.rem(lane, 16), chunk = g.div(at, 4), t = g.rem(at, 4);
    Values flag = g.loop(first, last, 2, g.number(0), [&](Value start, ValueRange now) -> Values {
      Value record = g.add(start, g.div(lane, 16));
      Value inside = g.less(record, last);
      // Lanes without a record read that of the others, and write nothing.
      record = g.select(inside, record, start);
      Value special = now[0];
      SmallVector<Values> all(digits);
      for (int half = 0; half < 2; ++half) {
        Value k = g.add(g.mul(record, int(TileLayout::steps)), kOf(chunk, half, t));
        Values near = twoOf(k), far = twoOf(g.add(k, stride())), low, high;
        for (Value x : {near[0], far[0], near[1], far[1]}) {
          Value finite;
          auto [lowWord, highWord] = wordsOf(x, finite);
          low.push_back(lowWord), high.push_back(highWord);
          special = g.select(finite, special, g.number(1));
        }
        for (auto [i, word] : llvm::enumerate(digitsOfFour(low)))
          all[i].push_back(word);
        for (auto [i, word] : llvm::enumerate(digitsOfFour(high)))
          all[3 + i].push_back(word);
      }
      Value place = g.bytesAt(digitsOf(record), g.add(g.mul(g.div(chunk, 2), chunkPairBytes),
                                                      g.mul(g.rem(chunk, 2), 8)));
      g.when(inside, [&] {
        for (int digit = 0; digit < digits; ++digit)
          g.store(g.pack(all[digit]), g.bytesAt(place, g.mul(g.add(t, 4 * digit), 16)));
      });
      return {special};
    });
    Value any = g.lanesWith(g.equal(flag[0], 1));
    g.when(g.equal(lane, 0), [&] { g.store(any, g.at(byteOf(flagsAt()), i32, ring.warp)); });
    g.syncWarp();
  }
  /// Of a record the words of all chunks, two each. Columns that are not there are others again.
  Values rightOf(Value record) {
    Value from = g.bytesAt(digitsOf(record), g.mul(g.min(lane, lanesOfDigits - 1), 16));
    Values made;
    for (int pair = 0; pair < chunks / 2; ++pair)
      llvm::append_range(
          made, g.unpack(g.load(g.vectorOf(4, i32), g.bytesAt(from, pair * chunkPairBytes))));
    return made;
  }
  Values product(ValueRange left, ValueRange right, int chunk, ValueRange sums) {
    return g.multiplyBytes(left, right.slice(2 * chunk, 2), sums);
  }
  /// Sums of the digits of each group.
  void addDigits() {
    Value one = g.number(0x01010101);
    const int each = chunks / parts();
    g.loop(first, last, 1, {}, [&](Value record, ValueRange) -> Values {
      Values right = rightOf(record);
      for (int part = 0; part < parts(); ++part) {
        Values sums(4, g.number(0));
        for (int chunk = part * each; chunk < (part + 1) * each; ++chunk)
          sums = product({one, one, one, one}, right, chunk, sums);
        g.when(g.less(lane, 4), [&] {
          g.store(g.pack({sums[0], sums[1]}), g.bytesAt(sumsOf(record, part), g.mul(lane, 8)));
        });
      }
      return {};
    });
    g.syncWarp();
  }

  //===- Products -----------------------------------------------------------------===//
  /// Where the sums of a group begin: less what the zeros take off. `zeros`: of both columns.
  Values beginning(Value digitSums, ValueRange zeros) {
    Values made;
    for (int h = 0; h < 2; ++h)
      for (Value sum : g.unpack(digitSums)) {
        Value zero = zeros.empty() ? g.number(zeroOf(h)) : g.mul(Number(zeros[h]), timesOf(h));
        // `g.mul` is for numbers that are not negative.
        Value off = g.b.createOrFold<arith::MulIOp>(sum, zero);
        made.push_back(g.sub(0x4b400000, off));
      }
    return made;
  }
  /// Adds the products of a record of each tile. `zeros`: those of all k.
  void addRecord(Value stage, Value record, ValueRange zeros, Values &all) {
    Value base = ring.memory(stage);
    Values right = rightOf(record);
    SmallVector<Values> digitSums;
    for (int part = 0; part < parts(); ++part)
      digitSums.push_back(
          {g.load(g.vectorOf(2, i32), g.bytesAt(sumsOf(record, part), g.mul(g.rem(lane, 4), 8)))});
    const int each = chunks / parts();
    for (int r = 0; r < tile.together; ++r) {
      Value own = g.bytesAt(base, r * ring.recordBytes());
      Values words = LutCodes(g, spec, own, lane).words();
      for (int part = 0; part < parts(); ++part) {
        Values zerosOfGroup;
        if (layout.format.affine && layout.groups()) {
          auto [low, high] = lutZeros(g, spec, own, part, lane);
          zerosOfGroup = {low, high};
        } else if (!zeros.empty()) {
          zerosOfGroup = {zeros[2 * r], zeros[2 * r + 1]};
        }
        Values sums = beginning(digitSums[part][0], zerosOfGroup);
        for (int chunk = part * each; chunk < (part + 1) * each; ++chunk)
          sums = product(codesOf(words, chunk), right, chunk, sums);
        addScaled(own, part, sums, MutableArrayRef<Value>(all).slice(4 * r, 4));
      }
    }
  }
  void addScaled(Value record, int part, ValueRange sums, MutableArrayRef<Value> all) {
    Values scales;
    if (layout.groups()) {
      auto [low, high] = lutScales(g, spec, record, part, lane);
      scales = {low, high};
    }
    for (int i = 0; i < 4; ++i) {
      Value sum = arith::SubFOp::create(g.b, g.bits(sums[i], f32), g.f32(0x1.8p23));
      all[i] = scales.empty() ? Value(arith::AddFOp::create(g.b, all[i], sum))
                              : g.fma(scales[i / 2], sum, all[i]);
    }
  }

  //===- Sums -----------------------------------------------------------------------===//
  /// The units of the digits that this lane has sums of; 0 for those behind the last one.
  Values unitsOfLane() {
    Values made;
    Value t = g.rem(lane, 4);
    for (int e = 0; e < 2; ++e) {
      Value unit = g.f32(0);
      for (int i = 0; 2 * i + e < digits; ++i)
        unit = g.select(g.equal(t, i), g.f32(std::ldexp(1.0, powers[2 * i + e])), unit);
      made.push_back(unit);
    }
    return made;
  }
  /// All digits, as [warps][tiles][16 columns].
  void leave(Value at, ValueRange all, ValueRange units) {
    Value mine = g.at(g.bytesAt(g.shared(), at), f32, g.mul(ring.warp, columns()));
    for (int r = 0; r < tile.together; ++r)
      for (int h = 0; h < 2; ++h) {
        Value low = arith::MulFOp::create(g.b, all[4 * r + 2 * h], units[0]);
        Value sum = g.fma(all[4 * r + 2 * h + 1], units[1], low);
        for (int mask : {1, 2})
          sum = arith::AddFOp::create(g.b, sum, g.shuffleXor(sum, mask));
        sum = arith::MulFOp::create(g.b, sum, g.f32(scaleOf(h)));
        g.when(g.equal(g.rem(lane, 4), 0), [&] {
          g.store(sum,
                  g.at(mine, f32, g.add(g.div(lane, 4), r * int(TileLayout::columns) + 8 * h)));
        });
      }
  }
  void finish(Value group, Value at) {
    g.when(g.less(g.thread(), columns()), [&] {
      Value column = g.add(g.mul(group, columns()), g.thread());
      g.when(g.less(column, int(layout.m)), [&] {
        Value start = g.at(g.bytesAt(g.shared(), at), f32, g.thread());
        Value sum = g.load(f32, start);
        for (int w = 1; w < tile.warps; ++w)
          sum = arith::AddFOp::create(g.b, sum, g.load(f32, g.at(start, f32, w * columns())));
        sum = withSpecial(column, sum);
        storeLutSum(g, spec, arguments, sum, g.number(0), g.block(1), column);
      });
    });
  }

  //===- What is not finite -----------------------------------------------------------===//
  Value withSpecial(Value column, Value sum) {
    Value flags = g.number(0);
    for (int w = 0; w < tile.warps; ++w)
      flags = g.bitOr(flags, g.load(i32, g.at(byteOf(flagsAt()), i32, w)));
    // A loop of no rounds where all is finite.
    Value end = g.select(g.equal(flags, 0), g.number(0), g.number(int(layout.k)));
    return g.loop(0, end, 1, sum, [&](Value k, ValueRange now) -> Values {
      Value x = g.convert(g.load(spec.element, g.at(arguments.x, spec.element, k)), f32);
      Value size = math::AbsFOp::create(g.b, x);
      Value finite = arith::CmpFOp::create(g.b, arith::CmpFPredicate::OLE, size, g.f32(65504));
      Value more = g.fma(valueAt(column, k), x, now[0]);
      return {g.select(finite, now[0], more)};
    })[0];
  }
  Value byteAt(Value place) {
    return arith::ExtUIOp::create(g.b, i32, g.load(g.b.getI8Type(), place));
  }
  /// The weight at a column and k, without a scale that goes with all k.
  Value valueAt(Value column, Value k) {
    Value inTile = g.rem(column, int(TileLayout::columns)), in = g.rem(k, int(TileLayout::steps));
    Value h = g.div(inTile, 8), lane = g.add(g.mul(g.rem(inTile, 8), 4), g.div(g.rem(in, 8), 2));
    Value tileNumber = g.div(column, int(TileLayout::columns));
    Value number =
        g.add(g.mul(tileNumber, int(layout.records())), g.div(k, int(TileLayout::steps)));
    Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number), g.wide(ring.recordBytes()));
    Value record = g.bytesAt(arguments.tiles, Number(wide));
    // Of the bits that a lane has for even and for odd k, 16 in a word each.
    Value i = g.add(h, g.mul(g.div(g.rem(in, 16), 8), 2));
    Value bit = g.add(g.mul(g.div(in, 16), 4 * width()), g.mul(i, width()));
    Value word = g.div(bit, 16), offset = g.add(g.rem(bit, 16), g.mul(g.rem(in, 2), 16));
    const int together = std::min(2 * width(), 4);
    Value place =
        g.add(g.add(g.mul(g.div(word, together), together * lanesOfWarp), g.mul(lane, together)),
              g.rem(word, together));
    Value code = g.bitAnd(g.shiftRight(g.load(i32, g.at(record, i32, place)), Number(offset)),
                          (1 << width()) - 1);
    Value ofGroup =
        g.add(g.mul(g.div(in, int(TileLayout::steps) / parts()), int(TileLayout::columns)),
              g.add(g.mul(g.rem(inTile, 8), 2), h));
    double times = isSign() ? 2 : 1;
    Value zero = g.number(isSign() ? 1 : zeroOf(0) / timesOf(0));
    if (layout.format.affine)
      zero = layout.groups()
                 ? byteAt(g.bytesAt(record, g.add(ofGroup, int(layout.zerosOffset()))))
                 : byteAt(g.bytesAt(arguments.tiles,
                                    Number(g.b.createOrFold<arith::AddIOp>(
                                        g.extend(column), g.wide(layout.lateZerosOffset())))));
    Value steps = g.sub(g.mul(code, int(times)), Number(zero));
    Value value = arith::SIToFPOp::create(g.b, f32, steps);
    if (!layout.groups())
      return value;
    Type narrow = layout.format.half ? Type(g.b.getF16Type()) : f32;
    Value scales = g.bytesAt(record, int(layout.scalesOffset()));
    return arith::MulFOp::create(g.b, value,
                                 g.convert(g.load(narrow, g.at(scales, narrow, ofGroup)), f32));
  }

  void write() {
    if (tile.early)
      g.letNextStart();
    LutRing::Place ahead = ring.fill();
    if (tile.early)
      g.waitForBefore();
    makeDigits();
    addDigits();
    Values units = unitsOfLane();
    auto add = [&](Value stage, Value record, ValueRange zeros, Values &all) {
      addRecord(stage, record, zeros, all);
    };
    auto leave = [&](Value at, ValueRange all) { this->leave(at, all, units); };
    auto finish = [&](Value group, Value at) { this->finish(group, at); };
    ring.forGroups(ahead, {4 * tile.together, sumsAt(), add, leave, finish});
  }
};
} // namespace

void mad::device::writeLutDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
                                 const LutArguments &arguments) {
  LutDigits(g, spec, tile, arguments).write();
}
