//===- MadDataOps.cpp - Verifiers and folders of the ops on data ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadOpHelpers.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mad;

#define GET_OP_CLASSES
#include "dialects/Mad/IR/MadDataOps.cpp.inc"

static RankedTensorType tensorTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType());
}

//===----------------------------------------------------------------------===//
// Verifiers
//===----------------------------------------------------------------------===//

static LogicalResult verifySameShape(Operation *op, Value a, const Twine &what, Value b,
                                     const Twine &other) {
  if (shapesMayAgree(tensorTypeOf(a), tensorTypeOf(b)))
    return success();
  return op->emitOpError() << what << " has shape " << shapeText(tensorTypeOf(a)) << ", " << other
                           << " " << shapeText(tensorTypeOf(b));
}

static LogicalResult verifyAxis(Operation *op, int64_t axis, Value source) {
  int64_t rank = tensorTypeOf(source).getRank();
  if (axis >= 0 && axis < rank)
    return success();
  return op->emitOpError() << "axis " << axis << " is not a dimension of the source, which has "
                           << rank;
}

LogicalResult ScatterOp::verify() {
  if (failed(verifySizes(*this)) ||
      failed(verifySameElement(*this, getUpdates(), "update", getBase(), "the base")) ||
      failed(verifySameElement(*this, getBase(), "base", getResult(), "the result")) ||
      failed(verifySameShape(*this, getBase(), "base", getResult(), "the result")))
    return failure();
  if (getKind() != ScatterKind::set && tensorTypeOf(getBase()).getElementType().isInteger(1))
    return emitOpError() << stringifyScatterKind(getKind())
                         << " takes numbers, but the base has elements of type i1";
  int64_t rank = tensorTypeOf(getBase()).getRank();
  if (static_cast<int64_t>(getIndices().size()) != rank)
    return emitOpError() << "needs one index tensor a dimension of the base, which has " << rank
                         << ", but has " << getIndices().size();
  for (auto [i, index] : llvm::enumerate(getIndices()))
    if (failed(verifySameShape(*this, index, "index " + Twine(i), getUpdates(), "the updates")))
      return failure();
  return success();
}

LogicalResult SortOp::verify() {
  int64_t axis = static_cast<int64_t>(getAxis());
  if (failed(verifySizes(*this)) || failed(verifyAxis(*this, axis, getSource())) ||
      failed(verifySameElement(*this, getSource(), "source", getValues(), "the values")) ||
      failed(verifySameShape(*this, getPositions(), "positions", getValues(), "the values")))
    return failure();
  RankedTensorType source = tensorTypeOf(getSource()), values = tensorTypeOf(getValues());
  if (values.getRank() != source.getRank())
    return emitOpError() << "source has " << source.getRank() << " dimensions, the values "
                         << values.getRank();
  for (int64_t d = 0; d < source.getRank(); ++d) {
    DimExpr from = dimExpr(source, d), to = dimExpr(values, d);
    if (d != axis && differ(from, to))
      return emitOpError() << "source has " << from.str() << " along dimension " << d
                           << ", the values " << to.str();
    std::optional<int64_t> rest = (from - to).constant();
    if (d == axis && rest && *rest < 0)
      return emitOpError() << "gives " << to.str()
                           << " elements along the axis, but the source has " << from.str();
  }
  return success();
}

LogicalResult CumulateOp::verify() {
  if (failed(verifySizes(*this)) ||
      failed(verifyAxis(*this, static_cast<int64_t>(getAxis()), getSource())) ||
      failed(verifySameElement(*this, getSource(), "source", getResult(), "the result")) ||
      failed(verifySameShape(*this, getSource(), "source", getResult(), "the result")))
    return failure();
  switch (getKind()) {
  case ReduceKind::sum:
  case ReduceKind::prod:
  case ReduceKind::max:
  case ReduceKind::min:
    return success();
  default:
    return emitOpError() << "cumulates sum, prod, max or min, not "
                         << stringifyReduceKind(getKind());
  }
}

static LogicalResult verifyWords(Operation *op, Value value, StringRef what, int64_t count) {
  RankedTensorType type = tensorTypeOf(value);
  if (type.getRank() == 1 && type.getElementType().isInteger(32) &&
      (count < 0 || type.getShape().front() == count))
    return success();
  InFlightDiagnostic error = op->emitOpError() << what << " must be a vector of ";
  if (count >= 0)
    error << count << " ";
  return error << "i32, but has type " << type;
}

LogicalResult PhiloxOp::verify() {
  if (failed(verifySizes(*this)) || failed(verifyWords(*this, getKey(), "the key", 2)) ||
      failed(verifyWords(*this, getCounter(), "the counter", 4)))
    return failure();
  return verifyWords(*this, getResult(), "the result", -1);
}

//===----------------------------------------------------------------------===//
// Folders
//===----------------------------------------------------------------------===//

/// Constants above this would bloat the IR.
static constexpr int64_t maxElements = 4096;

/// Runs the reference evaluation on constants. The ops have a stated order, so
/// this is exact.
static LogicalResult foldConstants(Operation *op, ArrayRef<Attribute> operands,
                                   SmallVectorImpl<OpFoldResult> &results) {
  SmallVector<RefTensor> values, made;
  for (Attribute operand : operands) {
    auto elements = dyn_cast_or_null<DenseElementsAttr>(operand);
    if (!elements || elements.getNumElements() > maxElements)
      return failure();
    values.push_back(refTensor(elements));
  }
  for (Value result : op->getResults()) {
    RankedTensorType type = tensorTypeOf(result);
    if (!type.hasStaticShape() || type.getNumElements() > maxElements)
      return failure();
    made.push_back(RefTensor::zeros(refElement(type.getElementType()), type.getShape()));
  }
  SmallVector<const RefTensor *> pointers;
  for (const RefTensor &value : values)
    pointers.push_back(&value);
  RefContext context;
  if (failed(cast<ReferenceOpInterface>(op).evaluate(pointers, made, context)))
    return failure();
  for (auto [value, tensorMade] : llvm::zip_equal(op->getResults(), made)) {
    context.finish(tensorMade);
    results.push_back(denseElements(tensorMade, tensorTypeOf(value)));
  }
  return success();
}

static OpFoldResult foldConstant(Operation *op, ArrayRef<Attribute> operands) {
  SmallVector<OpFoldResult> results;
  return succeeded(foldConstants(op, operands, results)) ? results.front() : OpFoldResult();
}

OpFoldResult ScatterOp::fold(FoldAdaptor adaptor) {
  if (llvm::is_contained(tensorTypeOf(getUpdates()).getShape(), 0) &&
      getBase().getType() == getType())
    return getBase();
  return foldConstant(*this, adaptor.getOperands());
}

LogicalResult SortOp::fold(FoldAdaptor adaptor, SmallVectorImpl<OpFoldResult> &results) {
  return foldConstants(*this, adaptor.getOperands(), results);
}

OpFoldResult CumulateOp::fold(FoldAdaptor adaptor) {
  if (tensorTypeOf(getSource()).getShape()[getAxis()] == 1 && getSource().getType() == getType())
    return getSource();
  return foldConstant(*this, adaptor.getOperands());
}

OpFoldResult PhiloxOp::fold(FoldAdaptor adaptor) {
  return foldConstant(*this, adaptor.getOperands());
}
