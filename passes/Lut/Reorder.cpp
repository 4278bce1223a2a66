//===- Reorder.cpp - Dimensions in another order --------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Lut/Reorder.h"

using namespace mlir;

namespace mad {

RankedTensorType typeAlong(ArrayRef<unsigned> dims, Type element,
                           llvm::function_ref<DimExpr(unsigned)> size) {
  return tensorType(llvm::map_to_vector(dims, size), SmallVector<std::string>(dims.size()),
                    element);
}

Value reordered(OpBuilder &b, Value value, ArrayRef<unsigned> from, ArrayRef<unsigned> to,
                RankedTensorType type) {
  if (from == to)
    return value;
  SmallVector<AffineExpr> at;
  for (unsigned dim : from)
    at.push_back(b.getAffineDimExpr(llvm::find(to, dim) - to.begin()));
  return ViewOp::create(b, value.getLoc(), type, value, ValueRange(),
                        AffineMap::get(to.size(), 0, at, b.getContext()), Boundary::inside);
}

} // namespace mad
