//===- VectorizeLoops.cpp - Structured ops to loops over vectors ------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Brings every structured op into one form (linalg.generic with as few dimensions
// as possible), then writes its loops. 2-D vectors and masks in the main loops are
// avoided: both cost more than they save on x86-64.
//
//===----------------------------------------------------------------------===//
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "passes/Transforms/Kernels.h"
#include "passes/Transforms/Passes.h"
#include "passes/Transforms/Remarks.h"
#include "passes/Transforms/VectorizeLoopsPlan.h"

using namespace mlir;

namespace mad {

#define GEN_PASS_DEF_VECTORIZELOOPS
#include "passes/Transforms/Passes.h.inc"

namespace {

using vectorize::Nest;

/// The fill that gives an output its value just before `op`, if there is one.
linalg::FillOp findFill(linalg::LinalgOp op, Value output) {
  for (OpOperand *input : op.getDpsInputOperands())
    if (input->get() == output)
      return {};
  for (auto load : op.getBlock()->getOps<memref::LoadOp>())
    if (load.getMemRef() == output)
      return {};
  for (Operation *o = op->getPrevNode(); o; o = o->getPrevNode()) {
    auto fill = dyn_cast<linalg::FillOp>(o);
    if (fill && fill.getDpsInits()[0] == output)
      return fill;
    if (!fill && !isMemoryEffectFree(o))
      break;
  }
  return {};
}

bool mayContract(Operation *op) {
  auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
  return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::contract);
}

/// The product that feeds nothing but `user`, and may be fused with it.
arith::MulFOp fusableProduct(Value value) {
  auto product = value.getDefiningOp<arith::MulFOp>();
  return product && product->hasOneUse() && mayContract(product) ? product : arith::MulFOp();
}

/// Sums with a product become one operation, if the source allows it. Done here,
/// and not by LLVM, so that every copy of the body gives the same bits.
void fuseMultiplyAdd(IRRewriter &rewriter, linalg::GenericOp op) {
  for (Operation &o : llvm::make_early_inc_range(op.getBody()->without_terminator())) {
    if (!isa<arith::AddFOp, arith::SubFOp>(o) || !mayContract(&o))
      continue;
    int side = fusableProduct(o.getOperand(0)) ? 0 : 1;
    arith::MulFOp product = fusableProduct(o.getOperand(side));
    if (!product || product->getBlock() != op.getBody())
      continue;
    rewriter.setInsertionPoint(&o);
    Value x = product.getLhs(), rest = o.getOperand(1 - side);
    auto flags = cast<arith::ArithFastMathInterface>(o).getFastMathFlagsAttr();
    if (isa<arith::SubFOp>(o)) {
      Value &negated = side == 0 ? rest : x;
      negated = arith::NegFOp::create(rewriter, o.getLoc(), negated);
    }
    rewriter.replaceOpWithNewOp<math::FmaOp>(&o, x, product.getRhs(), rest, flags);
    rewriter.eraseOp(product);
  }
}

struct VectorizeLoopsPass : impl::VectorizeLoopsBase<VectorizeLoopsPass> {
  using VectorizeLoopsBase::VectorizeLoopsBase;

  void runOnOperation() override {
    if (level != 0 && level != 3 && level != 4) {
      getOperation().emitError("level ") << level << " is not 0, 3 or 4";
      return signalPassFailure();
    }
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<linalg::LinalgOp, memref::CopyOp>(op))
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (Operation *op : ops) {
      // A fill waits for the reduction that may do without it.
      auto next = isa<linalg::FillOp>(op) ? reductionAfter(op) : linalg::LinalgOp();
      if (!next)
        visit(rewriter, op);
    }
  }

  /// The reduction that the output of a fill is for.
  linalg::LinalgOp reductionAfter(Operation *fill) {
    for (Operation *o = fill->getNextNode(); o; o = o->getNextNode()) {
      auto op = dyn_cast<linalg::LinalgOp>(o);
      if (op && op.getNumReductionLoops() && op.hasPureBufferSemantics())
        for (Value init : op.getDpsInits())
          if (findFill(op, init) == fill)
            return op;
      if (!isa<linalg::FillOp>(o) && !isMemoryEffectFree(o))
        break;
    }
    return {};
  }

  void visit(IRRewriter &rewriter, Operation *op) {
    SmallVector<linalg::FillOp> fills;
    if (auto structured = dyn_cast<linalg::LinalgOp>(op);
        structured && structured.hasPureBufferSemantics() && structured.getNumReductionLoops())
      for (Value init : structured.getDpsInits())
        fills.push_back(findFill(structured, init));
    rewriter.setInsertionPoint(op);
    Location loc = op->getLoc();
    std::string what = wantsRemarks(loc.getContext()) ? describe(op) : "";
    linalg::GenericOp generic = normalize(rewriter, op);
    if (generic && lower(rewriter, generic, fills)) {
      ++vectorized;
      remarkTaken(loc, what + ": loops over vectors" + ofLevel(level));
      return;
    }
    ++left;
    remarkMissed(loc, what + ": loops over single elements" + ofLevel(level));
    keep(rewriter, fills);
  }

  /// Fills that are needed become loops.
  void keep(IRRewriter &rewriter, ArrayRef<linalg::FillOp> fills) {
    for (linalg::FillOp fill : fills)
      if (fill)
        visit(rewriter, fill);
  }

  /// The op as a generic on memrefs with few dimensions, or null.
  linalg::GenericOp normalize(IRRewriter &rewriter, Operation *op) {
    if (auto copy = dyn_cast<memref::CopyOp>(op)) {
      auto from = dyn_cast<MemRefType>(copy.getSource().getType());
      auto to = dyn_cast<MemRefType>(copy.getTarget().getType());
      if (!from || !to || !Nest::isSupported(from) || !Nest::isSupported(to))
        return {};
      op = rewriter.replaceOpWithNewOp<linalg::CopyOp>(copy, copy.getSource(), copy.getTarget());
    }
    auto structured = cast<linalg::LinalgOp>(op);
    if (!structured.hasPureBufferSemantics())
      return {};
    auto generic = dyn_cast<linalg::GenericOp>(op);
    if (!generic) {
      rewriter.setInsertionPoint(op);
      FailureOr<linalg::GenericOp> result = linalg::generalizeNamedOp(rewriter, structured);
      if (failed(result))
        return {};
      generic = *result;
    }
    return collapseDims(rewriter, generic);
  }

  bool lower(IRRewriter &rewriter, linalg::GenericOp op, ArrayRef<linalg::FillOp> fills) {
    vectorize::shareReciprocals(rewriter, op, level);
    if (level >= 3)
      fuseMultiplyAdd(rewriter, op);
    std::optional<Nest> nest = Nest::get(op, level);
    if (!nest)
      return false;
    rewriter.setInsertionPoint(op);
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    nest->createSizes(b);
    bool done =
        nest->parallel.all() ? emitMap(b, *nest) : lowerReduction(rewriter, b, *nest, fills);
    if (done)
      rewriter.eraseOp(op);
    return done;
  }

  bool lowerReduction(IRRewriter &rewriter, ImplicitLocOpBuilder &b, Nest &nest,
                      ArrayRef<linalg::FillOp> fills) {
    auto combiners = vectorize::freeCombiners(nest);
    auto plan = vectorize::choosePlan(vectorize::BodyAnalysis(nest), combiners.has_value());
    if (!plan)
      return false;
    if (!vectorize::startsFresh(nest, *plan)) {
      keep(rewriter, fills);
    } else {
      for (unsigned i = 0; i < fills.size(); ++i)
        if (linalg::FillOp fill = fills[i]) {
          nest.initials[i] = fill.getDpsInputs()[0];
          rewriter.eraseOp(fill);
        }
    }
    if (nest.isParallel(plan->vectorDim))
      emitAcross(b, nest, *plan, combiners.value_or(SmallVector<vectorize::Combiner>()));
    else
      emitAlong(b, nest, *plan, *combiners);
    return true;
  }
};

} // namespace
} // namespace mad
