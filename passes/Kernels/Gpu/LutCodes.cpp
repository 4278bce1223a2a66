//===- LutCodes.cpp - Codes of few bits become numbers ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Kernels/Gpu/LutCodes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include <cmath>

using namespace mlir;
using namespace mad::device;
using mad::lut::TileLayout;

Type LutSpec::factor() const {
  return element.isF32() ? Type(BFloat16Type::get(element.getContext())) : element;
}

LutCodes::LutCodes(GpuBuilder &g, const LutSpec &spec, Value record, Value lane)
    : g(g), spec(spec), lane(lane) {
  int64_t at = 0;
  for (const lut::Field &field : lut::fields(spec.layout.bits(), 1)) {
    const int words = field.width * 2, together = std::min(words, 4);
    Plane plane{field.width, field.shift, Values(words)};
    Type type = g.vectorOf(together, g.b.getI32Type());
    for (int word = 0; word < words; word += together) {
      Value place = g.add(g.mul(lane, together * 4), int(at) + word * 4 * lanesOfWarp);
      llvm::copy(g.unpack(g.load(type, g.bytesAt(record, place))), plane.words.begin() + word);
    }
    planes.push_back(plane);
    at += int64_t(words) * 4 * lanesOfWarp;
  }
}

void LutCodes::setZeros(Value low, Value high) {
  zeros[0] = low, zeros[1] = high;
  offsets.clear();
}

Value LutCodes::pair(double value) {
  auto type = g.vectorOf(2, spec.factor());
  bool loses;
  APFloat number(value);
  number.convert(cast<FloatType>(spec.factor()).getFloatSemantics(), APFloat::rmNearestTiesToEven,
                 &loses);
  assert(!loses && "a constant of a decoder is no number of its type");
  return arith::ConstantOp::create(g.b, type, DenseElementsAttr::get(type, number));
}

Value LutCodes::dup(Value half) { return g.bitOr(half, g.shiftLeft(half, 16)); }

/// The word of a plane that holds register i of fragment f, and the bit of its lower half.
static std::pair<int, int> placeOf(int width, int f, int i) {
  switch (width) {
  case 8:
    return {2 * f + i / 2, 8 * (i % 2)};
  case 4:
    return {f, 4 * i};
  case 2:
    return {f / 2, 8 * (f % 2) + 2 * i};
  default:
    return {f / 4, 4 * (f % 4) + i};
  }
}

static Value shifted(GpuBuilder &g, Value word, int right) {
  if (right == 0)
    return word;
  return right > 0 ? g.shiftRight(word, right) : g.shiftLeft(word, -right);
}

/// A pair of fields, at bit `to` of both halves, with the bits of `power`.
Value LutCodes::field(const Plane &plane, int f, int i, int to, int64_t power) {
  auto [word, bit] = placeOf(plane.width, f, i);
  const int64_t mask = ((1 << plane.width) - 1) << to, both = mask | mask << 16;
  Value there = shifted(g, plane.words[word], bit - to);
  return power ? g.maskedOr(there, both, power) : g.bitAnd(there, both);
}

std::pair<Value, int> LutCodes::inMantissa(int f, int i) {
  const int64_t power = magic();
  if (planes.size() == 1) {
    // Where it lies, or as the byte or the lowest bits of a half.
    const int width = planes[0].width, bit = placeOf(width, f, i).second;
    int to = bit;
    if (to + width > mantissa() && to >= 8)
      to -= 8;
    if (to + width > mantissa())
      to = 0;
    return {field(planes[0], f, i, to, power), to};
  }
  return {g.bitOr(codesOf(f, i), power), 0};
}

Value LutCodes::codesOf(int f, int i) {
  Value code;
  for (const Plane &plane : planes) {
    Value bits = field(plane, f, i, plane.shift);
    code = code ? g.bitOr(code, bits) : bits;
  }
  return code;
}

static bool hasPairs(const LutSpec &spec) { return spec.layout.bits() <= 4; }

std::array<Value, 3> mad::device::lutPartsOf(GpuBuilder &g, Value x) {
  Type f32 = g.b.getF32Type(), i32 = g.b.getI32Type();
  const int64_t high = 0xffff0000, exponent = 0x7f800000;
  Value word = g.bits(x, i32);
  Value special = g.equal(g.bitAnd(word, exponent), exponent);
  // A NaN stays one when it is cut.
  Value isNan = arith::CmpFOp::create(g.b, arith::CmpFPredicate::UNO, x, x);
  word = g.select(isNan, g.bitOr(word, 0x00400000), word);
  Value x1 = g.bits(g.bitAnd(word, high), f32);
  Value rest = g.select(special, g.f32(0), Value(arith::SubFOp::create(g.b, x, x1)));
  Value x2 = g.bits(g.bitAnd(g.bits(rest, i32), high), f32);
  Value x3 = arith::SubFOp::create(g.b, rest, x2);
  Type narrow = BFloat16Type::get(g.b.getContext());
  return {g.convert(x1, narrow), g.convert(x2, narrow), g.convert(x3, narrow)};
}

static int bytesOfTable(const LutSpec &spec) {
  const int bits = spec.layout.bits();
  return hasPairs(spec) ? 4 << (2 * bits) : std::max(2 << bits, 16);
}

int mad::device::lutTableBytes(const LutSpec &spec) {
  const TileLayout &layout = spec.layout;
  return layout.isTable() && !layout.hasColumnTables() ? spec.tables() * bytesOfTable(spec) : 0;
}

void mad::device::writeLutTable(GpuBuilder &g, const LutSpec &spec, Value tiles, Value table,
                                int threads) {
  const int bits = spec.layout.bits();
  Type f32 = g.b.getF32Type();
  Value start = g.bytesAt(tiles, Number(g.wide(spec.layout.lateOffset())));
  auto numbers = [&](Value code) -> Values {
    Value whole = g.load(f32, g.at(start, f32, code));
    if (spec.tables() == 1)
      return {g.convert(whole, spec.factor())};
    return Values(llvm::ArrayRef(lutPartsOf(g, whole)));
  };
  const int count = 1 << (hasPairs(spec) ? 2 * bits : bits);
  g.loop(g.thread(), count, threads, {}, [&](Value i, ValueRange) -> Values {
    Values low = numbers(g.bitAnd(i, (1 << bits) - 1)), high;
    if (hasPairs(spec))
      high = numbers(g.shiftRight(i, bits));
    for (int t = 0; t < spec.tables(); ++t) {
      Value made = hasPairs(spec) ? g.pack({low[t], high[t]}) : low[t];
      g.store(made, g.at(g.bytesAt(table, t * bytesOfTable(spec)), made.getType(), i));
    }
    return {};
  });
}

void LutCodes::setColumnTables(Value pointer, int step) {
  tableStep = step;
  const int bytes = int(spec.layout.tableNumbers()) * 2;
  for (int h = 0; h < 2; ++h)
    columnTables[h] = g.bytesAt(pointer, g.mul(g.add(g.div(lane, 4), 8 * h), bytes));
}

/// What a pair of codes of register i stands for.
Value LutCodes::fromTable(Value codes, int i, int number) {
  const int bits = spec.layout.bits();
  const bool ofColumn = spec.layout.hasColumnTables();
  Value from = ofColumn ? g.bytesAt(columnTables[i % 2], number * tableStep)
                        : g.bytesAt(table, number * bytesOfTable(spec));
  Type i32 = g.b.getI32Type(), i16 = g.b.getIntegerType(16);
  if (hasPairs(spec) && !ofColumn) {
    Value pair = g.bitAnd(g.bitOr(codes, g.shiftRight(codes, 16 - bits)), (1 << 2 * bits) - 1);
    return g.load(i32, g.at(from, i32, pair));
  }
  auto one = [&](Value code) -> Value {
    return arith::ExtUIOp::create(g.b, i32, g.load(i16, g.at(from, i16, code)));
  };
  Value low = one(g.bitAnd(codes, 0xff)), high = one(g.shiftRight(codes, 16));
  return g.bitOr(low, g.shiftLeft(high, 16));
}

/// -1 and 1: the bit is the sign.
Value LutCodes::signsOf(int f, int i) {
  auto [word, bit] = placeOf(1, f, i);
  return g.maskedXor(shifted(g, planes[0].words[word], bit - 15), int64_t(0x80008000),
                     int64_t(isHalf() ? 0xbc00bc00 : 0xbf80bf80));
}

/// code - 128 of 8 bits in bf16, whose mantissa has 7: (128 + the lower seven) - (128 or 256).
Value LutCodes::ofByte(int f, int i) {
  auto [word, bit] = placeOf(8, f, i);
  Value x = shifted(g, planes[0].words[word], bit);
  Type type = g.vectorOf(2, spec.factor());
  Value low = g.bitOr(g.bitAnd(x, 0x007f007f), int64_t(magic()));
  Value minus = g.bitXor(g.bitAnd(x, 0x00800080), int64_t(0xc380c380));
  return g.fma(g.bits(low, type), pair(1), g.bits(minus, type));
}

Value LutCodes::offset(int h, int p) {
  const double power = std::ldexp(isHalf() ? 1024 : 128, -p);
  if (!zeros[h]) {
    const bool ternary = spec.layout.format.family == lut::Family::Ternary;
    return pair(-power - (ternary ? 1 : 1 << (spec.layout.bits() - 1)));
  }
  Value &made = offsets[{h, p}];
  if (made)
    return made;
  // 1024 + zero is exact, and so is what that is taken off.
  const double first = isHalf() ? 1024 : 128;
  Type type = g.vectorOf(2, spec.factor());
  Value zero = g.bits(g.bitOr(dup(zeros[h]), int64_t(magic())), type);
  return made = g.fma(zero, pair(-1), pair(first - power));
}

Values LutCodes::fragment(int f, int table) {
  const lut::Format &format = spec.layout.format;
  Type type = g.vectorOf(2, spec.factor()), i32 = g.b.getI32Type();
  Values made;
  for (int i = 0; i < 4; ++i) {
    if (spec.layout.isTable()) {
      made.push_back(fromTable(codesOf(f, i), i, table));
      continue;
    }
    if (spec.layout.bits() == 1 && !format.affine) {
      made.push_back(signsOf(f, i));
      continue;
    }
    Value value;
    if (spec.layout.bits() == 8 && !isHalf()) {
      value = ofByte(f, i);
      if (Value zero = zeros[i % 2]) {
        Value &taken = offsets[{i % 2, 0}];
        if (!taken) {
          // 128 - zero, in the same way.
          Value z = dup(zero);
          Value low = g.bitOr(g.bitAnd(z, 0x007f007f), int64_t(magic()));
          Value plus = g.bitXor(g.bitAnd(z, 0x00800080), int64_t(0x43804380));
          taken = g.fma(g.bits(low, type), pair(-1), g.bits(plus, type));
        }
        value = g.fma(value, pair(1), taken);
      }
    } else {
      auto [word, p] = inMantissa(f, i);
      value = g.fma(g.bits(word, type), pair(std::ldexp(1.0, -p)), offset(i % 2, p));
    }
    made.push_back(g.bits(value, i32));
  }
  return made;
}

std::pair<Value, Value> mad::device::lutScales(GpuBuilder &g, const LutSpec &spec, Value record,
                                               int group, Value lane) {
  const TileLayout &layout = spec.layout;
  const int bytes = int(layout.scaleBytes()), start = int(layout.scalesOffset());
  Type element = layout.format.half ? Type(g.b.getF16Type()) : Type(g.b.getF32Type());
  Value place =
      g.add(g.mul(g.div(lane, 4), 2 * bytes), start + group * int(TileLayout::columns) * bytes);
  Values both = g.unpack(g.load(g.vectorOf(2, element), g.bytesAt(record, place)));
  return {g.convert(both[0], g.b.getF32Type()), g.convert(both[1], g.b.getF32Type())};
}

std::pair<Value, Value> mad::device::lutZeros(GpuBuilder &g, const LutSpec &spec, Value record,
                                              int group, Value lane) {
  const TileLayout &layout = spec.layout;
  Value place =
      g.add(g.mul(g.div(lane, 4), 2), int(layout.zerosOffset()) + group * int(TileLayout::columns));
  Value both = g.load(g.b.getIntegerType(16), g.bytesAt(record, place));
  Value word = arith::ExtUIOp::create(g.b, g.b.getI32Type(), both);
  return {g.bitAnd(word, 0xff), g.shiftRight(word, 8)};
}
