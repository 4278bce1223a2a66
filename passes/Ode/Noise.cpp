//===- Noise.cpp - Normally distributed numbers of a step -------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One block of Philox4x32-10 an element. For tensors it is `mad.philox`; scalars have it written
// out in numbers of 64 bits, so that the lanes of an ensemble need no memory. Both give the same
// words.
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/Noise.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadMathOps.h"
#include "dialects/Ode/Tableaus/Control.h"

using namespace mlir;

namespace mad {

Noise::Noise(SolveAlgebra &m, Value key, Value system)
    : m(m), key(key), system(system ? system : m.integer(0)) {}

/// The lower 32 bits.
Value Noise::low(Value x) {
  Value mask = m.spread(m.integer(0xFFFFFFFF), Algebra::typeOf(x));
  return BitAndOp::create(m.b, m.loc, x.getType(), x, mask);
}

Noise::Words Noise::scalarWords(Value step, Value element, int64_t mark) {
  Type wide = m.b.getI64Type();
  auto mix = [&](Value x, Value y, Value z) -> Value {
    Value both = BitXorOp::create(m.b, m.loc, x.getType(), x, y);
    return BitXorOp::create(m.b, m.loc, x.getType(), both, z);
  };
  auto high = [&](Value x) {
    return low(ShiftRightOp::create(m.b, m.loc, x.getType(), x, m.integer(32)));
  };
  Words c = {low(element), low(step), low(system), m.integer(mark)};
  Value k0 = low(m.cast(m.Algebra::element(key, {0}), wide)),
        k1 = low(m.cast(m.Algebra::element(key, {1}), wide));
  for (int round = 0; round < 10; ++round) {
    if (round) {
      k0 = low(m.add(k0, m.integer(0x9E3779B9)));
      k1 = low(m.add(k1, m.integer(0xBB67AE85)));
    }
    // The product of two words has 64 bits, whatever its sign is then.
    Value a = m.mul(c[0], m.integer(0xD2511F53)), d = m.mul(c[2], m.integer(0xCD9E8D57));
    c = {mix(high(d), c[1], k0), low(d), mix(high(a), c[3], k1), low(a)};
  }
  return c;
}

Noise::Words Noise::tensorWords(const DimExpr &count, Value step, Value first, int64_t mark) {
  Type narrow = m.b.getI32Type(), wide = m.b.getI64Type();
  auto one = RankedTensorType::get({1}, narrow);
  Leaves parts;
  for (Value word : {first, step, system, m.integer(mark)}) {
    // Their bits, as a number with a sign.
    Value bits = low(word), half = m.integer(0x80000000);
    bits = m.sub(BitXorOp::create(m.b, m.loc, bits.getType(), bits, half), half);
    parts.push_back(ReshapeOp::create(m.b, m.loc, one, m.cast(bits, narrow)));
  }
  Value counter = ConcatOp::create(m.b, m.loc, RankedTensorType::get({4}, narrow), parts, 0);
  auto line = tensorType({count * DimExpr(4)}, {}, narrow);
  Value all = PhiloxOp::create(m.b, m.loc, line, key, counter);
  auto type = tensorType({count}, {}, narrow);
  Words words;
  for (auto [i, word] : llvm::enumerate(words)) {
    AffineExpr place = m.b.getAffineDimExpr(0) * 4 + static_cast<int64_t>(i);
    word = ViewOp::create(m.b, m.loc, type, all, ValueRange(), AffineMap::get(1, 0, place),
                          Boundary::inside);
    word = low(m.cast(word, wide));
  }
  return words;
}

/// Box and Muller, from 32 bits each in f32, from 64 in f64 (frontend/std/random.mad).
Value Noise::normal(const Words &words) {
  Type element = m.element;
  bool narrow = element.isF32();
  auto number = [&](double x) { return m.number(element, x); };
  auto bits = [&](Value upper, Value lower) {
    if (!narrow)
      return m.cast(m.add(m.mul(upper, m.integer(int64_t(1) << 32)), lower), element);
    Value half = m.spread(m.integer(0x80000000), Algebra::typeOf(upper));
    return m.cast(m.sub(BitXorOp::create(m.b, m.loc, upper.getType(), upper, half), half), element);
  };
  Value u = m.abs(m.add(bits(words[0], words[1]), number(0.5)));
  u = m.mul(u, number(narrow ? ode::NoiseCounter::unit32 : ode::NoiseCounter::unit64));
  Value v = narrow ? bits(words[1], {}) : bits(words[2], words[3]);
  v = m.mul(v, number(narrow ? ode::NoiseCounter::angle32 : ode::NoiseCounter::angle64));
  Value square = m.mul(number(-2), m.log(u));
  Value radius = SqrtOp::create(m.b, m.loc, square.getType(), square);
  return m.mul(radius, CosOp::create(m.b, m.loc, v.getType(), v));
}

Value Noise::normals(Value leaf, Value step, Value first) {
  RankedTensorType type = Algebra::typeOf(leaf);
  if (type.getRank() == 0)
    return normal(scalarWords(step, first, ode::NoiseCounter::mark));
  DimExpr count(1);
  for (int64_t d = 0; d < type.getRank(); ++d)
    count = count * dimExpr(type, d);
  Value line = normal(tensorWords(count, step, first, ode::NoiseCounter::mark));
  return line.getType() == type ? line : ReshapeOp::create(m.b, m.loc, type, line).getResult();
}

Leaves Noise::common(const DimExpr &count, Value step, bool scalars) {
  const int64_t mark = ode::NoiseCounter::mark + 1;
  if (!scalars)
    return {normal(tensorWords(count, step, m.integer(0), mark))};
  Leaves all;
  for (int64_t k = 0; k < *count.constant(); ++k)
    all.push_back(normal(scalarWords(step, m.integer(k), mark)));
  return all;
}

} // namespace mad
