//===- LutPackOps.cpp - Verifiers of products with tiles ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "dialects/Lut/Format/Tiles.h"
#include "dialects/Lut/IR/LutOps.h"

using namespace mlir;
using namespace mad::lut;

/// The bytes are those of matrices [batch..., K, M].
static LogicalResult verifyTiles(Operation *op, FormatAttr format, ArrayRef<int64_t> batch,
                                 int64_t k, int64_t m, ShapedType tiles) {
  TileLayout layout{format.getValue(), k, m};
  if (std::string wrong = layout.check(); !wrong.empty())
    return op->emitOpError() << wrong;
  SmallVector<int64_t> expected(batch);
  expected.push_back(layout.bytes());
  if (!tiles.hasRank() || tiles.getShape() != ArrayRef(expected))
    return op->emitOpError() << "has tiles " << tiles << ", expected " << layout.bytes()
                             << " bytes for a matrix of " << k << " x " << m;
  return success();
}

LogicalResult PackOp::verify() {
  if (getParts().empty())
    return emitOpError("has no parts");
  auto codes = cast<RankedTensorType>(getParts().front().getType());
  if (codes.getRank() < 2 || !codes.hasStaticShape())
    return emitOpError() << "needs matrices, found codes " << codes;
  return verifyTiles(*this, getFormat(), codes.getShape().drop_back(2), getRows(),
                     codes.getShape().back(), getResult().getType());
}

LogicalResult UnpackOp::verify() {
  RankedTensorType type = getResult().getType();
  if (type.getRank() != 2 || !type.hasStaticShape())
    return emitOpError() << "makes a matrix of static shape, found " << type;
  return verifyTiles(*this, getFormat(), {}, type.getDimSize(1), type.getDimSize(0),
                     getTiles().getType());
}

LogicalResult UnpackIntoOp::verify() {
  auto tiles = cast<ShapedType>(getTiles().getType()), init = cast<ShapedType>(getInit().getType());
  bool memory = isa<BaseMemRefType>(init);
  if (isa<BaseMemRefType>(tiles) != memory)
    return emitOpError("has a tensor and memory as its operands");
  if (getResult().size() != (memory ? 0 : 1) || (!memory && getResult().getTypes().front() != init))
    return emitOpError() << "has a result of the type of what it writes to where that is a tensor";
  if (!init.hasRank() || init.getRank() != 2 || !init.hasStaticShape())
    return emitOpError() << "makes a matrix of static shape, found " << init;
  return verifyTiles(*this, getFormat(), {}, init.getDimSize(1), init.getDimSize(0), tiles);
}

void UnpackIntoOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!isa<BaseMemRefType>(getInit().getType()))
    return;
  effects.emplace_back(MemoryEffects::Read::get(), &getTilesMutable());
  effects.emplace_back(MemoryEffects::Write::get(), &getInitMutable());
}
