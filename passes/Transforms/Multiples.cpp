//===- Multiples.cpp - What divides offsets and strides of memory -----------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "passes/Transforms/Multiples.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Transforms/Memory.h"
#include <numeric>

using namespace mlir;

namespace mad {

namespace {
struct Layout {
  SmallVector<int64_t> strides;
  int64_t offset = ShapedType::kDynamic;
  explicit Layout(Value memory) {
    auto type = cast<MemRefType>(memory.getType());
    if (failed(type.getStridesAndOffset(strides, offset)))
      strides.assign(type.getRank(), ShapedType::kDynamic);
  }
};
} // namespace

int64_t strideMultiple(Value memory, unsigned dim) {
  Layout layout(memory);
  if (!ShapedType::isDynamic(layout.strides[dim]))
    return layout.strides[dim];
  auto type = cast<MemRefType>(memory.getType());
  if (type.getLayout().isIdentity()) {
    int64_t product = 1;
    for (int64_t extent : type.getShape().drop_front(dim + 1))
      if (!ShapedType::isDynamic(extent))
        product *= extent;
    return product;
  }
  auto slice = memory.getDefiningOp<memref::SubViewOp>();
  if (!slice)
    return 1;
  // The dimension of the source, of which some are dropped.
  auto dropped = slice.getDroppedDims();
  for (unsigned d = 0, kept = 0, all = slice.getSourceType().getRank(); d < all; ++d) {
    if (dropped[d])
      continue;
    if (kept++ != dim)
      continue;
    int64_t step = slice.isDynamicStride(d) ? 1 : slice.getStaticStride(d);
    return strideMultiple(slice.getSource(), d) * step;
  }
  return 1;
}

int64_t offsetMultiple(Value memory) {
  if (int64_t offset = Layout(memory).offset; !ShapedType::isDynamic(offset))
    return offset;
  if (Value source = reshaped(memory))
    return offsetMultiple(source);
  auto slice = memory.getDefiningOp<memref::SubViewOp>();
  if (!slice)
    return 1;
  int64_t multiple = offsetMultiple(slice.getSource());
  for (unsigned d = 0, all = slice.getSourceType().getRank(); d < all; ++d) {
    int64_t first = slice.isDynamicOffset(d) ? 1 : slice.getStaticOffset(d);
    multiple = std::gcd(multiple, strideMultiple(slice.getSource(), d) * first);
  }
  return multiple;
}

} // namespace mad
