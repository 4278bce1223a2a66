//===- Multiples.h - What divides offsets and strides of memory -------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A layer of stacked weights lies at an offset that is known when running only, but as a multiple
// of what a layer holds. Wide accesses need no more than that.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_MULTIPLES_H
#define MAD_PASSES_TRANSFORMS_MULTIPLES_H

#include "mlir/IR/Value.h"

namespace mad {

/// A number that divides the offset of a memref from the start of its memory, in elements; 0 where
/// it begins there.
int64_t offsetMultiple(mlir::Value memory);

/// A number that divides the stride of a dimension of a memref.
int64_t strideMultiple(mlir::Value memory, unsigned dim);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_MULTIPLES_H
