//===- LutDictionaryOps.cpp - Words of a dictionary -----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Dictionary.h"
#include "dialects/Lut/IR/LutOps.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mad;
using namespace mad::lut;

LogicalResult DictionaryOp::verify() {
  ArrayRef<int64_t> shape = getResult().getType().getShape();
  if (shape != ArrayRef<int64_t>{Dictionary::size, 8} &&
      shape != ArrayRef<int64_t>{Dictionary::size, 4})
    return emitOpError() << "has 65536 entries of 8 bytes, or of 4, found "
                         << getResult().getType();
  return success();
}

LogicalResult DictionaryOp::evaluate(ArrayRef<const RefTensor *>,
                                     MutableArrayRef<RefTensor> results, RefContext &) {
  const Dictionary &dictionary = Dictionary::get();
  int64_t bytes = getResult().getType().getShape().back();
  for (int64_t i = 0; i < Dictionary::size; ++i) {
    uint64_t entry = bytes == 8 ? dictionary[uint16_t(i)] : dictionary.terms(uint16_t(i));
    for (int64_t n = 0; n < bytes; ++n)
      results[0].integers[bytes * i + n] = int64_t(entry >> 8 * n & 255);
  }
  return success();
}

/// Tensors or memory of [B..., words, 2], [B..., M + 1, 4], [65536, 8] and [B..., R, M].
static LogicalResult verifyExpand(Operation *op, ShapedType words, ShapedType starts,
                                  ShapedType dictionary, ShapedType codes, int64_t rows) {
  for (ShapedType type : {words, starts, dictionary, codes})
    if (!type.hasStaticShape() || type.getRank() < 2)
      return op->emitOpError() << "needs matrices of static shape, found " << type;
  ArrayRef<int64_t> batch = codes.getShape().drop_back(2);
  int64_t m = codes.getShape().back();
  if (rows < 0 || codes.getShape()[batch.size()] != (rows + 3) / 4)
    return op->emitOpError() << "makes bytes of four of " << rows << " codes, found " << codes;
  if (words.getShape().drop_back(2) != batch || words.getShape().back() != 2)
    return op->emitOpError() << "has words " << words << " for codes " << codes;
  if (starts.getShape().drop_back(2) != batch ||
      starts.getShape().take_back(2) != ArrayRef<int64_t>{m + 1, 4})
    return op->emitOpError() << "has starts " << starts << " for " << m << " columns";
  if (dictionary.getShape() != ArrayRef<int64_t>{Dictionary::size, 8})
    return op->emitOpError() << "has 65536 entries of 8 bytes, found " << dictionary;
  return success();
}

LogicalResult ExpandOp::verify() {
  return verifyExpand(*this, getWords().getType(), getStarts().getType(), getDictionary().getType(),
                      getResult().getType(), int64_t(getRows()));
}

LogicalResult ExpandOp::evaluate(ArrayRef<const RefTensor *> operands,
                                 MutableArrayRef<RefTensor> results, RefContext &) {
  auto bytes = [](const std::vector<int64_t> &integers) {
    return std::vector<uint8_t>(integers.begin(), integers.end());
  };
  std::vector<uint8_t> words = bytes(operands[0]->integers), starts = bytes(operands[1]->integers);
  ArrayRef<int64_t> shape = getResult().getType().getShape();
  int64_t m = shape.back(), k = int64_t(getRows()), count = 1;
  for (int64_t size : shape.drop_back(2))
    count *= size;
  int64_t own = (k + 3) / 4 * m;
  Format packed;
  packed.family = Family::Ternary;
  packed.bits = 2;
  std::vector<uint8_t> codes(k * m), made(own);
  for (int64_t i = 0; i < count; ++i) {
    decodeColumns(words.data() + words.size() / count * i, starts.data() + 4 * (m + 1) * i, k, m,
                  codes.data());
    packCodes(packed, codes.data(), k, m, made.data());
    llvm::copy(made, results[0].integers.begin() + i * own);
  }
  return success();
}

LogicalResult ExpandIntoOp::verify() {
  bool memory = isa<BaseMemRefType>(getInit().getType());
  for (Value operand : getOperands())
    if (isa<BaseMemRefType>(operand.getType()) != memory)
      return emitOpError("has tensors and memory as its operands");
  if (getResult().size() != (memory ? 0 : 1) ||
      (!memory && getResult().getTypes().front() != getInit().getType()))
    return emitOpError() << "has a result of the type of what it writes to where that is a tensor";
  auto shaped = [](Value value) { return cast<ShapedType>(value.getType()); };
  return verifyExpand(*this, shaped(getWords()), shaped(getStarts()), shaped(getDictionary()),
                      shaped(getInit()), int64_t(getRows()));
}

void ExpandIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<BaseMemRefType>(getInit().getType()))
    return;
  for (OpOperand *operand : {&getWordsMutable(), &getStartsMutable(), &getDictionaryMutable()})
    effects.emplace_back(MemoryEffects::Read::get(), operand);
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}

Value mad::lut::expandedCodes(OpBuilder &b, Location loc, const Format &format, ValueRange parts,
                              ArrayRef<int64_t> shape) {
  RankedTensorType type = partType(b.getContext(), format.expanded().parts(shape.vec())[0]);
  return ExpandOp::create(b, loc, type, parts[0], parts[2], parts[3],
                          b.getI64IntegerAttr(shape.end()[-2]));
}
