//===- LutTableOps.cpp - What kernels precompute of activations -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Activations.h"
#include "dialects/Lut/Format/Arrangement.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mad;
using namespace mad::lut;

/// Rows of a shape; nothing where they are known when running only.
static std::optional<int64_t> rowsOf(ShapedType source) {
  int64_t rows = 1;
  for (int64_t size : source.getShape().drop_back()) {
    if (ShapedType::isDynamic(size))
      return {};
    rows *= size;
  }
  return rows;
}

std::pair<RankedTensorType, RankedTensorType> mad::lut::precomputedTypes(RankedTensorType source,
                                                                         const Format &format) {
  Arrangement a = Arrangement::of(format, source.getShape().back());
  DimExpr rows(1), bytes;
  for (int64_t d = 0; d + 1 < source.getRank(); ++d)
    rows = rows * dimExpr(source, d);
  if (auto known = rowsOf(source))
    bytes = DimExpr(a.bytes(*known));
  else
    bytes = (rows + DimExpr(a.tables ? tableRows * (tableBytes / tableCodes - 1) : 0)) *
            DimExpr(a.stride);
  MLIRContext *context = source.getContext();
  return {tensorType({bytes}, {""}, IntegerType::get(context, 8)),
          tensorType({rows * DimExpr(a.groups * a.parts)}, {""}, IntegerType::get(context, 32))};
}

LogicalResult mad::lut::verifyPrecomputed(Operation *op, const Format &format, ShapedType source,
                                          ShapedType tables, ShapedType sums) {
  if (!hasIntegers(format) || format.dictionary)
    return op->emitOpError() << "needs a format of integers, found " << format.str();
  if (!source.hasRank() || source.getRank() < 1 || !source.getElementType().isInteger(8) ||
      ShapedType::isDynamic(source.getShape().back()) || source.getShape().back() < 1)
    return op->emitOpError() << "is of rows of i8 of a known length, found " << source;
  int64_t k = source.getShape().back();
  Arrangement a = Arrangement::of(format, k);
  auto isFlat = [](ShapedType type, unsigned bits) {
    return type.hasRank() && type.getRank() == 1 && type.getElementType().isInteger(bits);
  };
  if (!isFlat(tables, 8) || !isFlat(sums, 32))
    return op->emitOpError() << "has bytes and sums of i32, each in one dimension, found " << tables
                             << " and " << sums;
  auto rows = rowsOf(source);
  auto holds = [&](ShapedType type, int64_t least) {
    return !rows || type.isDynamicDim(0) || type.getShape()[0] >= least;
  };
  if (rows && !(holds(tables, a.bytes(*rows)) && holds(sums, a.sums(*rows))))
    return op->emitOpError() << "needs " << a.bytes(*rows) << " bytes and " << a.sums(*rows)
                             << " sums for " << source << ", found " << tables << " and " << sums;
  return success();
}

LogicalResult PrecomputeOp::verify() {
  if (failed(verifyPrecomputed(*this, getFormat().getValue(), getSource().getType(),
                               getTables().getType(), getSums().getType())))
    return failure();
  int64_t k = getSource().getType().getShape().back();
  if (Format shared = arrangedFormat(getFormat().getValue(), k); shared != getFormat().getValue())
    return emitOpError() << "is for " << shared.str() << ", which stands for "
                         << getFormat().getValue().str();
  return success();
}

LogicalResult PrecomputeOp::evaluate(ArrayRef<const RefTensor *> operands,
                                     MutableArrayRef<RefTensor> results, RefContext &) {
  int64_t k = operands[0]->shape.back();
  std::vector<int8_t> q(operands[0]->integers.begin(), operands[0]->integers.end());
  Arrangement a = Arrangement::of(getFormat().getValue(), k);
  int64_t rows = int64_t(q.size()) / k;
  std::vector<uint8_t> bytes(a.bytes(rows));
  std::vector<int32_t> sums(a.sums(rows));
  a.fill(q.data(), rows, bytes.data(), sums.data());
  for (auto [to, from] : llvm::zip(results[0].integers, bytes))
    to = int8_t(from);
  llvm::copy(sums, results[1].integers.begin());
  return success();
}

LogicalResult PrecomputeIntoOp::verify() {
  bool memory = isa<BaseMemRefType>(getSource().getType());
  for (Value operand : getOperands())
    if (isa<BaseMemRefType>(operand.getType()) != memory)
      return emitOpError("has tensors and memory as its operands");
  SmallVector<Type> wanted;
  if (!memory)
    wanted = {getTables().getType(), getSums().getType()};
  if (getResult().getTypes() != TypeRange(wanted))
    return emitOpError("has results of the types of what it writes to where those are tensors");
  auto shaped = [](Value value) { return cast<ShapedType>(value.getType()); };
  return verifyPrecomputed(*this, getFormat().getValue(), shaped(getSource()), shaped(getTables()),
                           shaped(getSums()));
}

void PrecomputeIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<BaseMemRefType>(getSource().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getSourceMutable());
  for (OpOperand *operand : {&getTablesMutable(), &getSumsMutable()})
    effects.emplace_back(MemoryEffects::Write::get(), operand);
}
