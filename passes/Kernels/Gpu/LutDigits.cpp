//===- LutDigits.cpp - One row times a weight of few bits, in integers ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutDigits.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Kernels/Gpu/LutCodes.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;

using mad::lut::TileLayout;

/// Of each digit's unit.
static constexpr int powers[LutDigits::digits] = {-24, -16, -8, -2, 6, 14};

bool mad::device::takesLutDigits(const LutSpec &spec) {
  const TileLayout &layout = spec.layout;
  const int bits = layout.bits();
  // Planes whose bytes have one order, and groups of whole products.
  const int64_t least = bits == 1 ? 64 : 32;
  return spec.element.isF16() && !layout.isTable() && ((bits >= 1 && bits <= 4) || bits == 8) &&
         (layout.groups() == 0 || TileLayout::steps / layout.groups() >= least);
}

LutDigits::LutDigits(GpuBuilder &g, const LutSpec &spec, const LutRowsTile &tile,
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

//===- Codes ------------------------------------------------------------------===//

/// A code is this many times as large in its byte, for the columns g and g + 8.
int LutDigits::timesOf(int h) const {
  switch (width()) {
  case 1:
    return h ? 8 : 4;
  case 2:
    return h ? 64 : 16;
  case 4:
    return h ? 16 : 1;
  default:
    return 1;
  }
}
/// The format's zero in the units of `timesOfZero`.
int LutDigits::zeroOf(int h) const {
  if (isSign())
    return timesOf(h) / 2;
  const bool ternary = layout.format.family == mad::lut::Family::Ternary;
  return timesOfZero(h) * (ternary ? 1 : 1 << (layout.bits() - 1));
}

Value LutDigits::moved(Value word, int right) {
  return right == 0 ? word : right > 0 ? g.shiftRight(word, right) : g.shiftLeft(word, -right);
}
Value LutDigits::masked(Value word, int byte) {
  return g.bitAnd(word, int64_t(uint32_t(byte) * 0x01010101u));
}
Values LutDigits::codesOf(const Values &words, int chunk) {
  Values made;
  for (int half = 0; half < 2; ++half) {
    switch (width()) {
    case 1: {
      Value word = moved(words[chunk / 2], 4 * (chunk % 2) + 2 * half - 2);
      llvm::append_values(made, masked(word, 4), masked(word, 8));
      break;
    }
    case 2: {
      if (timesOfFirstHalf() > 1) {
        llvm::append_values(made, masked(words[chunk], half ? 0x30 : 0x03),
                            masked(words[chunk], half ? 0xc0 : 0x0c));
        break;
      }
      // To the left: a multiplication, for which other units are free than for masks.
      Value word = moved(words[chunk], 4 * half - 4);
      llvm::append_values(made, masked(word, 0x30), masked(word, 0xc0));
      break;
    }
    case 4: {
      Value word = words[2 * chunk + half];
      llvm::append_values(made, masked(word, 15), word);
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

/// As those of 1 bit, but that bytes come in the order of the words of 2 bits: half a byte each.
Values LutDigits::thirdBitsOf(const Values &words, int chunk) {
  Value word = words[4 + chunk / 2];
  const int from = chunk % 2;
  Value bits = bytesFrom(word, g.shiftRight(word, 4), {from, from + 4, from + 2, from + 6});
  Values made;
  for (int half = 0; half < 2; ++half) {
    Value there = moved(bits, 2 * half - 2);
    llvm::append_values(made, masked(there, 4), masked(there, 8));
  }
  return made;
}

//===- x ------------------------------------------------------------------------===//

/// The k, within a record, of the first byte of a word of the right factor; the second one is of
/// `stride` k later, the others of k + 1.
Value LutDigits::kOf(Value chunk, int half, Value t) {
  Value own = g.mul(t, 2);
  if (width() == 1)
    return g.add(g.add(g.mul(g.div(chunk, 2), 64), g.mul(g.rem(chunk, 2), 16)),
                 g.add(own, 8 * half));
  return g.add(g.mul(chunk, 32), g.add(own, (width() == 2 ? 8 : 16) * half));
}
/// x[k] and x[k + 1], zeros for those that are not there.
Values LutDigits::twoOf(Value k) {
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
LutDigits::PartOfX LutDigits::partOf(Value record) {
  Value at = g.rem(lane, 16), chunk = g.div(at, 4), t = g.rem(at, 4);
  PartOfX part;
  for (int half = 0; half < 2; ++half) {
    Value k = g.add(g.mul(record, int(TileLayout::steps)), kOf(chunk, half, t));
    Values near = twoOf(k), far = twoOf(g.add(k, stride()));
    part[half] = {near[0], far[0], near[1], far[1]};
  }
  return part;
}
/// Three digits each of the two parts of so many times the number, as the lower bytes of words: of
/// the first two of them 128 more, of the third one 64 more.
std::pair<Value, Value> LutDigits::wordsOf(Value x, int times) {
  const double middle = 0x1.8p23 + 0x8080;
  Value value = g.convert(x, f32);
  Value high = g.fma(value, g.f32(4 * times), g.f32(middle));
  Value whole = arith::SubFOp::create(g.b, high, g.f32(middle));
  Value rest = g.fma(whole, g.f32(-0.25 / times), value);
  Value low = g.fma(rest, g.f32(0x1p24 * times), g.f32(middle));
  return {g.bits(low, i32), g.bits(high, i32)};
}
/// Four bytes of two words, of which `from` chooses: 0 to 3 of the first one, 4 to 7 of the other.
Value LutDigits::bytesFrom(Value low, Value high, ArrayRef<int32_t> from) {
  Type four = g.vectorOf(4, g.b.getI8Type());
  return g.bits(LLVM::ShuffleVectorOp::create(g.b, g.bits(low, four), g.bits(high, four), from),
                i32);
}
/// Of four numbers the words of three digits, a byte each.
Values LutDigits::digitsOfFour(ValueRange words) {
  Value low = bytesFrom(words[0], words[1], {0, 4, 1, 5});
  Value high = bytesFrom(words[2], words[3], {0, 4, 1, 5});
  Value third = bytesFrom(bytesFrom(words[0], words[1], {2, 6, 2, 6}),
                          bytesFrom(words[2], words[3], {2, 6, 2, 6}), {0, 1, 4, 5});
  // From 64 more to 128 more: no byte goes over.
  third = g.b.createOrFold<arith::AddIOp>(third, g.number(0x40404040));
  Values made{bytesFrom(low, high, {0, 1, 4, 5}), bytesFrom(low, high, {2, 3, 6, 7}), third};
  for (Value &word : made)
    word = g.bitXor(word, int64_t(0x80808080));
  return made;
}
Values LutDigits::digitsOf(const PartOfX &x, Value &seen) {
  SmallVector<Values> all(digits);
  for (int half = 0; half < 2; ++half) {
    Values low, high;
    for (Value number : x[half]) {
      auto [lowWord, highWord] = wordsOf(number, half ? 1 : timesOfFirstHalf());
      low.push_back(lowWord), high.push_back(highWord);
      seen = g.bitOr(seen, highWord);
    }
    for (auto [i, word] : llvm::enumerate(digitsOfFour(low)))
      all[i].push_back(word);
    for (auto [i, word] : llvm::enumerate(digitsOfFour(high)))
      all[3 + i].push_back(word);
  }
  Values made;
  for (const Values &both : all)
    made.push_back(g.pack(both));
  return made;
}
Value LutDigits::placeOfPair(Value pair, Value odd) {
  return g.mul(g.bitXor(pair, odd), chunkPairBytes);
}
void LutDigits::storeDigits(ValueRange words, Value to, Value inside) {
  static_assert(chunks == 4, "two pairs take turns");
  Value at = g.rem(lane, 16), chunk = g.div(at, 4), t = g.rem(at, 4);
  Value own = g.bytesAt(to, g.add(g.mul(t, 16), g.mul(g.rem(chunk, 2), 8)));
  Value places[2];
  for (int odd = 0; odd < 2; ++odd)
    places[odd] = g.bytesAt(own, Number(placeOfPair(g.div(chunk, 2), g.number(odd))));
  g.when(inside, [&] {
    for (int digit = 0; digit < digits; ++digit)
      g.store(words[digit], g.bytesAt(places[digit % 2], digit * eachDigitBytes));
  });
}
/// In the exponent of all numbers from 2^23 to 2^24 this bit is 0, and of infinities and what is no
/// number it is 1.
Value LutDigits::isSpecial(Value seen) {
  Value lanes = g.lanesWith(g.equal(g.bitAnd(seen, 0x00800000), 0x00800000));
  return g.less(0, lanes);
}
Values LutDigits::rightOf(Value digitsOfRecord) {
  Value at = g.min(lane, digits * 4 - 1), digit = g.div(at, 4);
  Value own =
      g.bytesAt(digitsOfRecord, g.add(g.mul(digit, eachDigitBytes), g.mul(g.rem(at, 4), 16)));
  Values made;
  for (int pair = 0; pair < chunks / 2; ++pair) {
    Value place = placeOfPair(g.number(pair), g.rem(digit, 2));
    llvm::append_range(made, g.unpack(g.load(g.vectorOf(4, i32), g.bytesAt(own, Number(place)))));
  }
  return made;
}
Values LutDigits::sumsOfDigits(ValueRange right, int part) {
  Value first = g.number(0x01010101), other = g.number(0x01010101 * timesOfFirstHalf());
  const int each = chunks / parts();
  Values sums(4, g.number(0));
  for (int chunk = part * each; chunk < (part + 1) * each; ++chunk)
    sums = product({first, first, other, other}, right, chunk, sums);
  sums.truncate(2);
  return sums;
}

//===- Products -----------------------------------------------------------------===//

Values LutDigits::product(ValueRange left, ValueRange right, int chunk, ValueRange sums) {
  return g.multiplyBytes(left, right.slice(2 * chunk, 2), sums);
}
Values LutDigits::products(const Values &words, ValueRange right, int chunk, ValueRange sums) {
  Values made = product(codesOf(words, chunk), right, chunk, sums.take_front(4));
  if (hasThirdBit())
    llvm::append_range(made, product(thirdBitsOf(words, chunk), right, chunk, sums.drop_front(4)));
  return made;
}
Values LutDigits::beginning(ValueRange digitSums, ValueRange zeros, int from) {
  Values made, all;
  if (hasThirdBit())
    made.assign(4, g.number(from));
  for (int h = 0; h < 2; ++h)
    all.push_back(zeros.empty() ? g.number(zeroOf(h) / timesOfFirstHalf())
                                : g.mul(Number(zeros[h]), timesOfZero(h) / timesOfFirstHalf()));
  if (isNested())
    all[1] = g.add(all[1], Number(all[0]));
  for (Value zero : all)
    for (Value sum : digitSums) {
      // `g.mul` is for numbers that are not negative.
      Value off = g.b.createOrFold<arith::MulIOp>(sum, zero);
      made.push_back(g.sub(from, off));
    }
  return made;
}
Values LutDigits::zerosOf(Value record, int part, ValueRange late) {
  if (!layout.format.affine || !layout.groups())
    return Values(late);
  auto [low, high] = lutZeros(g, spec, record, part, lane);
  return {low, high};
}
void LutDigits::addScaled(Value record, int part, ValueRange sums, MutableArrayRef<Value> all) {
  Values scales, numbers;
  if (layout.groups()) {
    auto [low, high] = lutScales(g, spec, record, part, lane);
    scales = {low, high};
  }
  for (Value sum : sums)
    numbers.push_back(g.bits(sum, f32));
  for (int i = 0; i < 4; ++i) {
    Value off = isNested() && i >= 2 ? numbers[i - 2] : g.f32(0x1.8p23);
    Value sum = arith::SubFOp::create(g.b, numbers[i], off);
    if (hasThirdBit()) {
      const int h = i / 2;
      Value third = arith::SubFOp::create(g.b, numbers[4 + i], off);
      sum = g.fma(third, g.f32(4 * timesOf(h) / timesOfThird(h)), sum);
    }
    all[i] = scales.empty() ? Value(arith::AddFOp::create(g.b, all[i], sum))
                            : g.fma(scales[i / 2], sum, all[i]);
  }
}

void LutDigits::addPairs(Value record, int part, ValueRange sums, Value ratio,
                         MutableArrayRef<Value> all) {
  Values scales;
  if (layout.groups()) {
    auto [low, high] = lutScales(g, spec, record, part, lane);
    scales = {low, high};
  }
  for (int h = 0; h < 2; ++h) {
    // |code - zero| times a digit, over 128 k, stays below 2^22, and the ratio is 2^8 at most.
    Value upper = arith::MulIOp::create(g.b, sums[2 * h + 1], ratio);
    Value both = arith::AddIOp::create(g.b, upper, sums[2 * h]);
    Value sum = arith::SIToFPOp::create(g.b, f32, both);
    all[h] = scales.empty() ? Value(arith::AddFOp::create(g.b, all[h], sum))
                            : g.fma(scales[h], sum, all[h]);
  }
}

//===- Sums -----------------------------------------------------------------------===//

Values LutDigits::unitsOfLane() {
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
Value LutDigits::ratioOfLane() {
  Value t = g.rem(lane, 4), ratio = g.number(0);
  for (int i = 0; 2 * i < digits; ++i)
    ratio = g.select(g.equal(t, i), g.number(1 << (powers[2 * i + 1] - powers[2 * i])), ratio);
  return ratio;
}
Value LutDigits::wholeSum(ValueRange sums, ValueRange units) {
  Values both;
  for (int h = 0; h < 2; ++h) {
    Value low = arith::MulFOp::create(g.b, sums[2 * h], units[0]);
    Value sum = g.fma(sums[2 * h + 1], units[1], low);
    both.push_back(arith::MulFOp::create(g.b, sum, g.f32(scaleOf(h))));
  }
  return ofColumns(both);
}
Value LutDigits::wholeSumOfPairs(ValueRange sums, Value unit) {
  Values both;
  for (int h = 0; h < 2; ++h) {
    Value own = arith::MulFOp::create(g.b, unit, g.f32(scaleOf(h)));
    both.push_back(arith::MulFOp::create(g.b, sums[h], own));
  }
  return ofColumns(both);
}
/// Two lanes exchange what they do not keep.
Value LutDigits::ofColumns(ValueRange both) {
  Value odd = g.equal(g.rem(lane, 2), 1);
  Value kept = g.select(odd, both[1], both[0]);
  Value other = g.select(odd, both[0], both[1]);
  Value sum = arith::AddFOp::create(g.b, kept, g.shuffleXor(other, 1));
  return arith::AddFOp::create(g.b, sum, g.shuffleXor(sum, 2));
}
void LutDigits::finishColumn(Value column, Value sum) {
  Value isNan = arith::CmpFOp::create(g.b, arith::CmpFPredicate::UNO, sum, sum);
  Value end = g.select(isNan, g.number(int(layout.k)), g.number(0));
  sum = g.select(isNan, g.f32(0), sum);
  // A loop of no rounds where it is a number.
  sum = g.loop(0, end, 1, sum, [&](Value k, ValueRange now) -> Values {
    Value x = g.convert(g.load(spec.element, g.at(arguments.x, spec.element, k)), f32);
    return {g.fma(valueAt(column, k), x, now[0])};
  })[0];
  storeLutSum(g, spec, arguments, sum, g.number(0), g.block(1), column);
}

//===- One at a time ----------------------------------------------------------------===//

Value LutDigits::byteAt(Value place) {
  return arith::ExtUIOp::create(g.b, i32, g.load(g.b.getI8Type(), place));
}
/// The weight at a column and k, without a scale that goes with all k.
Value LutDigits::valueAt(Value column, Value k) {
  Value inTile = g.rem(column, int(TileLayout::columns)), in = g.rem(k, int(TileLayout::steps));
  Value h = g.div(inTile, 8), lane = g.add(g.mul(g.rem(inTile, 8), 4), g.div(g.rem(in, 8), 2));
  Value tileNumber = g.div(column, int(TileLayout::columns));
  Value number = g.add(g.mul(tileNumber, int(layout.records())), g.div(k, int(TileLayout::steps)));
  Value wide = g.b.createOrFold<arith::MulIOp>(g.extend(number), g.wide(ring.recordBytes()));
  Value record = g.bytesAt(arguments.tiles, Number(wide));
  // Of the bits that a lane has for even and for odd k, 16 in a word each.
  Value i = g.add(h, g.mul(g.div(g.rem(in, 16), 8), 2)), code = g.number(0);
  int64_t plane = 0;
  for (const lut::Field &field : lut::fields(layout.bits(), 1)) {
    const int bits = field.width, together = std::min(2 * bits, 4);
    Value bit = g.add(g.mul(g.div(in, 16), 4 * bits), g.mul(i, bits));
    Value word = g.div(bit, 16), offset = g.add(g.rem(bit, 16), g.mul(g.rem(in, 2), 16));
    Value place =
        g.add(g.add(g.mul(g.div(word, together), together * lanesOfWarp), g.mul(lane, together)),
              g.rem(word, together));
    Value found = g.load(i32, g.at(g.bytesAt(record, int(plane)), i32, place));
    Value own = g.bitAnd(g.shiftRight(found, Number(offset)), (1 << bits) - 1);
    code = g.bitOr(code, g.shiftLeft(own, field.shift));
    plane += int64_t(bits) * TileLayout::steps * TileLayout::columns / 8;
  }
  Value ofGroup =
      g.add(g.mul(g.div(in, int(TileLayout::steps) / parts()), int(TileLayout::columns)),
            g.add(g.mul(g.rem(inTile, 8), 2), h));
  double times = isSign() ? 2 : 1;
  Value zero = g.number(isSign() ? 1 : zeroOf(0) / timesOfZero(0));
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
