//===- PhiFunctions.cpp - Exponential functions of numbers and matrices -----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadMathOps.h"
#include "passes/Ode/LinearPart.h"
#include "passes/Ode/Regions.h"
#include <cmath>

using namespace mlir;

namespace mad {

/// From |z| = 2 on by the recurrence phi[k + 1] = (phi[k] - 1/k!) / z, which loses digits nearer to
/// 0: there by the series of phi[3] and the recurrence the other way (as math.phi3 of the library).
Leaves phiOfElements(Algebra &m, Value z, int most) {
  constexpr int terms = 23;
  RankedTensorType type = Algebra::typeOf(z);
  auto real = [&](double value) { return m.spread(m.real(value), type); };
  Leaves all = {m.exp(z)};
  if (most == 0)
    return all;
  double coefficient = 1;
  for (int j = 2; j <= terms + 2; ++j)
    coefficient /= j;
  Value third;
  for (int j = terms + 2; j >= 3; --j) {
    third = third ? m.add(m.mul(third, z), real(coefficient)) : real(coefficient);
    coefficient *= j;
  }
  Value second = m.add(m.mul(third, z), real(0.5));
  Leaves near = {m.add(m.mul(second, z), real(1)), second, third};
  Value isNear = m.compare(Predicate::lt, m.abs(z), real(2));
  Value far = Expm1Op::create(m.b, m.loc, type, z);
  const double last[] = {0, 1, 0.5};
  for (int k = 1; k <= most; ++k) {
    far = m.div(k > 1 ? m.sub(far, real(last[k - 1])) : far, z);
    all.push_back(m.select(isNear, near[size_t(k - 1)], far));
  }
  return all;
}

Value matrixProduct(Algebra &m, Value a, Value b) {
  OpBuilder &builder = m.b;
  auto d = [&](unsigned i) { return builder.getAffineDimExpr(i); };
  RankedTensorType type = Algebra::typeOf(b);
  if (type.getRank() == 1)
    return ContractOp::create(builder, m.loc, type, a, b,
                              AffineMap::get(2, 0, {d(0), d(1)}, builder.getContext()),
                              AffineMap::get(2, 0, {d(1)}, builder.getContext()));
  return ContractOp::create(builder, m.loc, type, a, b,
                            AffineMap::get(3, 0, {d(0), d(2)}, builder.getContext()),
                            AffineMap::get(3, 0, {d(2), d(1)}, builder.getContext()));
}

namespace {

/// Powers and functions of one matrix.
class MatrixPhi {
public:
  MatrixPhi(Algebra &m, Value a, int most) : m(m), a(a), most(most) {
    RankedTensorType type = Algebra::typeOf(a);
    auto places = Algebra::withElement(type, m.b.getI64Type());
    Value diagonal = m.compare(Predicate::eq, IotaOp::create(m.b, m.loc, places, 0),
                               IotaOp::create(m.b, m.loc, places, 1));
    one = m.select(diagonal, m.spread(m.real(1), type), m.spread(m.real(0), type));
  }

  /// z, halved until the 1-norm of z a is at most 1/2, and how often: a norm that is not finite
  /// never.
  Leaves halved(Value z) {
    Value size = m.mul(m.abs(z), m.reduce(ReduceKind::max, columnSums()));
    Leaves end = iterate(
        m, {size, z}, std::to_string(maxHalvings),
        [&](Value, const Leaves &now) {
          return m.both(m.compare(Predicate::gt, now[0], m.real(0.5)), m.isFinite(now[0]));
        },
        [&](Value, const Leaves &now) {
          return Leaves{m.mul(now[0], m.real(0.5)), m.mul(now[1], m.real(0.5))};
        });
    return {end[1], end[2]};
  }

  /// phi[0] to phi[most] of a matrix x with a norm of at most 1/2, one beside the other. By
  /// Horner's scheme: s[j] = x s[j + 1] + 1/j!, of which phi[k] is s[k]. What is behind the last
  /// term is below 2^-60. A loop, so that there is one product for the compiler.
  Value small(Value x) {
    constexpr int terms = 18;
    double coefficient = 1;
    for (int j = 2; j < terms; ++j)
      coefficient /= j;
    // The latest ones first, and 1/j! of the next one.
    Leaves latest(size_t(most + 1), m.mul(one, m.real(coefficient / terms)));
    latest.push_back(m.real(coefficient));
    Leaves end = iterate(
        m, latest, std::to_string(terms), [&](Value, const Leaves &) { return m.truth(true); },
        [&](Value round, const Leaves &now) {
          Leaves next = {m.add(matrixProduct(m, x, now[0]), m.mul(one, now.back()))};
          next.append(now.begin(), now.end() - 2);
          Value j = m.sub(m.real(terms - 1), m.cast(round, m.b.getF64Type()));
          next.push_back(m.mul(now.back(), j));
          return next;
        });
    return joined(ArrayRef(end).take_front(size_t(most + 1)));
  }

  /// Those of 2 x: phi[k](2 x) = 2^-k (exp(x) phi[k](x) + sum phi[j](x) / (k - j)!, j = 1 ... k).
  Value doubled(Value all) {
    Leaves phi = apart(all), products = apart(matrixProduct(m, phi[0], all)), result;
    for (int k = 0; k <= most; ++k) {
      Value sum = products[size_t(k)];
      double factor = 1;
      for (int j = k; j >= 1; --j) {
        Value term = phi[size_t(j)];
        sum = m.add(sum, factor == 1 ? term : m.mul(term, m.real(factor)));
        factor /= k - j + 1;
      }
      result.push_back(k ? m.mul(sum, m.real(std::ldexp(1, -k))) : sum);
    }
    return joined(result);
  }

  Leaves of(Value z, bool half) {
    Leaves scale = halved(half ? m.mul(z, m.real(0.5)) : z);
    Value rounds = half ? m.add(scale[1], m.integer(1)) : scale[1];
    Leaves all = {small(m.mul(a, scale[0]))};
    if (half) // those in front of the last doubling
      all.push_back(all[0]);
    all = iterate(
        m, all, std::to_string(maxHalvings + 1),
        [&](Value round, const Leaves &) { return m.compare(Predicate::lt, round, rounds); },
        [&](Value, const Leaves &now) {
          Leaves next = {doubled(now[0])};
          if (half)
            next.push_back(now[0]);
          return next;
        });
    Leaves result;
    if (half)
      result = apart(all[1]);
    llvm::append_range(result, apart(all[0]));
    return result;
  }

private:
  static constexpr int maxHalvings = 1100; ///< enough for any finite number

  /// Matrices side by side, [n, (most + 1) n].
  Value joined(ArrayRef<Value> parts) {
    RankedTensorType type = Algebra::typeOf(a);
    DimExpr rows = dimExpr(type, 0);
    RankedTensorType wide = tensorType({rows, rows * DimExpr(most + 1)}, {}, type.getElementType());
    return ConcatOp::create(m.b, m.loc, wide, parts, 1);
  }

  Leaves apart(Value all) {
    OpBuilder &b = m.b;
    RankedTensorType type = Algebra::typeOf(a);
    auto rows = dimExpr(type, 0).constant();
    Value width = rows ? m.integer(*rows)
                       : DimOp::create(b, m.loc, RankedTensorType::get({}, b.getI64Type()),
                                       dimExpr(type, 0).str());
    AffineExpr d0 = b.getAffineDimExpr(0), d1 = b.getAffineDimExpr(1);
    Leaves parts;
    for (int k = 0; k <= most; ++k)
      parts.push_back(
          ViewOp::create(b, m.loc, type, all, m.mul(width, m.integer(k)),
                         AffineMap::get(2, 1, {d0, d1 + b.getAffineSymbolExpr(0)}, b.getContext()),
                         Boundary::clamp));
    return parts;
  }

  Value columnSums() {
    RankedTensorType type = Algebra::typeOf(a);
    RankedTensorType line = tensorType({dimExpr(type, 1)}, {}, type.getElementType());
    return ReduceOp::create(m.b, m.loc, line, ReduceKind::sum, m.abs(a), ArrayRef<int64_t>{0});
  }

  Algebra &m;
  Value a, one;
  int most;
};

} // namespace

Leaves phiOfMatrix(Algebra &m, Value a, Value z, int most, bool half) {
  return MatrixPhi(m, a, most).of(z, half);
}

} // namespace mad
