//===- Contraction.cpp - Products of matrices among structured ops ----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
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

/// Whether the body is a sum of products of both inputs.
static bool isSumOfProducts(GenericOp op, bool &contract) {
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

static llvm::SmallBitVector dimsOf(AffineMap map) {
  llvm::SmallBitVector dims(map.getNumDims());
  for (unsigned d = 0; d < map.getNumDims(); ++d)
    if (map.isFunctionOfDim(d))
      dims.set(d);
  return dims;
}

std::optional<Contraction> Contraction::match(GenericOp op) {
  Contraction result;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || op.getNumReductionLoops() != 1 ||
      !isSumOfProducts(op, result.mayContract))
    return {};
  result.op = op;
  result.sum = result.element(2);
  if (!result.sum.isF32() && !result.sum.isF64())
    return {};
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(maps, [](AffineMap map) { return map.isProjectedPermutation(); }) ||
      maps[2].getNumResults() < 2)
    return {};
  llvm::SmallBitVector x = dimsOf(maps[0]), y = dimsOf(maps[1]), z = dimsOf(maps[2]);
  // Neighbours in the output are the columns.
  result.n = maps[2].getDimPosition(maps[2].getNumResults() - 1);
  if (x.test(result.n) == y.test(result.n))
    return {};
  result.b = x.test(result.n) ? 0 : 1;
  result.a = 1 - result.b;
  const llvm::SmallBitVector &rows = result.a == 0 ? x : y, &columns = result.a == 0 ? y : x;
  std::optional<unsigned> m;
  for (unsigned d = 0; d < op.getNumLoops(); ++d) {
    if (!z.test(d)) {
      if (!rows.test(d) || !columns.test(d))
        return {};
      result.k = d;
    } else if (rows.test(d) && !columns.test(d)) {
      m = d; // the last of them
    } else if (!rows.test(d) && d != result.n) {
      return {};
    }
  }
  if (!m)
    return {};
  result.m = *m;
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (z.test(d) && d != result.m && d != result.n)
      result.outer.push_back(d);
  return result;
}

} // namespace mad
