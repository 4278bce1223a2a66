//===- LutOps.cpp - Verifiers ---------------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/IR/LutOps.h"
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/Format/Arrangement.h"
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
  if (format.getValue().last && !isa<EncodeOp>(op))
    return op->emitOpError("is of matrices [K, M]: `along = last` is for `lut.encode` alone");
  std::vector<int64_t> shape = tensor.getShape().vec();
  if (std::string wrong = format.getValue().check(shape); !wrong.empty())
    return op->emitOpError() << wrong;
  std::vector<Part> expected =
      isa<EncodeOp>(op) ? format.getValue().ownParts(shape) : format.getValue().parts(shape);
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

LogicalResult GptqOp::verify() {
  RankedTensorType type = getSource().getType();
  if (type != getResult().getType() || !type.hasStaticShape())
    return emitOpError() << "rounds a tensor of static shape to one of the same type, found "
                         << type << " and " << getResult().getType();
  if (getFormat().getValue().family != Family::Int)
    return emitOpError("rounds to integers with scales");
  if (std::string wrong = getFormat().getValue().check(type.getShape().vec()); !wrong.empty())
    return emitOpError() << wrong;
  SmallVector<int64_t> square(type.getShape());
  if (getFormat().getValue().last)
    square[square.size() - 2] = square.back();
  else
    square.back() = square[square.size() - 2];
  if (getGram().getType().getShape() != ArrayRef<int64_t>(square))
    return emitOpError() << "has X^T X of " << getGram().getType() << " for a weight of " << type;
  return success();
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

/// All operands are tensors, or all are memory, and so is the result.
static LogicalResult verifyInto(Operation *op, ShapedType init) {
  bool memory = isa<BaseMemRefType>(init);
  for (Value operand : op->getOperands())
    if (isa<BaseMemRefType>(operand.getType()) != memory)
      return op->emitOpError("has tensors and memory as its operands");
  if (op->getNumResults() != (memory ? 0 : 1) || (!memory && op->getResult(0).getType() != init))
    return op->emitOpError()
           << "has a result of the type of what it writes to where that is a tensor";
  return success();
}

/// The parts of a matrix [K, M], as they are or in panels; codes may be woven where `weave` says
/// so.
static LogicalResult verifyPartsInMemory(Operation *op, Format format, TypeRange parts, int64_t K,
                                         int64_t M, bool weave = false) {
  std::vector<Part> expected = format.parts({K, M});
  if (parts.size() != expected.size())
    return op->emitOpError() << "has " << parts.size() << " parts, but " << format.str() << " has "
                             << expected.size();
  for (auto [number, type, part] : llvm::enumerate(parts, expected)) {
    auto found = cast<ShapedType>(type);
    bool isWoven =
        weave && number == 0 && found.getShape() == ArrayRef(woven(inPanels(part.shape)));
    if (!isWoven && found.getShape() != ArrayRef(part.shape) &&
        found.getShape() != ArrayRef(inPanels(part.shape)))
      return op->emitOpError() << "has " << found << " as its " << part.name << " of "
                               << part.shape.front() << " x " << part.shape.back() << " elements";
  }
  return success();
}

LogicalResult ProductIntoOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()),
       init = cast<ShapedType>(getInit().getType());
  if (failed(verifyInto(*this, init)))
    return failure();
  if (!source.hasRank() || !init.hasRank() || source.getRank() < 1 || init.getRank() < 1)
    return verifyProduct(*this, source, init, 0, 0);
  int64_t K = source.getShape().back(), M = init.getShape().back();
  if (failed(verifyPartsInMemory(*this, getFormat().getValue(), getParts().getTypes(), K, M)))
    return failure();
  return verifyProduct(*this, source, init, K, M);
}

/// Operands are read; what is written to is written alone.
static void
effectsOnMemory(DestinationStyleOpInterface op,
                SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<BaseMemRefType>(operand.get().getType()))
      continue;
    if (op.isDpsInit(&operand))
      effects.emplace_back(MemoryEffects::Write::get(), &operand);
    else
      effects.emplace_back(MemoryEffects::Read::get(), &operand);
  }
}

void ProductIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effectsOnMemory(*this, effects);
}

//===----------------------------------------------------------------------===//
// Quantised activations
//===----------------------------------------------------------------------===//

/// Rows of codes, and a scale for each.
static LogicalResult verifyRows(Operation *op, ShapedType rows, ShapedType codes,
                                ShapedType scales) {
  if (rows.getRank() < 1)
    return op->emitOpError() << "is of rows, found " << rows;
  if (codes.getShape() != rows.getShape() || scales.getShape() != rows.getShape().drop_back())
    return op->emitOpError() << "has a code for each element and a scale for each row of " << rows
                             << ", found " << codes << " and " << scales;
  return success();
}

LogicalResult QuantizeActOp::verify() {
  return verifyRows(*this, getSource().getType(), getCodes().getType(), getScales().getType());
}

LogicalResult DequantActOp::verify() {
  return verifyRows(*this, getResult().getType(), getCodes().getType(), getScales().getType());
}

/// `[B..., T..., M]` of rows `[B..., T..., K]` for a weight [B..., K, M].
static LogicalResult verifyGemm(Operation *op, const Format &format, ShapedType source,
                                ShapedType scales, ShapedType result) {
  if (!hasIntegers(format))
    return op->emitOpError() << "needs a format of integers, found " << format.str();
  if (source.getRank() != result.getRank() ||
      source.getShape().drop_back() != result.getShape().drop_back())
    return op->emitOpError() << "has a row of results for each row, found " << source << " and "
                             << result;
  if (!source.getElementType().isInteger(8) || !scales.getElementType().isF32() ||
      !result.getElementType().isF32())
    return op->emitOpError() << "makes rows of f32 from codes of i8 and scales of f32, found "
                             << source << ", " << scales << " and " << result;
  return verifyRows(op, source, source, scales);
}

/// What kernels read in place of the rows: nothing, or both results of `lut.precompute`.
static LogicalResult verifyRowsOfKernel(Operation *op, const Format &format, ShapedType source,
                                        TypeRange precomputed) {
  if (precomputed.empty())
    return success();
  if (precomputed.size() != 2)
    return op->emitOpError("reads both results of a `lut.precompute`, or none");
  return verifyPrecomputed(op, format, source, cast<ShapedType>(precomputed[0]),
                           cast<ShapedType>(precomputed[1]));
}

LogicalResult GemmOp::verify() {
  RankedTensorType source = getSource().getType(), result = getResult().getType();
  if (failed(
          verifyGemm(*this, getFormat().getValue(), source, getSourceScales().getType(), result)))
    return failure();
  if (getParts().empty())
    return emitOpError("has no parts");
  if (!getPrecomputed().empty() && !getKernel())
    return emitOpError("has precomputed rows, but no kernel that reads them");
  if (failed(
          verifyRowsOfKernel(*this, getFormat().getValue(), source, getPrecomputed().getTypes())))
    return failure();
  int64_t batch = cast<RankedTensorType>(getParts().front().getType()).getRank() - 2;
  if (batch < 0 || batch >= source.getRank())
    return emitOpError() << "has parts of " << batch << " dimensions of matrices, but rows "
                         << source;
  SmallVector<int64_t> shape(source.getShape().take_front(batch));
  shape.push_back(source.getShape().back());
  shape.push_back(result.getShape().back());
  if (ShapedType::isDynamicShape(shape))
    return emitOpError() << "needs a weight of static shape, found rows of " << source << " and "
                         << result;
  auto weight = RankedTensorType::get(shape, result.getElementType());
  return verifyParts(*this, getFormat(), weight, getParts().getTypes());
}

LogicalResult GemmIntoOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()),
       scales = cast<ShapedType>(getSourceScales().getType()),
       init = cast<ShapedType>(getInit().getType());
  if (failed(verifyInto(*this, init)))
    return failure();
  if (!source.hasRank() || !scales.hasRank() || !init.hasRank())
    return emitOpError("needs shapes of known rank");
  if (failed(verifyGemm(*this, getFormat().getValue(), source, scales, init)) ||
      failed(
          verifyRowsOfKernel(*this, getFormat().getValue(), source, getPrecomputed().getTypes())))
    return failure();
  int64_t K = source.getShape().back(), M = init.getShape().back();
  bool weave = Arrangement::weave(getFormat().getValue(), K) > 0;
  return verifyPartsInMemory(*this, getFormat().getValue(), getParts().getTypes(), K, M, weave);
}

void GemmIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  effectsOnMemory(*this, effects);
}
