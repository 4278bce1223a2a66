//===- MadReference.cpp - What each op computes -----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The oracle of every other target, so it is written for obviousness. Scalar
// functions of the elementwise ops are in MadScalars.cpp.
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadSubject.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir;
using namespace mad;

using Operands = ArrayRef<const RefTensor *>;
using Results = MutableArrayRef<RefTensor>;

SmallVector<int64_t> mad::rowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t dim = shape.size(); dim > 1; --dim)
    strides[dim - 2] = strides[dim - 1] * shape[dim - 1];
  return strides;
}

bool mad::next(MutableArrayRef<int64_t> position, ArrayRef<int64_t> shape) {
  for (size_t dim = shape.size(); dim > 0; --dim) {
    if (++position[dim - 1] < shape[dim - 1])
      return true;
    position[dim - 1] = 0;
  }
  return false;
}

LogicalResult mad::checkIndex(Operation *op, Value source, int64_t dim, int64_t lowest,
                              int64_t highest, int64_t extent, RefContext &context) {
  if (lowest >= 0 && highest < extent)
    return success();
  return context.fail(op, indexMessage(op, source, dim) + ": found " +
                              std::to_string(lowest < 0 ? lowest : highest) +
                              ", expected 0 <= index < " + std::to_string(extent));
}

//===----------------------------------------------------------------------===//
// Sources
//===----------------------------------------------------------------------===//

RefTensor mad::refTensor(DenseElementsAttr elements) {
  ShapedType type = elements.getType();
  RefTensor tensor = RefTensor::zeros(refElement(type.getElementType()), type.getShape());
  if (tensor.isFloat()) {
    for (auto [i, value] : llvm::enumerate(elements.getValues<APFloat>()))
      tensor.floats[i] = value.convertToDouble();
    return tensor;
  }
  bool isUnsigned = tensor.element == RefElement::Bool || tensor.element == RefElement::U8;
  for (auto [i, value] : llvm::enumerate(elements.getValues<APInt>()))
    tensor.integers[i] = isUnsigned ? value.getZExtValue() : value.getSExtValue();
  return tensor;
}

/// Numbers as the storage of an element type.
template <typename To, typename From>
static DenseElementsAttr convert(RankedTensorType type, ArrayRef<From> values) {
  SmallVector<To> converted;
  converted.reserve(values.size());
  for (From value : values)
    converted.push_back(static_cast<To>(value));
  return DenseElementsAttr::get(type, ArrayRef<To>(converted));
}

/// Numbers that the type has.
static DenseElementsAttr convertNarrow(RankedTensorType type, ArrayRef<double> values) {
  const llvm::fltSemantics &semantics = cast<FloatType>(type.getElementType()).getFloatSemantics();
  SmallVector<APFloat> converted;
  converted.reserve(values.size());
  for (double value : values) {
    bool inexact;
    converted.emplace_back(value).convert(semantics, APFloat::rmNearestTiesToEven, &inexact);
  }
  return DenseElementsAttr::get(type, converted);
}

DenseElementsAttr mad::denseElements(const RefTensor &tensor, RankedTensorType type) {
  switch (tensor.element) {
  case RefElement::F32:
    return convert<float>(type, ArrayRef(tensor.floats));
  case RefElement::F64:
    return convert<double>(type, ArrayRef(tensor.floats));
  case RefElement::I32:
    return convert<int32_t>(type, ArrayRef(tensor.integers));
  case RefElement::I64:
    return convert<int64_t>(type, ArrayRef(tensor.integers));
  case RefElement::Bool:
    return convert<bool>(type, ArrayRef(tensor.integers));
  case RefElement::I8:
    return convert<int8_t>(type, ArrayRef(tensor.integers));
  case RefElement::U8:
    return convert<uint8_t>(type, ArrayRef(tensor.integers));
  case RefElement::F16:
  case RefElement::BF16:
    return convertNarrow(type, tensor.floats);
  }
  return {};
}

LogicalResult ConstantOp::evaluate(Operands, Results results, RefContext &) {
  results[0] = refTensor(cast<DenseElementsAttr>(getValue()));
  return success();
}

LogicalResult WeightOp::evaluate(Operands, Results results, RefContext &context) {
  auto found = context.weights.find(getSource().str());
  if (found == context.weights.end() || !found->second)
    return context.fail(*this, "weight `" + getSource().str() + "` has no values");
  const RefTensor &weight = *found->second;
  if (weight.element != results[0].element || weight.shape != results[0].shape)
    return context.fail(*this, "weight `" + getSource().str() + "` has another type or shape");
  results[0] = weight;
  return success();
}

LogicalResult DimOp::evaluate(Operands, Results results, RefContext &context) {
  std::optional<int64_t> value = context.dim(getExpression());
  if (!value)
    return context.fail(*this, context.message);
  results[0].integers[0] = *value;
  return success();
}

LogicalResult IotaOp::evaluate(Operands, Results results, RefContext &) {
  RefTensor &result = results[0];
  int64_t stride = rowMajorStrides(result.shape)[getAxis()], extent = result.shape[getAxis()];
  for (int64_t i = 0, n = result.elements(); i < n; ++i)
    result.integers[i] = i / stride % extent;
  return success();
}

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

llvm::APInt mad::exactSum(ArrayRef<int64_t> factors, ArrayRef<int64_t> values) {
  // Of any number of products of two i64.
  auto wide = [](int64_t v) { return llvm::APInt(192, static_cast<uint64_t>(v), true); };
  llvm::APInt sum = wide(factors.back());
  for (auto [factor, value] : llvm::zip(factors.drop_back(), values))
    sum += wide(factor) * wide(value);
  return sum;
}

std::pair<int64_t, int64_t> mad::coordinateRange(ArrayRef<int64_t> form, ArrayRef<int64_t> shape,
                                                 ArrayRef<int64_t> scalars) {
  SmallVector<int64_t> low(shape.size(), 0), high(shape.size(), 0);
  for (size_t d = 0; d < shape.size(); ++d)
    (form[d] < 0 ? low : high)[d] = shape[d] - 1;
  low.append(scalars.begin(), scalars.end());
  high.append(scalars.begin(), scalars.end());
  auto nearest = [](const llvm::APInt &v) { return v.truncSSat(64).getSExtValue(); };
  return {nearest(exactSum(form, low)), nearest(exactSum(form, high))};
}

/// The index that a coordinate reads under a boundary; -1: a zero is read.
static int64_t boundIndex(Boundary boundary, int64_t index, int64_t extent) {
  if (index >= 0 && index < extent)
    return index;
  if (boundary == Boundary::zero || extent == 0)
    return -1;
  if (boundary == Boundary::periodic)
    return index < 0 ? index % extent + (index % extent ? extent : 0) : index % extent;
  return index < 0 ? 0 : extent - 1;
}

/// A number of i64 that is bound to the same index.
static int64_t wordOf(Boundary boundary, const llvm::APInt &index, int64_t extent) {
  llvm::APInt size(index.getBitWidth(), static_cast<uint64_t>(extent));
  if (boundary == Boundary::periodic && extent)
    return index.srem(size).getSExtValue();
  return index.truncSSat(64).getSExtValue();
}

/// As `exactSum`, where that fits. Parts of the sum may wrap.
static int64_t sumOfWords(ArrayRef<int64_t> factors, ArrayRef<int64_t> values) {
  uint64_t sum = factors.back();
  for (auto [factor, value] : llvm::zip(factors.drop_back(), values))
    sum += static_cast<uint64_t>(factor) * static_cast<uint64_t>(value);
  return static_cast<int64_t>(sum);
}

LogicalResult ViewOp::evaluate(Operands operands, Results results, RefContext &context) {
  const RefTensor &source = *operands[0];
  RefTensor &result = results[0];
  if (result.elements() == 0)
    return success();
  AffineMap map = getMap();
  SmallVector<int64_t> scalars;
  for (const RefTensor *scalar : operands.drop_front())
    scalars.push_back(scalar->integers[0]);
  // `inside` is proved before: there a failure is a fault of the compiler, reported as any other.
  bool bounded = getBoundary() == Boundary::inside || getBoundary() == Boundary::checked;
  bool fits = true; // all of it in i64
  SmallVector<SmallVector<int64_t>> forms;
  for (AffineExpr coordinate : map.getResults()) {
    forms.push_back(*linearForm(coordinate, map.getNumDims(), map.getNumSymbols()));
    auto [low, high] = coordinateRange(forms.back(), result.shape, scalars);
    fits &= low > INT64_MIN && high < INT64_MAX;
  }
  for (int64_t dim : checkOrder(*this, bounded ? map.getNumResults() : 0)) {
    auto [low, high] = coordinateRange(forms[dim], result.shape, scalars);
    if (failed(checkIndex(*this, getSource(), dim, low, high, source.shape[dim], context)))
      return failure();
  }
  SmallVector<int64_t> strides = rowMajorStrides(source.shape), position(map.getNumDims(), 0);
  int64_t to = 0;
  do {
    int64_t from = 0;
    SmallVector<int64_t> values(position);
    llvm::append_range(values, scalars);
    for (auto [dim, form] : llvm::enumerate(forms)) {
      int64_t extent = source.shape[dim];
      int64_t index =
          fits ? sumOfWords(form, values) : wordOf(getBoundary(), exactSum(form, values), extent);
      index = boundIndex(getBoundary(), index, extent);
      from = index < 0 || from < 0 ? -1 : from + index * strides[dim];
    }
    if (from >= 0)
      result.set(to, source.get(from));
    ++to;
  } while (next(position, result.shape));
  return success();
}

LogicalResult GatherOp::evaluate(Operands operands, Results results, RefContext &context) {
  const RefTensor &source = *operands[0];
  SmallVector<int64_t> strides = rowMajorStrides(source.shape);
  for (auto [dim, indices] : llvm::enumerate(operands.drop_front())) {
    if (indices->shape != results[0].shape)
      return context.fail(*this, "shape of an index is not that of the result");
    if (indices->integers.empty())
      continue;
    auto [low, high] = std::minmax_element(indices->integers.begin(), indices->integers.end());
    if (failed(checkIndex(*this, getSource(), dim, *low, *high, source.shape[dim], context)))
      return failure();
  }
  for (int64_t to = 0, n = results[0].elements(); to < n; ++to) {
    int64_t from = 0;
    for (auto [dim, indices] : llvm::enumerate(operands.drop_front()))
      from += indices->integers[to] * strides[dim];
    results[0].set(to, source.get(from));
  }
  return success();
}

LogicalResult ReshapeOp::evaluate(Operands operands, Results results, RefContext &context) {
  RefTensor &result = results[0];
  if (operands[0]->elements() != result.elements())
    return context.fail(*this, "number of elements differs: found " +
                                   std::to_string(operands[0]->elements()) + ", expected " +
                                   std::to_string(result.elements()));
  result.floats = operands[0]->floats;
  result.integers = operands[0]->integers;
  return success();
}

LogicalResult ConcatOp::evaluate(Operands operands, Results results, RefContext &context) {
  RefTensor &result = results[0];
  int64_t axis = static_cast<int64_t>(getAxis()), inner = 1, outer = 1, start = 0;
  for (auto [dim, extent] : llvm::enumerate(result.shape)) {
    if (static_cast<int64_t>(dim) < axis)
      outer *= extent;
    if (static_cast<int64_t>(dim) > axis)
      inner *= extent;
  }
  int64_t rows = result.shape[axis];
  for (const RefTensor *part : operands) {
    SmallVector<int64_t> expected = result.shape;
    int64_t extent = expected[axis] = part->shape[axis];
    if (part->shape != expected || start + extent > rows)
      return context.fail(*this, "parts do not fit the result");
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < extent * inner; ++i)
        result.set((o * rows + start) * inner + i, part->get(o * extent * inner + i));
    start += extent;
  }
  if (start != rows)
    return context.fail(*this, "parts do not fill the result: found " + std::to_string(start) +
                                   ", expected " + std::to_string(rows));
  return success();
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

LogicalResult mad::evaluateElementwise(Operation *op, Operands operands, Results results,
                                       RefContext &context) {
  RefTensor &result = results[0];
  for (auto [i, operand] : llvm::enumerate(operands))
    if (operand->shape != result.shape)
      return context.fail(op,
                          "shape of operand " + std::to_string(i) + " is not that of the result");
  auto scalar = cast<ElementwiseOpInterface>(op);
  SmallVector<RefScalar> values(operands.size());
  for (int64_t position = 0, n = result.elements(); position < n; ++position) {
    for (auto [value, operand] : llvm::zip_equal(values, operands))
      value = operand->get(position);
    result.set(position, scalar.evaluateScalar(values));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static int64_t wrapAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
static int64_t wrapMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

namespace {
/// Combines elements one after the other.
class Accumulator {
public:
  Accumulator(ReduceKind kind, RefElement element) : kind(kind) {
    isFloat = isFloatElement(element);
    auto [least, greatest] = integerRange(element);
    switch (kind) {
    case ReduceKind::prod:
      value = {1, 1};
      return;
    case ReduceKind::max:
      value = {-INFINITY, least};
      return;
    case ReduceKind::min:
      value = {INFINITY, greatest};
      return;
    case ReduceKind::all:
      value = {0, 1};
      return;
    case ReduceKind::sum:
    case ReduceKind::argmax:
    case ReduceKind::any:
      return;
    }
  }

  void add(RefScalar x) {
    switch (kind) {
    case ReduceKind::sum:
      value.f += x.f;
      value.i = wrapAdd(value.i, x.i);
      break;
    case ReduceKind::prod:
      value.f *= x.f;
      value.i = wrapMul(value.i, x.i);
      break;
    case ReduceKind::max:
      value = {refMaximum(value.f, x.f), std::max(value.i, x.i)};
      break;
    case ReduceKind::min:
      value = {-refMaximum(-value.f, -x.f), std::min(value.i, x.i)};
      break;
    case ReduceKind::all:
      value.i &= x.i;
      break;
    case ReduceKind::any:
      value.i |= x.i;
      break;
    case ReduceKind::argmax:
      if (count == 0 || beats(x)) {
        value = x;
        best = count;
      }
      break;
    }
    ++count;
  }

  RefScalar result() const { return kind == ReduceKind::argmax ? RefScalar{0, best} : value; }

private:
  bool beats(RefScalar x) const {
    if (!isFloat)
      return x.i > value.i;
    return !std::isnan(value.f) && (std::isnan(x.f) || x.f > value.f);
  }

  ReduceKind kind;
  bool isFloat = false;
  RefScalar value;
  int64_t count = 0, best = 0;
};
} // namespace

LogicalResult ReduceOp::evaluate(Operands operands, Results results, RefContext &) {
  const RefTensor &source = *operands[0];
  SmallVector<int64_t> strides = rowMajorStrides(source.shape);
  SmallVector<int64_t> keptShape, keptStrides, shape, reducedStrides;
  for (auto [dim, extent] : llvm::enumerate(source.shape)) {
    bool reduced = llvm::is_contained(getDims(), static_cast<int64_t>(dim));
    (reduced ? shape : keptShape).push_back(extent);
    (reduced ? reducedStrides : keptStrides).push_back(strides[dim]);
  }
  bool empty = llvm::is_contained(shape, 0);
  SmallVector<int64_t> kept(keptShape.size(), 0);
  for (int64_t to = 0, n = results[0].elements(); to < n; ++to) {
    int64_t start = 0;
    for (auto [position, stride] : llvm::zip_equal(kept, keptStrides))
      start += position * stride;
    Accumulator sum(getKind(), source.element);
    SmallVector<int64_t> inner(shape.size(), 0);
    if (!empty) {
      do {
        int64_t from = start;
        for (auto [position, stride] : llvm::zip_equal(inner, reducedStrides))
          from += position * stride;
        sum.add(source.get(from));
      } while (next(inner, shape));
    }
    results[0].set(to, sum.result());
    next(kept, keptShape);
  }
  return success();
}

/// Strides of an operand along the iteration space; also notes the extents.
static SmallVector<int64_t> spaceStrides(AffineMap map, const RefTensor &operand,
                                         SmallVectorImpl<int64_t> &extents) {
  SmallVector<int64_t> strides(map.getNumDims(), 0);
  SmallVector<int64_t> own = rowMajorStrides(operand.shape);
  for (auto [dim, coordinate] : llvm::enumerate(map.getResults())) {
    unsigned position = cast<AffineDimExpr>(coordinate).getPosition();
    strides[position] = own[dim];
    // The smaller of two, so that a program with a wrong type stays in bounds.
    int64_t &extent = extents[position];
    extent = extent < 0 ? operand.shape[dim] : std::min(extent, operand.shape[dim]);
  }
  return strides;
}

LogicalResult ContractOp::evaluate(Operands operands, Results results, RefContext &context) {
  const RefTensor &lhs = *operands[0], &rhs = *operands[1];
  RefTensor &result = results[0];
  SmallVector<int64_t> extents(getLhsMap().getNumDims(), -1);
  SmallVector<int64_t> left = spaceStrides(getLhsMap(), lhs, extents);
  SmallVector<int64_t> right = spaceStrides(getRhsMap(), rhs, extents);
  size_t rank = result.shape.size();
  if (!std::equal(result.shape.begin(), result.shape.end(), extents.begin()))
    return context.fail(*this, "operands do not have the shape of the result");
  // The last summed dimension is a plain loop: this is where the time goes.
  SmallVector<int64_t> summed(ArrayRef(extents).drop_front(rank));
  int64_t steps = summed.empty() ? 1 : summed.pop_back_val();
  int64_t leftStep = extents.size() == rank ? 0 : left.pop_back_val();
  int64_t rightStep = extents.size() == rank ? 0 : right.pop_back_val();
  if (llvm::is_contained(summed, 0))
    steps = 0;
  auto at = [](ArrayRef<int64_t> position, ArrayRef<int64_t> strides) {
    int64_t offset = 0;
    for (size_t i = 0; i < position.size(); ++i)
      offset += position[i] * strides[i];
    return offset;
  };
  // Where each position of the other summed dimensions lies in both operands.
  std::vector<std::pair<int64_t, int64_t>> offsets;
  SmallVector<int64_t> inner(summed.size(), 0);
  do
    offsets.push_back(
        {at(inner, ArrayRef(left).drop_front(rank)), at(inner, ArrayRef(right).drop_front(rank))});
  while (steps && next(inner, summed));
  SmallVector<int64_t> outer(rank, 0);
  for (int64_t to = 0, n = result.elements(); to < n; ++to, next(outer, result.shape)) {
    int64_t leftBase = at(outer, left), rightBase = at(outer, right);
    RefScalar sum;
    for (auto [leftOffset, rightOffset] : offsets) {
      int64_t l = leftBase + leftOffset, r = rightBase + rightOffset;
      for (int64_t step = 0; step < steps; ++step, l += leftStep, r += rightStep)
        if (result.isFloat())
          sum.f += lhs.floats[l] * rhs.floats[r];
        else
          sum.i = wrapAdd(sum.i, wrapMul(lhs.integers[l], rhs.integers[r]));
    }
    result.set(to, sum);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Control: whoever runs the program runs the regions
//===----------------------------------------------------------------------===//

LogicalResult IfOp::evaluate(Operands, Results, RefContext &context) {
  return context.fail(*this, "mad.if is not evaluated on its own");
}

LogicalResult ScanOp::evaluate(Operands, Results, RefContext &context) {
  return context.fail(*this, "mad.scan is not evaluated on its own");
}
