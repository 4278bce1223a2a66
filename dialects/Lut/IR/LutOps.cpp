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

/// Rows times a matrix [K, M], of sizes that may be known when running only.
static LogicalResult verifyProduct(Operation *op, ShapedType source, ShapedType result, int64_t K,
                                   int64_t M) {
  if (!source.hasRank() || !result.hasRank() || source.getRank() < 1 ||
      result.getRank() != source.getRank() || source.getShape().back() != K ||
      result.getShape().back() != M ||
      source.getShape().drop_back() != result.getShape().drop_back())
    return op->emitOpError() << "makes rows of " << M << " elements from rows of " << K
                             << ", found " << source << " and " << result;
  if (!source.getElementType().isF32() || !result.getElementType().isF32())
    return op->emitOpError() << "computes in f32, found " << source << " and " << result;
  return success();
}

LogicalResult ProductOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  if (source.getRank() < 1 || result.getRank() < 1)
    return verifyProduct(*this, source, result, 0, 0);
  int64_t K = source.getShape().back(), M = result.getShape().back();
  if (ShapedType::isDynamic(K) || ShapedType::isDynamic(M))
    return emitOpError() << "needs a matrix of static shape, found rows of " << source << " and "
                         << result;
  auto weight = RankedTensorType::get({K, M}, source.getElementType());
  if (failed(verifyParts(*this, getFormat(), weight, getParts().getTypes())))
    return failure();
  return verifyProduct(*this, source, result, K, M);
}

std::vector<int64_t> mad::lut::inPanels(const std::vector<int64_t> &shape) {
  return {(shape[1] + columnPanel - 1) / columnPanel, shape[0], columnPanel};
}

LogicalResult ProductIntoOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()),
       init = cast<ShapedType>(getInit().getType());
  bool memory = isa<BaseMemRefType>(source);
  for (Value operand : getOperands())
    if (isa<BaseMemRefType>(operand.getType()) != memory)
      return emitOpError("has tensors and memory as its operands");
  if (getResult().size() != (memory ? 0 : 1) || (!memory && getResult().getTypes().front() != init))
    return emitOpError() << "has a result of the type of what it writes to where that is a tensor";
  if (!source.hasRank() || !init.hasRank() || source.getRank() < 1 || init.getRank() < 1)
    return verifyProduct(*this, source, init, 0, 0);
  int64_t K = source.getShape().back(), M = init.getShape().back();
  std::vector<Part> expected = getFormat().getValue().parts({K, M});
  if (getParts().size() != expected.size())
    return emitOpError() << "has " << getParts().size() << " parts, but "
                         << getFormat().getValue().str() << " has " << expected.size();
  for (auto [type, part] : llvm::zip_equal(getParts().getTypes(), expected))
    if (auto found = cast<ShapedType>(type); found.getShape() != ArrayRef(part.shape) &&
                                             found.getShape() != ArrayRef(inPanels(part.shape)))
      return emitOpError() << "has " << found << " as its " << part.name << " of "
                           << part.shape.front() << " x " << part.shape.back() << " elements";
  return verifyProduct(*this, source, init, K, M);
}

void ProductIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<BaseMemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  for (OpOperand &part : getPartsMutable())
    effects.emplace_back(MemoryEffects::Read::get(), &part);
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}
