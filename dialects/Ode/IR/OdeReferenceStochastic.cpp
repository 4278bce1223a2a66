//===- OdeReferenceStochastic.cpp - Steps of equations with noise -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Ode/IR/OdeReferenceJacobian.h"
#include "dialects/Ode/IR/OdeReferenceMethods.h"
#include "dialects/Ode/Tableaus/Control.h"
#include "dialects/Ode/Tableaus/Tableau.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

namespace {

class StochasticSteps : public ReferenceMethod {
public:
  explicit StochasticSteps(ReferenceProblem &problem) : problem(problem), derivatives(problem) {
    size_t first = 0, result = problem.initial.size();
    Block &body = problem.op.getBody().front();
    for (auto [i, state] : llvm::enumerate(problem.initial)) {
      bool isCommon = false;
      if (problem.op.hasNoise(i)) {
        Type type = body.getTerminator()->getOperand(unsigned(result++)).getType();
        isCommon = cast<RankedTensorType>(type).getRank() > int64_t(state->shape.size());
      }
      for (size_t n = 0; problem.op.hasNoise(i) && n < state->floats.size(); ++n)
        noisy.push_back({first + n, isCommon});
      first += state->floats.size();
    }
    for (OpOperand &operand : problem.op->getOpOperands())
      if (operand.get() == problem.op.getKey())
        for (size_t word : {0u, 1u})
          key[word] = uint32_t(problem.operands[operand.getOperandNumber()]->integers[word]);
  }

  int order() const override { return 1; }
  bool needsRates() const override { return false; }
  void begin(const Vector &, const Vector &) override {}
  LogicalResult attempt(ReferenceTrial &trial) override;
  LogicalResult accepted(const ReferenceTrial &, bool) override { return success(); }
  Vector interpolated(const ReferenceTrial &trial, double time) override;
  void done() override { ++step; }

private:
  double normal(size_t number, bool isCommon) const;

  ReferenceProblem &problem;
  ReferenceJacobian derivatives;
  struct Noisy {
    size_t element;
    bool isCommon; ///< its processes are those of all
  };
  std::vector<Noisy> noisy; ///< elements of the states that have noise
  std::array<uint32_t, 2> key = {};
  uint64_t step = 0;
};

double StochasticSteps::normal(size_t number, bool isCommon) const {
  std::array<uint32_t, 4> w =
      philoxBlock({uint32_t(number), uint32_t(step), uint32_t(problem.system),
                   uint32_t(NoiseCounter::mark + isCommon)},
                  key);
  auto wide = [](uint32_t upper, uint32_t lower) {
    return static_cast<double>(int64_t(uint64_t(upper) << 32 | lower));
  };
  auto type = cast<RankedTensorType>(problem.op.getInitial().front().getType());
  bool narrow = type.getElementType().isF32();
  double u = narrow ? int32_t(w[0]) : wide(w[0], w[1]);
  double v = narrow ? int32_t(w[1]) : wide(w[2], w[3]);
  u = std::fabs(u + 0.5) * (narrow ? NoiseCounter::unit32 : NoiseCounter::unit64);
  v *= narrow ? NoiseCounter::angle32 : NoiseCounter::angle64;
  return std::sqrt(-2 * std::log(u)) * std::cos(v);
}

LogicalResult StochasticSteps::attempt(ReferenceTrial &trial) {
  size_t size = trial.y.size(), common = 0;
  Vector rates, moved;
  if (failed(problem.rhs(trial.t, trial.y, rates)))
    return failure();
  for (const Noisy &one : noisy)
    common += one.isCommon;
  size_t others = size + noisy.size() - common;
  size_t processes = common ? (rates.size() - others) / common : 0;
  // With several common processes noise does not depend on what has some.
  bool isMilstein = problem.op.getMethod().str() == milstein && (!common || processes == 1);
  if (isMilstein) {
    Vector seed(size, 0.0);
    for (auto [i, one] : llvm::enumerate(noisy))
      seed[one.element] = rates[size + i];
    if (failed(derivatives.along(trial.t, trial.y, 0, seed, moved)))
      return failure();
  }
  trial.end = trial.y;
  for (size_t n = 0; n < size; ++n)
    trial.end[n] += trial.h * rates[n];
  double length = std::fabs(trial.h), root = std::sqrt(length);
  size_t next = size;
  for (const Noisy &one : noisy) {
    double &end = trial.end[one.element];
    for (size_t k = 0; k < (one.isCommon ? processes : 1); ++k, ++next) {
      double increment = root * normal(one.isCommon ? k : one.element, one.isCommon);
      end += rates[next] * increment;
      if (isMilstein)
        end += 0.5 * moved[next] * (increment * increment - length);
    }
  }
  return success();
}

Vector StochasticSteps::interpolated(const ReferenceTrial &trial, double time) {
  double x = std::clamp((time - trial.t) / trial.h, 0.0, 1.0);
  Vector result = trial.y;
  for (size_t n = 0; n < result.size(); ++n)
    result[n] += x * (trial.end[n] - trial.y[n]);
  return result;
}

} // namespace

std::unique_ptr<ReferenceMethod> mad::ode::referenceStochastic(ReferenceProblem &problem) {
  return std::make_unique<StochasticSteps>(problem);
}
