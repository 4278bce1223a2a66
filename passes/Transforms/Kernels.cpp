//===- Kernels.cpp - What passes on structured ops in memory share ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Kernels.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "passes/Transforms/VectorizeLoopsAnalysis.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;

namespace mad {

SmallVector<linalg::FillOp> fillsBefore(linalg::GenericOp op) {
  SmallVector<linalg::FillOp> fills;
  for (Operation *o = op->getPrevNode(); o; o = o->getPrevNode()) {
    auto fill = dyn_cast<linalg::FillOp>(o);
    if (fill && llvm::is_contained(op.getDpsInits(), fill.getDpsInits().front()))
      fills.push_back(fill);
    else if (!isMemoryEffectFree(o))
      break;
  }
  return fills;
}

int64_t timeOf(linalg::GenericOp op) {
  bool reduces = op.getNumReductionLoops() > 0;
  int64_t time = 0;
  for (Operation &o : op.getBody()->without_terminator())
    time += vectorize::isHeavy(o)                        ? 500
            : isa<memref::LoadOp>(o)                     ? 300
            : isa<arith::DivFOp, arith::DivSIOp>(o)      ? 100
            : isa<linalg::IndexOp, arith::ConstantOp>(o) ? 0
                                                         : 10;
  for (Type type : op->getOperandTypes())
    time += isa<MemRefType>(type) && !reduces ? 100 : 0;
  return std::max<int64_t>(time, 10);
}

/// Whether elements that are known to lie side by side would no longer be: a part of one row, of
/// any size, has the stride of its rows if its size is one.
static bool losesStride(MemRefType type, ArrayRef<ReassociationIndices> reassociation) {
  auto last = [](MemRefType of) {
    auto [strides, offset] = of.getStridesAndOffset();
    return strides.back();
  };
  MemRefType collapsed = memref::CollapseShapeOp::computeCollapsedType(type, reassociation);
  return last(type) == 1 && last(collapsed) != 1;
}

/// Dimensions that can be one: neighbours in every operand that has them, of the
/// same kind, and not asked for by linalg.index.
static SmallVector<ReassociationIndices> collapsibleDims(linalg::GenericOp op) {
  SmallVector<ReassociationIndices> groups;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<utils::IteratorType> kinds = op.getIteratorTypesArray();
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  llvm::SmallBitVector asked(op.getNumLoops());
  op.getBody()->walk([&](linalg::IndexOp index) { asked.set(index.getDim()); });
  auto guaranteed = [&](ArrayRef<int64_t> dims) {
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<MemRefType>(operand.get().getType());
      if (!type)
        continue;
      AffineMap map = op.getMatchingIndexingMap(&operand);
      for (auto [i, e] : llvm::enumerate(map.getResults())) {
        auto dim = dyn_cast<AffineDimExpr>(e);
        if (!dim || dim.getPosition() != dims[0])
          continue;
        ReassociationIndices whole = llvm::to_vector(llvm::seq<int64_t>(i, i + dims.size()));
        SmallVector<ReassociationIndices> reassociation;
        for (int64_t k = 0; k < type.getRank(); ++k)
          if (k == whole.front())
            reassociation.push_back(whole);
          else if (k < whole.front() || k > whole.back())
            reassociation.push_back({k});
        if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, reassociation) ||
            losesStride(type, reassociation))
          return false;
      }
    }
    return true;
  };
  for (int64_t d = 0; d < op.getNumLoops(); ++d) {
    if (!groups.empty()) {
      ReassociationIndices longer = groups.back();
      longer.push_back(d);
      bool some = sizes[d] != 0 && sizes[d - 1] != 0; // 0 x ? has a size of its own
      bool same = some && kinds[d] == kinds[longer.front()] && !asked.test(d) && !asked.test(d - 1);
      if (same && linalg::areDimSequencesPreserved(maps, {longer}) && guaranteed(longer)) {
        groups.back() = longer;
        continue;
      }
    }
    groups.push_back({d});
  }
  return groups;
}

linalg::GenericOp collapseDims(RewriterBase &rewriter, linalg::GenericOp op) {
  // Upstream collapses operands that are indexed by single dimensions only.
  if (!llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isProjectedPermutation(); }))
    return op;
  SmallVector<ReassociationIndices> groups = collapsibleDims(op);
  if (groups.size() == op.getNumLoops())
    return op;
  rewriter.setInsertionPoint(op);
  auto collapsed = linalg::collapseOpIterationDims(op, groups, rewriter);
  if (failed(collapsed))
    return op;
  rewriter.eraseOp(op);
  return cast<linalg::GenericOp>(collapsed->collapsedOp.getOperation());
}

} // namespace mad
