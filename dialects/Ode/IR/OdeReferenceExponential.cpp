//===- OdeReferenceExponential.cpp - Steps of exponential methods -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions phi of a matrix are blocks of the exponential of a larger one, by its series in long
// double: not how compiled code gets them, so that each is a test of the other.
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceJacobian.h"
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

namespace {

using Long = std::vector<long double>;
constexpr int phis = 4; ///< phi[0], which is exp, to phi[3]

/// phi[0] to phi[3] of a number.
std::array<long double, phis> phiOf(long double z) {
  std::array<long double, phis> result{};
  if (std::fabs(z) >= 1) {
    long double factorial = 1;
    result[0] = std::exp(z);
    for (int k = 1; k < phis; ++k) {
      result[k] = (result[k - 1] - 1 / factorial) / z;
      factorial *= k;
    }
    return result;
  }
  long double first = 1;
  for (int k = 0; k < phis; ++k) {
    long double term = first;
    for (int j = 1; j < 30; ++j) {
      result[k] += term;
      term *= z / (j + k);
    }
    first /= k + 1;
  }
  return result;
}

Long product(const Long &x, const Long &y, size_t n) {
  Long result(n * n, 0);
  for (size_t i = 0; i < n; ++i)
    for (size_t k = 0; k < n; ++k)
      for (size_t j = 0; x[i * n + k] != 0 && j < n; ++j)
        result[i * n + j] += x[i * n + k] * y[k * n + j];
  return result;
}

/// The exponential of a matrix of n rows, by its series and squarings.
Long exponential(Long a, size_t n) {
  long double norm = 0;
  for (size_t i = 0; i < n; ++i) {
    long double row = 0;
    for (size_t j = 0; j < n; ++j)
      row += std::fabs(a[i * n + j]);
    if (!std::isfinite(row))
      return Long(n * n, std::numeric_limits<long double>::quiet_NaN());
    norm = std::max(norm, row);
  }
  int rounds = 0;
  for (; norm > 0.5; norm /= 2)
    ++rounds;
  for (long double &x : a)
    x = std::ldexp(x, -rounds);
  Long result(n * n, 0);
  for (size_t i = 0; i < n; ++i)
    result[i * n + i] = 1;
  Long term = result;
  for (int j = 1; j < 20; ++j) {
    term = product(term, a, n);
    for (size_t i = 0; i < n * n; ++i)
      result[i] += term[i] /= j;
  }
  for (; rounds > 0; --rounds)
    result = product(result, result, n);
  return result;
}

/// A part of the linear part: of the states from `begin` on, a number each, or a matrix.
struct Block {
  size_t begin = 0, size = 0;
  bool isMatrix = false;
  Vector values;
};

/// phi[0] to phi[3] of a block, as its values.
using Phi = std::array<Long, phis>;

Phi phiOf(const Block &block, double z) {
  Phi result;
  if (!block.isMatrix) {
    for (double x : block.values)
      for (int k = 0; k < phis; ++k)
        result[k].push_back(phiOf(static_cast<long double>(z) * x)[k]);
    return result;
  }
  size_t n = block.size, all = phis * n;
  Long a(all * all, 0);
  for (size_t i = 0; i < all; ++i) {
    for (size_t j = 0; i < n && j < n; ++j)
      a[i * all + j] = static_cast<long double>(z) * block.values[i * n + j];
    if (i + n < all)
      a[i * all + i + n] = 1;
  }
  Long whole = exponential(std::move(a), all);
  for (int k = 0; k < phis; ++k)
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        result[k].push_back(whole[i * all + k * n + j]);
  return result;
}

class ExponentialSteps : public ReferenceMethod {
public:
  explicit ExponentialSteps(ReferenceProblem &problem)
      : problem(problem), method(exponentialOf(problem.op.getMethod().str())),
        derivatives(problem) {}

  int order() const override { return method.order; }
  bool needsRates() const override { return false; }
  void begin(const Vector &, const Vector &) override {}
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &, bool) override { return success(); }
  Vector interpolated(const ReferenceTrial &trial, double time) override {
    return combined(trial.y, method.b, trial.h, std::clamp((time - trial.t) / trial.h, 0.0, 1.0));
  }

private:
  LogicalResult linearPart(const ReferenceTrial &trial);
  LogicalResult jacobian(const ReferenceTrial &trial);
  void add(Vector &to, double factor, int k, double z, const Vector &x);
  Vector combined(const Vector &y, const std::vector<Exponential::Weight> &weights, double h,
                  double x);

  ReferenceProblem &problem;
  Exponential method;
  ReferenceJacobian derivatives;
  std::vector<Block> blocks;                ///< of L
  double step = 0;                          ///< the one that `known` is for
  std::map<double, std::vector<Phi>> known; ///< by z, of each block
  std::vector<Vector> rests;                ///< N of each stage
  Vector timeRates;                         ///< of a method with the Jacobian
};

/// What the region yields, once: it depends on parameters alone.
LogicalResult ExponentialSteps::linearPart(const ReferenceTrial &trial) {
  std::vector<RefTensor> parts;
  if (failed(problem.run(problem.op.getLinearRegion(), problem.arguments(trial.t, trial.y), parts)))
    return failure();
  std::vector<size_t> begins;
  size_t begin = 0;
  for (const RefTensor *state : problem.initial) {
    begins.push_back(begin);
    begin += state->floats.size();
  }
  for (auto [number, part] : llvm::zip_equal(*problem.op.getLinear(), parts)) {
    const RefTensor &state = *problem.initial[static_cast<size_t>(number)];
    size_t size = state.floats.size();
    blocks.push_back({begins[static_cast<size_t>(number)], size,
                      part.shape.size() == 2 && state.shape.size() == 1, part.floats});
    if (part.shape.empty())
      blocks.back().values.assign(size, part.floats[0]);
  }
  return success();
}

LogicalResult ExponentialSteps::jacobian(const ReferenceTrial &trial) {
  std::vector<Vector> rows;
  if (failed(derivatives.evaluate(trial.t, trial.y, rows, timeRates)))
    return failure();
  blocks = {{0, trial.y.size(), true, {}}};
  for (const Vector &row : rows)
    blocks[0].values.insert(blocks[0].values.end(), row.begin(), row.end());
  known.clear();
  return success();
}

/// Adds factor * phi[k](z L) x.
void ExponentialSteps::add(Vector &to, double factor, int k, double z, const Vector &x) {
  std::vector<Phi> &phi = known[z];
  if (phi.empty())
    for (const Block &block : blocks)
      phi.push_back(phiOf(block, z));
  double ofZero = 1;
  for (int j = 2; j <= k; ++j)
    ofZero /= j;
  Vector more(x);
  for (double &value : more)
    value *= ofZero;
  for (size_t b = 0; b < blocks.size(); ++b)
    for (size_t i = 0; i < blocks[b].size; ++i) {
      size_t begin = blocks[b].begin, n = blocks[b].size;
      long double sum = 0;
      for (size_t j = 0; blocks[b].isMatrix && j < n; ++j)
        sum += phi[b][k][i * n + j] * x[begin + j];
      more[begin + i] = static_cast<double>(blocks[b].isMatrix ? sum : phi[b][k][i] * x[begin + i]);
    }
  for (size_t i = 0; i < x.size(); ++i)
    to[i] += factor * more[i];
}

/// exp(x h L) y + h sum_i weights_i(x) N_i.
Vector ExponentialSteps::combined(const Vector &y, const std::vector<Exponential::Weight> &weights,
                                  double h, double x) {
  Vector result(y.size(), 0.0);
  add(result, 1, 0, x * h, y);
  for (size_t i = 0; i < weights.size(); ++i)
    for (const Exponential::Term &term : weights[i])
      add(result, h * term.weight * std::pow(x, term.k), term.k, x * term.at * h, rests[i]);
  if (method.ofJacobian)
    add(result, h * x * h * x, 2, x * h, timeRates);
  return result;
}

LogicalResult ExponentialSteps::attempt(ReferenceTrial &trial) {
  if (failed(method.ofJacobian ? jacobian(trial) : blocks.empty() ? linearPart(trial) : success()))
    return failure();
  // A last step that is shorter has functions of its own.
  double ends = std::max(std::fabs(problem.option(problem.op.getFrom(), 0)),
                         std::fabs(problem.option(problem.op.getTo(), 0)));
  if (std::fabs(trial.h - step) > equalSteps * std::numeric_limits<double>::epsilon() * ends)
    known.clear();
  if (known.empty())
    step = trial.h;
  rests.clear();
  for (size_t i = 0; i < method.stages(); ++i) {
    Vector at = trial.y, rest, linear(trial.y.size(), 0.0);
    if (i > 0) {
      at.assign(at.size(), 0.0);
      add(at, 1, 0, method.c[i] * step, trial.y);
      for (size_t j = 0; j < i; ++j)
        for (const Exponential::Term &term : method.a[i][j])
          add(at, step * term.weight, term.k, term.at * step, rests[j]);
    }
    double time = method.c[i] == 1 ? trial.next : trial.t + method.c[i] * trial.h;
    if (failed(problem.rhs(time, at, rest)))
      return failure();
    for (const Block &block : blocks)
      for (size_t r = 0; r < block.size; ++r)
        for (size_t j = 0; j < (block.isMatrix ? block.size : 1); ++j)
          rest[block.begin + r] -= block.isMatrix
                                       ? block.values[r * block.size + j] * at[block.begin + j]
                                       : block.values[r] * at[block.begin + r];
    rests.push_back(rest);
  }
  trial.end = combined(trial.y, method.b, step, 1);
  return success();
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceExponential(ReferenceProblem &problem) {
  return std::make_unique<ExponentialSteps>(problem);
}
