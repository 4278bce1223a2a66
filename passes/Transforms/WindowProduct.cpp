//===- WindowProduct.cpp - Convolutions among structured ops ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/WindowProduct.h"
#include "dialects/Mad/IR/MadOps.h"
#include "passes/Transforms/Contraction.h"

using namespace mlir;
using linalg::GenericOp;

namespace mad {

/// Whether all coordinates are sums of multiples of dims, none of them negative.
static bool isWindow(AffineMap map) {
  return map.getNumSymbols() == 0 && llvm::all_of(map.getResults(), [&](AffineExpr e) {
           auto form = linearForm(e, map.getNumDims(), 0);
           return form && llvm::all_of(*form, [](int64_t f) { return f >= 0; });
         });
}

/// W has the dimensions in which the other factor does not vary.
bool WindowProduct::findFactors() {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!maps[2].isProjectedPermutation() || maps[2].getNumResults() < 2)
    return false;
  unsigned last = maps[2].getDimPosition(maps[2].getNumResults() - 1);
  if (maps[0].isFunctionOfDim(last) == maps[1].isFunctionOfDim(last))
    return false;
  x = maps[0].isFunctionOfDim(last) ? 0 : 1;
  w = 1 - x;
  return (maps[w].isProjectedPermutation() || findPacked()) && isWindow(maps[x]);
}

/// Whether W is in blocks of rows.
bool WindowProduct::findPacked() {
  ArrayRef<AffineExpr> results = map(w).getResults();
  if (results.size() < 3)
    return false;
  auto number = dyn_cast<AffineBinaryOpExpr>(results.front());
  AffineExpr row = number ? number.getLHS() : AffineExpr();
  packed = row && isa<AffineDimExpr>(row) && results.front() == row.floorDiv(blockHeight()) &&
           results.back() == row % blockHeight() &&
           llvm::all_of(results.drop_front().drop_back(), llvm::IsaPred<AffineDimExpr>);
  return packed;
}

bool WindowProduct::sortDims() {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  AffineMap left = map(w), right = map(x), result = map(2);
  std::optional<unsigned> row;
  bool columns = true; // still among the last dimensions
  for (AffineExpr e : llvm::reverse(result.getResults())) {
    unsigned d = cast<AffineDimExpr>(e).getPosition();
    if (sizes[d] == 1)
      continue;
    bool inLeft = left.isFunctionOfDim(d), inRight = right.isFunctionOfDim(d);
    if (inLeft && !inRight) {
      if (row)
        return false;
      row = d;
      columns = false;
    } else if (!inLeft && inRight && columns) {
      n.insert(n.begin(), d);
    } else if (inRight && row) {
      outer.insert(outer.begin(), d);
      if (inLeft)
        groups.insert(groups.begin(), d);
    } else {
      return false;
    }
  }
  for (AffineExpr e : left.getResults())
    if (auto d = dyn_cast<AffineDimExpr>(e);
        d && sizes[d.getPosition()] != 1 && !result.isFunctionOfDim(d.getPosition()))
      k.push_back(d.getPosition());
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (sizes[d] != 1 && !left.isFunctionOfDim(d) && !result.isFunctionOfDim(d))
      return false;
  for (unsigned d : k)
    if (!right.isFunctionOfDim(d))
      return false;
  if (!row || n.empty() || n.size() > 2 || k.empty() || k.size() > 3)
    return false;
  m = *row;
  return true;
}

/// Whether memory that is read by `map` has these dimensions last, in their order, and
/// without gaps: as one dimension.
bool WindowProduct::isOrdered(AffineMap map, ArrayRef<unsigned> dims) const {
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  size_t at = 0;
  for (AffineExpr e : map.getResults()) {
    unsigned d = cast<AffineDimExpr>(e).getPosition();
    if (sizes[d] == 1)
      continue;
    if (at < dims.size() && dims[at] == d)
      ++at;
    else if (at)
      return false;
  }
  return at == dims.size();
}

bool WindowProduct::fitsMemory() const {
  auto isRowMajor = [&](unsigned operand) {
    auto type = dyn_cast<MemRefType>(op->getOperand(operand).getType());
    return type && type.getLayout().isIdentity();
  };
  auto image = dyn_cast<MemRefType>(op->getOperand(x).getType());
  return image && image.isStrided() && isRowMajor(w) && isRowMajor(2);
}

std::optional<WindowProduct> WindowProduct::match(GenericOp op) {
  WindowProduct result;
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 || !op.getNumReductionLoops() ||
      !isSumOfProducts(op, result.mayContract))
    return {};
  result.op = op;
  result.sum = result.element(2);
  if ((!result.sum.isF32() && !result.sum.isF64()) || Contraction::match(op) ||
      !result.findFactors() || !result.sortDims())
    return {};
  SmallVector<unsigned> rows(result.groups), columns{result.m};
  rows.push_back(result.m);
  rows.append(result.k);
  columns.append(result.n);
  if (!result.packed && !result.isOrdered(result.map(result.w), rows))
    return {};
  if (!result.isOrdered(result.map(2), columns))
    return {};
  if (!op.hasPureTensorSemantics() && !(op.hasPureBufferSemantics() && result.fitsMemory()))
    return {};
  return result;
}

} // namespace mad
