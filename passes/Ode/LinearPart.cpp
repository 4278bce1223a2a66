//===- LinearPart.cpp - Functions of the linear part of equations ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Ode/LinearPart.h"

using namespace mlir;

namespace mad {

static int64_t elementsOf(Value state) { return Algebra::typeOf(state).getNumElements(); }

/// How many leaves a state has.
size_t LinearPart::leavesOf(size_t state) const {
  auto initial = const_cast<LinearPart *>(this)->op.getInitial();
  return rhs.isScalar() ? size_t(elementsOf(initial[state])) : 1;
}

LinearPart::Function LinearPart::ofRegion(Value time, const Leaves &states) {
  Region &region = op.getLinearRegion();
  Leaves all = rhs.evaluateIn(m.b, time, states, region);
  Function function(op.getInitial().size());
  size_t next = 0;
  auto parts = region.front().getTerminator()->getOperands();
  for (auto [state, part] : llvm::zip_equal(*op.getLinear(), parts)) {
    Block &block = function[size_t(state)];
    int64_t rank = Algebra::typeOf(part).getRank();
    int64_t own = Algebra::typeOf(op.getInitial()[size_t(state)]).getRank();
    block.kind = rank > own ? Block::Matrix : rank == own ? Block::Diagonal : Block::Number;
    size_t count = rhs.isScalar() ? size_t(elementsOf(part)) : 1;
    block.values = Leaves(ArrayRef(all).slice(next, count));
    next += count;
  }
  return function;
}

/// A matrix as a tensor.
Value LinearPart::matrixOf(ArrayRef<Value> values, size_t rows) {
  if (!rhs.isScalar())
    return values.front();
  Type element = Algebra::typeOf(values.front()).getElementType();
  auto type = [&](ArrayRef<int64_t> shape) { return RankedTensorType::get(shape, element); };
  auto n = static_cast<int64_t>(rows);
  Leaves parts;
  for (Value value : values)
    parts.push_back(ReshapeOp::create(m.b, m.loc, type({1}), value));
  Value line = parts.size() == 1 ? parts[0] : ConcatOp::create(m.b, m.loc, type({n * n}), parts, 0);
  return ReshapeOp::create(m.b, m.loc, type({n, n}), line);
}

SmallVector<LinearPart::Function> LinearPart::phis(const Function &linear, Value z, int most,
                                                   bool half) {
  size_t each = size_t(most + 1), count = half ? 2 * each : each;
  Type wide = m.b.getF64Type();
  SmallVector<Function> all(count, Function(linear.size()));
  for (auto [state, block] : llvm::enumerate(linear)) {
    double ofZero = 1;
    for (size_t k = 0; k < each; ++k) {
      for (size_t at = k; at < count; at += each)
        all[at][state].kind = block.kind == Block::Zero ? Block::Number : block.kind;
      ofZero /= k > 1 ? double(k) : 1;
      for (size_t at = k; block.kind == Block::Zero && at < count; at += each)
        all[at][state].values = {m.real(ofZero)};
    }
    if (block.kind == Block::Matrix) {
      size_t rows = leavesOf(state);
      Value whole = m.cast(matrixOf(block.values, rows), wide);
      for (auto [at, value] : llvm::enumerate(phiOfMatrix(m, whole, z, most, half))) {
        Leaves &to = all[at][state].values;
        if (!rhs.isScalar())
          to = {value};
        for (size_t i = 0; rhs.isScalar() && i < rows * rows; ++i)
          to.push_back(m.Algebra::element(value, {int64_t(i / rows), int64_t(i % rows)}));
      }
      continue;
    }
    for (Value leaf : block.values)
      for (size_t first = 0; first < count; first += each) {
        bool isHalf = half && first == 0;
        Value argument = m.mul(m.cast(leaf, wide), isHalf ? m.mul(z, m.real(0.5)) : z);
        for (auto [k, value] : llvm::enumerate(phiOfElements(m, argument, most)))
          all[first + k][state].values.push_back(value);
      }
  }
  return all;
}

LinearPart::Function LinearPart::combined(ArrayRef<Value> weights,
                                          ArrayRef<const Function *> functions) {
  Function sum = *functions[0];
  for (auto [state, block] : llvm::enumerate(sum))
    for (auto [i, value] : llvm::enumerate(block.values)) {
      Value total;
      for (auto [weight, function] : llvm::zip_equal(weights, functions)) {
        Value term = m.mul((*function)[state].values[i], weight);
        total = total ? m.add(total, term) : term;
      }
      value = total;
    }
  return sum;
}

LinearPart::Function LinearPart::rounded(const Function &function) {
  Function result = function;
  for (Block &block : result)
    for (Value &value : block.values)
      value = m.cast(value, m.element);
  return result;
}

Leaves LinearPart::product(const Block &block, ArrayRef<Value> x) {
  Leaves result;
  if (block.kind == Block::Matrix && !rhs.isScalar())
    return {matrixProduct(m, block.values[0], x[0])};
  for (size_t i = 0; i < x.size(); ++i) {
    if (block.kind != Block::Matrix) {
      result.push_back(m.mul(block.values[block.kind == Block::Number ? 0 : i], x[i]));
      continue;
    }
    Value sum;
    for (size_t j = 0; j < x.size(); ++j) {
      Value term = m.mul(block.values[i * x.size() + j], x[j]);
      sum = sum ? m.add(sum, term) : term;
    }
    result.push_back(sum);
  }
  return result;
}

Leaves LinearPart::times(const Function &function, const Leaves &x) {
  Leaves result;
  for (auto [state, block] : llvm::enumerate(function))
    result.append(product(block, ArrayRef(x).slice(result.size(), leavesOf(state))));
  return result;
}

Leaves LinearPart::rest(const Leaves &rates, const Function &linear, const Leaves &states) {
  Leaves result = rates;
  size_t begin = 0;
  for (auto [state, block] : llvm::enumerate(linear)) {
    size_t count = leavesOf(state);
    if (block.kind != Block::Zero)
      for (auto [i, part] : llvm::enumerate(product(block, ArrayRef(states).slice(begin, count))))
        result[begin + i] = m.sub(result[begin + i], part);
    begin += count;
  }
  return result;
}

} // namespace mad
