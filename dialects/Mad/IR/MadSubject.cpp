//===- MadSubject.cpp - What a checked position is a position of ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Mad/IR/MadSubject.h"
#include "dialects/Mad/IR/MadDataOps.h"
#include "dialects/Mad/IR/MadOps.h"
#include "dialects/Mad/IR/MadStateOps.h"

using namespace mlir;
using namespace mad;

static DenseI64ArrayAttr dimsOf(Operation *op) {
  return op->getAttrOfType<DenseI64ArrayAttr>(subjectDimsAttr);
}

/// The number of a dimension in the program.
static int64_t written(Operation *op, int64_t dim) {
  DenseI64ArrayAttr dims = dimsOf(op);
  return dims ? dims[dim] : dim;
}

static int64_t rankOf(Operation *op) {
  return cast<RankedTensorType>(op->getOperand(0).getType()).getRank();
}

/// Nothing is said where all dimensions have their own numbers.
static void setDims(Operation *op, ArrayRef<int64_t> dims) {
  if (!llvm::equal(dims, llvm::seq<int64_t>(0, dims.size())))
    op->setAttr(subjectDimsAttr, DenseI64ArrayAttr::get(op->getContext(), dims));
}

void mad::setSubject(Operation *op, StringRef text, int64_t lead) {
  if (text.empty())
    return;
  op->setAttr(subjectAttr, StringAttr::get(op->getContext(), text));
  setDims(op, llvm::map_to_vector(llvm::seq<int64_t>(0, rankOf(op)),
                                  [&](int64_t dim) { return std::max<int64_t>(dim - lead, -1); }));
}

void mad::dropSubject(Operation *op) {
  op->removeAttr(subjectAttr);
  op->removeAttr(subjectDimsAttr);
}

void mad::copySubject(Operation *from, Operation *to, AffineMap permutation) {
  Attribute text = from->getAttr(subjectAttr);
  if (!text)
    return;
  to->setAttr(subjectAttr, text);
  SmallVector<int64_t> dims;
  for (int64_t dim = 0; dim < rankOf(to); ++dim)
    dims.push_back(written(from, permutation ? permutation.getDimPosition(dim) : dim));
  setDims(to, dims);
}

std::string mad::indexMessage(Operation *op, Value operand, int64_t dim) {
  auto text = op->getAttrOfType<StringAttr>(subjectAttr);
  std::string name = text ? text.str() : valueName(operand);
  std::string message =
      "index out of range for dimension " + std::to_string(text ? written(op, dim) : dim);
  return name.empty() ? message : message + " of `" + name + "`";
}

SmallVector<int64_t> mad::checkOrder(Operation *op, int64_t rank) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  llvm::stable_sort(order, [&](int64_t a, int64_t b) { return written(op, a) < written(op, b); });
  return order;
}

LogicalResult mad::verifySubject(Operation *op, NamedAttribute attribute) {
  if (!isa<ViewOp, GatherOp, ScatterOp, UpdateOp>(op))
    return op->emitOpError() << "`" << attribute.getName().getValue()
                             << "` belongs on an op that checks positions";
  if (attribute.getName() == subjectAttr)
    return isa<StringAttr>(attribute.getValue())
               ? success()
               : op->emitOpError() << "`" << subjectAttr << "` must be a string";
  auto dims = dyn_cast<DenseI64ArrayAttr>(attribute.getValue());
  if (!dims || dims.size() != rankOf(op))
    return op->emitOpError() << "`" << subjectDimsAttr
                             << "` must be an array of i64, one for each of the " << rankOf(op)
                             << " dimensions of the operand";
  return success();
}
