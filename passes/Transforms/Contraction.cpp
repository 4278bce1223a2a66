//===- Contraction.cpp - Products of matrices among structured ops ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Kernels/TileSizes.h"
#include "passes/Transforms/Kernels.h"
#include "llvm/ADT/SmallBitVector.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

static bool mayContract(Operation *op) {
  auto flags = cast<arith::ArithFastMathInterface>(op).getFastMathFlagsAttr();
  return flags && bitEnumContainsAll(flags.getValue(), arith::FastMathFlags::contract);
}

/// The argument of the body that a factor is, through an exact conversion.
static std::optional<unsigned> factorOf(Value v, Block *body) {
  if (Operation *op = v.getDefiningOp();
      op && isa<arith::ExtFOp, arith::SIToFPOp, arith::UIToFPOp>(op)) {
    // Integers of up to 8 bits are floats.
    Type from = op->getOperand(0).getType();
    if (!isa<FloatType>(from) && from.getIntOrFloatBitWidth() != 8)
      return {};
    v = op->getOperand(0);
  }
  auto argument = dyn_cast<BlockArgument>(v);
  if (!argument || argument.getOwner() != body || argument.getArgNumber() > 1)
    return {};
  return argument.getArgNumber();
}

bool isSumOfProducts(GenericOp op, bool &contract) {
  Block *body = op.getBody();
  auto sum = body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!sum)
    return false;
  bool second = sum.getLhs() == body->getArgument(2);
  if (!second && sum.getRhs() != body->getArgument(2))
    return false;
  auto product = (second ? sum.getRhs() : sum.getLhs()).getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  auto x = factorOf(product.getLhs(), body), y = factorOf(product.getRhs(), body);
  contract = mayContract(sum) && mayContract(product);
  return x && y && *x != *y;
}

bool mayReorder(GenericOp op) {
  auto sum = op.getBody()->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  auto flags = sum ? sum.getFastmath() : arith::FastMathFlags::none;
  return bitEnumContainsAll(flags, arith::FastMathFlags::reassoc);
}

Type factorType(GenericOp op, unsigned operand) {
  Type element = getElementTypeOrSelf(op->getOperand(operand).getType());
  BlockArgument argument = op.getBody()->getArgument(operand);
  if (element.isInteger() && llvm::any_of(argument.getUsers(), llvm::IsaPred<arith::UIToFPOp>))
    return IntegerType::get(op.getContext(), element.getIntOrFloatBitWidth(),
                            IntegerType::Unsigned);
  return element;
}

static llvm::SmallBitVector dimsOf(AffineMap map) {
  llvm::SmallBitVector dims(map.getNumDims());
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    if (map.isFunctionOfDim(d))
      dims.set(d);
  return dims;
}

int64_t panelOf(Type sum) { return 64 / (sum.getIntOrFloatBitWidth() / 8); }

int64_t blockHeight() { return kernels::blockRows; }

AffineMap panelMap(unsigned dims, unsigned n, unsigned k, int64_t panel, MLIRContext *context) {
  AffineExpr column = getAffineDimExpr(n, context);
  return AffineMap::get(
      dims, 0, {column.floorDiv(panel), getAffineDimExpr(k, context), column % panel}, context);
}

/// Sets `a`, `b`, `n` from the factor that has the last dimension of the output.
bool Contraction::findFactors() {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[2].isProjectedPermutation() || maps[2].getNumResults() < 1)
    return false;
  n = maps[2].getDimPosition(maps[2].getNumResults() - 1);
  if (maps[0].isFunctionOfDim(n) == maps[1].isFunctionOfDim(n))
    return false;
  b = maps[0].isFunctionOfDim(n) ? 0 : 1;
  a = 1 - b;
  if (!maps[a].isProjectedPermutation())
    return false;
  if (maps[b].isProjectedPermutation())
    return true;
  panel = panelOf(sum);
  return maps[b].getNumResults() == 3 && isa<AffineDimExpr>(maps[b].getResult(1)) &&
         maps[b] ==
             panelMap(op.getNumLoops(), n, maps[b].getDimPosition(1), panel, op.getContext());
}

std::optional<Contraction> Contraction::match(GenericOp op) {
  Contraction result;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1 ||
      !isSumOfProducts(op, result.mayContract))
    return {};
  result.op = op;
  result.sum = result.element(2);
  if ((!result.sum.isF32() && !result.sum.isF64()) || !result.findFactors())
    return {};
  llvm::SmallBitVector rows = dimsOf(result.map(result.a)), columns = dimsOf(result.map(result.b)),
                       sums = dimsOf(result.map(result.c()));
  for (unsigned d = 0; d < op.getNumLoops(); ++d) {
    if (!sums.test(d)) {
      if (!rows.test(d) || !columns.test(d))
        return {};
      result.k = d;
    } else if (rows.test(d) && !columns.test(d)) {
      result.m = d; // the last of them
    } else if (!rows.test(d) && d != result.n) {
      return {};
    }
  }
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (sums.test(d) && d != result.m && d != result.n)
      result.outer.push_back(d);
  return result;
}

/// All dimensions but the last one as one; null where the memory has gaps.
static Value asMatrix(OpBuilder &b, Location loc, Value memory) {
  auto type = cast<MemRefType>(memory.getType());
  if (type.getRank() == 2)
    return memory;
  if (type.getRank() == 1) {
    OpFoldResult size = memref::getMixedSizes(b, loc, memory)[0];
    SmallVector<int64_t> shape{1, type.getDimSize(0)};
    SmallVector<ReassociationIndices> groups{{0, 1}};
    auto expanded = memref::ExpandShapeOp::computeExpandedType(type, shape, groups);
    if (failed(expanded))
      return {};
    return memref::ExpandShapeOp::create(b, loc, *expanded, memory, groups,
                                         SmallVector<OpFoldResult>{b.getIndexAttr(1), size});
  }
  SmallVector<ReassociationIndices> groups{
      llvm::to_vector(llvm::seq<int64_t>(0, type.getRank() - 1)), {type.getRank() - 1}};
  if (!memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups))
    return {};
  return memref::CollapseShapeOp::create(b, loc, memory, groups);
}

GenericOp flattenRows(RewriterBase &rewriter, const Contraction &product) {
  GenericOp op = product.op;
  MLIRContext *context = op.getContext();
  AffineMap a = product.map(product.a), c = product.map(product.c());
  unsigned rank = a.getNumResults();
  bool inOrder =
      rank == c.getNumResults() && a.getResult(rank - 1) == getAffineDimExpr(product.k, context);
  for (unsigned i = 0; inOrder && i + 1 < rank; ++i)
    inOrder &= a.getResult(i) == c.getResult(i);
  if (!product.panel || !inOrder || rank == 2)
    return op;
  rewriter.setInsertionPoint(op);
  Value rows = asMatrix(rewriter, op.getLoc(), op->getOperand(product.a));
  Value result = asMatrix(rewriter, op.getLoc(), op->getOperand(product.c()));
  if (!rows || !result)
    return op;
  auto dim = [&](unsigned d) { return getAffineDimExpr(d, context); };
  SmallVector<Value> inputs{op->getOperand(0), op->getOperand(1)};
  inputs[product.a] = rows;
  SmallVector<AffineMap> maps(3);
  maps[product.a] = AffineMap::get(3, 0, {dim(0), dim(2)}, context);
  maps[product.b] = panelMap(3, 1, 2, product.panel, context);
  maps[2] = AffineMap::get(3, 0, {dim(0), dim(1)}, context);
  using Kind = utils::IteratorType;
  // A start value goes to the same memory.
  for (linalg::FillOp fill : llvm::reverse(fillsBefore(op))) {
    fill.getOutputsMutable()[0].set(result);
    rewriter.moveOpBefore(fill, op);
  }
  auto made = GenericOp::create(rewriter, op.getLoc(), inputs, ValueRange{result}, maps,
                                ArrayRef{Kind::parallel, Kind::parallel, Kind::reduction});
  rewriter.inlineRegionBefore(op.getRegion(), made.getRegion(), made.getRegion().begin());
  rewriter.eraseOp(op);
  return made;
}

} // namespace mad
