//===- OdeReferenceProblem.cpp - What a solve is given, in plain numbers ----===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Ode/IR/OdeReferenceProblem.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;
using namespace mad::ode;

ReferenceProblem::ReferenceProblem(SolveOp op, ArrayRef<const RefTensor *> operands,
                                   RefContext &context, RunRegion run)
    : op(op), operands(operands), context(context), run(run) {
  // One value may be a state of each system and a parameter of all, so places count.
  for (OpOperand &operand : op.getInitialMutable())
    initial.push_back(operands[operand.getOperandNumber()]);
  for (OpOperand &operand : op.getParametersMutable())
    parameters.push_back(operands[operand.getOperandNumber()]);
  rtol = numbersOf(op.getRtolMutable());
  atol = numbersOf(op.getAtolMutable());
}

double ReferenceProblem::option(Value value, double otherwise) {
  if (value)
    for (OpOperand &operand : op->getOpOperands())
      if (operand.get() == value)
        return operands[operand.getOperandNumber()]->floats[0];
  return otherwise;
}

Vector ReferenceProblem::numbersOf(MutableOperandRange optional) {
  for (OpOperand &operand : optional)
    return operands[operand.getOperandNumber()]->floats;
  return {0};
}

double ReferenceProblem::leastRtol() const {
  double least = std::numeric_limits<double>::infinity();
  for (double one : rtol)
    least = one > 0 ? std::min(least, one) : least;
  return std::isinf(least) ? 0 : least;
}

std::vector<RefTensor> ReferenceProblem::arguments(double time, const Vector &at) {
  std::vector<RefTensor> arguments;
  auto timeType = cast<RankedTensorType>(op.getBody().front().getArgument(0).getType());
  arguments.push_back(RefTensor::zeros(refElement(timeType.getElementType()), {}));
  arguments.back().floats[0] = time;
  size_t begin = 0;
  for (const RefTensor *state : initial) {
    arguments.push_back(RefTensor::zeros(state->element, state->shape));
    std::copy_n(at.begin() + begin, state->floats.size(), arguments.back().floats.begin());
    begin += state->floats.size();
  }
  for (RefTensor &argument : arguments)
    context.finish(argument);
  for (const RefTensor *parameter : parameters)
    arguments.push_back(*parameter);
  return arguments;
}

LogicalResult ReferenceProblem::rhs(double time, const Vector &at, Vector &f) {
  ++evaluations;
  std::vector<RefTensor> results;
  if (failed(run(op.getBody(), arguments(time, at), results)))
    return failure();
  f.clear();
  for (const RefTensor &derivative : results)
    f.insert(f.end(), derivative.floats.begin(), derivative.floats.end());
  return success();
}

double ReferenceProblem::scaled(double x, size_t i, const Vector &a, const Vector &b) const {
  if (x == 0)
    return 0;
  double most = std::max(std::fabs(a[i]), std::fabs(b[i]));
  // Else a step to infinity had no error.
  if (std::isinf(most))
    return std::numeric_limits<double>::quiet_NaN();
  auto own = [&](const Vector &all) { return all.size() == 1 ? all[0] : all[i]; };
  return x / (own(atol) + own(rtol) * most);
}

double ReferenceProblem::rms(const Vector &x, const Vector &at) const {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += scaled(x[i], i, at, at) * scaled(x[i], i, at, at);
  return std::sqrt(sum / std::max<size_t>(1, x.size()));
}
