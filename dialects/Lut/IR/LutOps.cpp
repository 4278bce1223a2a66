//===- LutOps.cpp - Verifiers ---------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mad::lut;

#define GET_OP_CLASSES
#include "dialects/Lut/IR/LutOps.cpp.inc"

/// The parts are those that the format has for the tensor.
static LogicalResult verifyParts(Operation *op, FormatAttr format, RankedTensorType tensor,
                                 TypeRange parts) {
  if (!tensor.hasStaticShape())
    return op->emitOpError() << "needs a tensor of static shape, but has " << tensor;
  std::vector<int64_t> shape = tensor.getShape().vec();
  if (std::string wrong = format.getValue().check(shape); !wrong.empty())
    return op->emitOpError() << wrong;
  std::vector<Part> expected = format.getValue().parts(shape);
  if (parts.size() != expected.size())
    return op->emitOpError() << "has " << parts.size() << " parts, but " << format.getValue().str()
                             << " has " << expected.size();
  for (auto [type, part] : llvm::zip_equal(parts, expected)) {
    RankedTensorType wanted = partType(op->getContext(), part);
    auto found = cast<RankedTensorType>(type);
    if (found.getShape() != wanted.getShape() || found.getElementType() != wanted.getElementType())
      return op->emitOpError() << "has " << type << " as its " << part.name << ", expected "
                               << wanted;
  }
  return success();
}

LogicalResult EncodeOp::verify() {
  return verifyParts(*this, getFormat(), cast<RankedTensorType>(getSource().getType()),
                     getParts().getTypes());
}

LogicalResult DequantOp::verify() {
  return verifyParts(*this, getFormat(), cast<RankedTensorType>(getResult().getType()),
                     getParts().getTypes());
}
