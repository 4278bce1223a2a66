//===- LegalizeMemrefs.cpp - Ops on memrefs that upstream cannot lower ------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Transforms/Passes.h"

using namespace mlir;

namespace mad {
#define GEN_PASS_DEF_LEGALIZEMEMREFS
#include "passes/Transforms/Passes.h.inc"

namespace {

/// A copy between layouts would call a runtime library that artifacts lack.
/// Copies of contiguous memory stay: they become memcpy.
void legalizeCopy(memref::CopyOp op) {
  auto from = dyn_cast<MemRefType>(op.getSource().getType());
  auto to = dyn_cast<MemRefType>(op.getTarget().getType());
  if (!from || !to || (from.getLayout().isIdentity() && to.getLayout().isIdentity()))
    return;
  OpBuilder b(op);
  SmallVector<AffineMap> maps(2, b.getMultiDimIdentityMap(to.getRank()));
  SmallVector<utils::IteratorType> loops(to.getRank(), utils::IteratorType::parallel);
  linalg::GenericOp::create(
      b, op.getLoc(), op.getSource(), op.getTarget(), maps, loops,
      [](OpBuilder &b, Location loc, ValueRange v) { linalg::YieldOp::create(b, loc, v[0]); });
  op.erase();
}

/// The lowering of memref.expand_shape takes one dynamic size a group.
void legalizeExpand(memref::ExpandShapeOp op) {
  MemRefType type = op.getResultType();
  bool several = llvm::any_of(op.getReassociationIndices(), [&](const ReassociationIndices &g) {
    return llvm::count_if(g, [&](int64_t d) { return type.isDynamicDim(d); }) > 1;
  });
  if (!several || !type.getLayout().isIdentity())
    return;
  OpBuilder b(op);
  SmallVector<OpFoldResult> sizes = op.getMixedOutputShape(), strides(type.getRank());
  OpFoldResult stride = b.getIndexAttr(1);
  for (int64_t d = type.getRank() - 1; d >= 0; --d) {
    strides[d] = stride;
    auto known = getConstantIntValue(stride), size = getConstantIntValue(sizes[d]);
    if (known && size) {
      stride = b.getIndexAttr(*known * *size);
      continue;
    }
    Value x = getValueOrCreateConstantIndexOp(b, op.getLoc(), stride);
    Value y = getValueOrCreateConstantIndexOp(b, op.getLoc(), sizes[d]);
    stride = arith::MulIOp::create(b, op.getLoc(), x, y).getResult();
  }
  Value cast = memref::ReinterpretCastOp::create(b, op.getLoc(), type, op.getSrc(),
                                                 b.getIndexAttr(0), sizes, strides);
  op.replaceAllUsesWith(cast);
  op.erase();
}

struct LegalizeMemrefsPass : impl::LegalizeMemrefsBase<LegalizeMemrefsPass> {
  using LegalizeMemrefsBase::LegalizeMemrefsBase;

  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp op) { legalizeCopy(op); });
    getOperation().walk([](memref::ExpandShapeOp op) { legalizeExpand(op); });
  }
};

} // namespace
} // namespace mad
