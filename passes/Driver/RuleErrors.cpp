//===- RuleErrors.cpp - Running errors of values computed in f64 ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOps.h"
#include "passes/Driver/RuleTests.h"
#include <cmath>

using namespace mlir;

namespace mad {

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double unit = 0x1p-53; ///< half an ulp of f64, relative
/// Functions of libm are right to about one ulp; twice that is safe.
static constexpr double ownRounding = 4 * unit;

double RunningErrors::at(Value value, int64_t position) const {
  auto found = errors.find(value);
  return found == errors.end() ? 0 : found->second.floats[position];
}

RefTensor RunningErrors::of(Value value, const RefTensor &like) const {
  auto found = errors.find(value);
  return found == errors.end() ? RefTensor::zeros(RefElement::F64, like.shape) : found->second;
}

static RefTensor magnitudes(const RefTensor &tensor) {
  RefTensor result = tensor;
  result.element = RefElement::F64;
  for (double &value : result.floats)
    value = std::fabs(value);
  return result;
}

static bool anyError(ArrayRef<RefTensor> errors) {
  return llvm::any_of(errors, [](const RefTensor &tensor) {
    return llvm::any_of(tensor.floats, [](double error) { return error != 0; });
  });
}

/// Evaluates an op on other operands.
static bool evaluate(Operation *op, ArrayRef<const RefTensor *> operands, RefTensor &result) {
  RefContext context;
  context.f64 = true;
  return succeeded(cast<ReferenceOpInterface>(op).evaluate(operands, result, context));
}

/// How much a result moves with an operand that moves by `error`: by the secant over a step that
/// is large enough for the roundings not to matter, and at least the error itself.
static double moves(ElementwiseOpInterface op, MutableArrayRef<RefScalar> values, size_t operand,
                    double error, double result) {
  double at = values[operand].f, step = std::max(error, std::fabs(at) * 0x1p-30), slope = 0;
  bool known = false;
  for (double sign : {-1.0, 1.0}) {
    values[operand].f = at + sign * step;
    double other = op.evaluateScalar(values).f;
    if (std::isinf(other)) // steeper than can be told
      slope = infinity;
    if (std::isfinite(other)) {
      slope = std::max(slope, std::fabs(other - result) / step);
      known = true;
    }
  }
  values[operand].f = at;
  // Outside of the domain there is no slope; one side is enough.
  return known ? slope * error : infinity;
}

RefTensor RunningErrors::elementwise(Operation *op, ArrayRef<const RefTensor *> operands,
                                     const RefTensor &result) const {
  auto scalar = cast<ElementwiseOpInterface>(op);
  RefTensor made = RefTensor::zeros(RefElement::F64, result.shape);
  SmallVector<RefScalar> values(operands.size());
  for (int64_t i = 0, n = result.elements(); i < n; ++i) {
    for (auto [value, operand] : llvm::zip(values, operands))
      value = operand->get(i);
    double sum = 0;
    for (size_t j = 0; j < operands.size(); ++j) {
      double error = at(op->getOperand(j), i);
      if (error == 0)
        continue;
      // What is decided by a value that may be another one, may be anything.
      bool smooth = operands[j]->isFloat() && result.isFloat() && std::isfinite(error);
      if (smooth && std::isfinite(result.floats[i]))
        sum += moves(scalar, values, j, error, result.floats[i]);
      else if (!smooth)
        sum = infinity;
    }
    if (!result.isFloat() && sum > 0 &&
        llvm::all_of(operands, [](const RefTensor *t) { return t->isFloat(); }) &&
        operands.size() == 2) {
      // A comparison is certain where the operands are further apart than their errors.
      double apart = std::fabs(values[0].f - values[1].f);
      double reach = at(op->getOperand(0), i) + at(op->getOperand(1), i);
      sum = apart > reach ? 0 : infinity;
    }
    bool rounds = result.isFloat() && std::isfinite(result.floats[i]);
    made.floats[i] = sum + (rounds ? ownRounding * std::fabs(result.floats[i]) : 0);
  }
  return made;
}

/// A sum of n terms in any order is within n times `unit` of the sum of their magnitudes.
RefTensor RunningErrors::reduce(Operation *op, ArrayRef<const RefTensor *> operands,
                                const RefTensor &result) const {
  RefTensor errors = of(op->getOperand(0), *operands[0]);
  RefTensor made = RefTensor::zeros(RefElement::F64, result.shape);
  ReduceKind kind = cast<ReduceOp>(op).getKind();
  double count = operands[0]->elements();
  if (kind == ReduceKind::sum) {
    RefTensor sizes = magnitudes(*operands[0]), spread = made;
    if (evaluate(op, {&errors}, made) && evaluate(op, {&sizes}, spread))
      for (auto [error, size] : llvm::zip(made.floats, spread.floats))
        error += (count + 4) * unit * size;
    return made;
  }
  double largest = 0;
  for (double error : errors.floats)
    largest = std::max(largest, error);
  bool picks = kind == ReduceKind::max || kind == ReduceKind::min;
  for (size_t i = 0; i < made.floats.size(); ++i)
    made.floats[i] = picks                      ? largest
                     : largest > 0              ? infinity
                     : kind == ReduceKind::prod ? (count + 4) * unit * std::fabs(result.get(i).f)
                                                : 0;
  return made;
}

/// Of sums of products: as `reduce`, and each product moves with both factors.
RefTensor RunningErrors::contract(Operation *op, ArrayRef<const RefTensor *> operands,
                                  const RefTensor &result) const {
  RefTensor a = magnitudes(*operands[0]), b = magnitudes(*operands[1]);
  RefTensor ea = of(op->getOperand(0), a), eb = of(op->getOperand(1), b);
  RefTensor made = RefTensor::zeros(RefElement::F64, result.shape), first = made, second = made;
  double count = a.elements();
  if (evaluate(op, {&a, &b}, made) && evaluate(op, {&ea, &b}, first) &&
      evaluate(op, {&a, &eb}, second))
    for (size_t i = 0; i < made.floats.size(); ++i)
      made.floats[i] = (count + 4) * unit * made.floats[i] + first.floats[i] + second.floats[i];
  return made;
}

/// Of ops that only move elements.
RefTensor RunningErrors::moved(Operation *op, ArrayRef<const RefTensor *> operands,
                               const RefTensor &result) const {
  SmallVector<RefTensor> errors;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    bool data = i == 0 || isa<ConcatOp>(op); // the others of a view are positions
    errors.push_back(data ? of(op->getOperand(i), *operand) : *operand);
  }
  SmallVector<const RefTensor *> list;
  for (const RefTensor &tensor : errors)
    list.push_back(&tensor);
  RefTensor made = RefTensor::zeros(RefElement::F64, result.shape);
  bool moves = isa<ViewOp, ReshapeOp, ConcatOp>(op);
  if (moves && evaluate(op, list, made))
    return made;
  made = RefTensor::zeros(RefElement::F64, result.shape);
  if (anyError(errors))
    llvm::fill(made.floats, infinity);
  return made;
}

void RunningErrors::observe(Operation *op, ArrayRef<const RefTensor *> operands,
                            ArrayRef<const RefTensor *> results) {
  for (auto [value, result] : llvm::zip(op->getResults(), results))
    errors[value] = isa<ElementwiseOpInterface>(op) ? elementwise(op, operands, *result)
                    : isa<ReduceOp>(op)             ? reduce(op, operands, *result)
                    : isa<ContractOp>(op)           ? contract(op, operands, *result)
                                                    : moved(op, operands, *result);
}

} // namespace mad
