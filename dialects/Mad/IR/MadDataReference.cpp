//===- MadDataReference.cpp - What the ops on data compute ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace mad;

using Operands = ArrayRef<const RefTensor *>;
using Results = MutableArrayRef<RefTensor>;

namespace {
/// The steps of scatter and cumulate, each rounded to the element type.
class Steps {
public:
  Steps(RefElement element, const RefContext &context)
      : context(context), number(RefTensor::zeros(element, {1})) {}

  RefScalar add(RefScalar a, RefScalar b) {
    return rounded({a.f + b.f, int64_t(uint64_t(a.i) + uint64_t(b.i))});
  }
  RefScalar multiply(RefScalar a, RefScalar b) {
    return rounded({a.f * b.f, int64_t(uint64_t(a.i) * uint64_t(b.i))});
  }
  RefScalar larger(RefScalar a, RefScalar b) { return {refMaximum(a.f, b.f), std::max(a.i, b.i)}; }
  RefScalar smaller(RefScalar a, RefScalar b) {
    return {-refMaximum(-a.f, -b.f), std::min(a.i, b.i)};
  }

private:
  RefScalar rounded(RefScalar value) {
    number.set(0, value);
    context.finish(number);
    return number.get(0);
  }

  const RefContext &context;
  RefTensor number;
};

/// A tensor as lines along one dimension.
struct Lines {
  Lines(const RefTensor &tensor, int64_t axis) {
    for (auto [dim, size] : llvm::enumerate(tensor.shape))
      (static_cast<int64_t>(dim) < axis    ? outer
       : static_cast<int64_t>(dim) == axis ? length
                                           : inner) *= size;
  }
  int64_t position(int64_t line, int64_t i) const {
    return (line / inner * length + i) * inner + line % inner;
  }
  int64_t count() const { return outer * inner; }

  int64_t outer = 1, length = 1, inner = 1;
};
} // namespace

LogicalResult ScatterOp::evaluate(Operands operands, Results results, RefContext &context) {
  RefTensor &result = results[0];
  const RefTensor &updates = *operands.back();
  Operands indices = operands.drop_front().drop_back();
  if (operands[0]->shape != result.shape)
    return context.fail(*this, "shape of the base is not that of the result");
  result.floats = operands[0]->floats;
  result.integers = operands[0]->integers;
  for (auto [dim, index] : llvm::enumerate(indices)) {
    if (index->shape != updates.shape)
      return context.fail(*this, "shape of an index is not that of the updates");
    if (index->integers.empty())
      continue;
    auto [low, high] = std::minmax_element(index->integers.begin(), index->integers.end());
    if (failed(checkIndex(*this, getBase(), dim, *low, *high, result.shape[dim], context)))
      return failure();
  }
  SmallVector<int64_t> strides = rowMajorStrides(result.shape);
  Steps steps(result.element, context);
  for (int64_t from = 0, n = updates.elements(); from < n; ++from) {
    int64_t to = 0;
    for (auto [dim, index] : llvm::enumerate(indices))
      to += index->integers[from] * strides[dim];
    RefScalar old = result.get(to), update = updates.get(from);
    switch (getKind()) {
    case ScatterKind::set:
      break;
    case ScatterKind::add:
      update = steps.add(old, update);
      break;
    case ScatterKind::max:
      update = steps.larger(old, update);
      break;
    case ScatterKind::min:
      update = steps.smaller(old, update);
      break;
    }
    result.set(to, update);
  }
  return success();
}

LogicalResult SortOp::evaluate(Operands operands, Results results, RefContext &context) {
  const RefTensor &source = *operands[0];
  RefTensor &values = results[0], &positions = results[1];
  int64_t axis = static_cast<int64_t>(getAxis());
  Lines from(source, axis), to(values, axis);
  if (to.length > from.length || to.count() != from.count())
    return context.fail(*this, "more elements than there are: found " +
                                   std::to_string(from.length) + ", expected at least " +
                                   std::to_string(to.length));
  bool descending = getDescending();
  auto less = [&](RefScalar a, RefScalar b) {
    if (!source.isFloat())
      return a.i < b.i;
    return std::isnan(b.f) ? !std::isnan(a.f) : a.f < b.f;
  };
  std::vector<int64_t> order(from.length);
  for (int64_t line = 0; line < from.count(); ++line) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      RefScalar x = source.get(from.position(line, a)), y = source.get(from.position(line, b));
      return descending ? less(y, x) : less(x, y);
    });
    for (int64_t i = 0; i < to.length; ++i) {
      values.set(to.position(line, i), source.get(from.position(line, order[i])));
      positions.integers[to.position(line, i)] = order[i];
    }
  }
  return success();
}

LogicalResult CumulateOp::evaluate(Operands operands, Results results, RefContext &context) {
  const RefTensor &source = *operands[0];
  RefTensor &result = results[0];
  if (source.shape != result.shape)
    return context.fail(*this, "shape of the source is not that of the result");
  Lines lines(source, static_cast<int64_t>(getAxis()));
  Steps steps(result.element, context);
  for (int64_t line = 0; line < lines.count(); ++line)
    for (int64_t i = 0; i < lines.length; ++i) {
      RefScalar next = source.get(lines.position(line, i));
      if (i > 0) {
        RefScalar sum = result.get(lines.position(line, i - 1));
        next = getKind() == ReduceKind::sum    ? steps.add(sum, next)
               : getKind() == ReduceKind::prod ? steps.multiply(sum, next)
               : getKind() == ReduceKind::max  ? steps.larger(sum, next)
                                               : steps.smaller(sum, next);
      }
      result.set(lines.position(line, i), next);
    }
  return success();
}

//===----------------------------------------------------------------------===//
// Random words
//===----------------------------------------------------------------------===//

std::array<uint32_t, 4> mad::philoxBlock(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t a = uint64_t(0xD2511F53) * c[0], b = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(b >> 32) ^ c[1] ^ key[0], uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ key[1],
         uint32_t(a)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return c;
}

LogicalResult PhiloxOp::evaluate(Operands operands, Results results, RefContext &context) {
  const std::vector<int64_t> &k = operands[0]->integers, &c = operands[1]->integers;
  if (k.size() != 2 || c.size() != 4)
    return context.fail(*this, "a key has 2 words, a counter 4");
  std::array<uint32_t, 2> key = {uint32_t(k[0]), uint32_t(k[1])};
  std::array<uint32_t, 4> counter = {uint32_t(c[0]), uint32_t(c[1]), uint32_t(c[2]),
                                     uint32_t(c[3])};
  std::array<uint32_t, 4> block;
  for (size_t n = 0; n < results[0].integers.size(); ++n) {
    if (n % 4 == 0) {
      block = philoxBlock(counter, key);
      for (size_t word = 0; word < 4 && ++counter[word] == 0; ++word)
        ;
    }
    results[0].integers[n] = int32_t(block[n % 4]);
  }
  return success();
}
