//===- Memory.h - Where memory comes from -----------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_MEMORY_H
#define MAD_PASSES_TRANSFORMS_MEMORY_H

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace mad {

/// The source of a memref that is the same elements in another shape, or null.
mlir::Value reshaped(mlir::Value memory);

/// The memref without reshapes; null where one of them changes one of the `last`
/// dimensions.
mlir::Value rootOf(mlir::Value memory, unsigned last = 0);

/// The memory that a memref lies in, through reshapes, slices and loops, or null where
/// that is not known. Different results do not overlap.
mlir::Value baseOf(mlir::Value memory);

/// Whether elements along the last dimension of a memref are neighbours.
bool hasNeighbours(mlir::Value memory);

/// Whether nobody uses the memory, or the same elements in another shape, but the ops that `isOurs`
/// names. Who asks for its sizes does not count.
bool hasOnlyUsers(mlir::Value memory, llvm::function_ref<bool(mlir::Operation *)> isOurs);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_MEMORY_H
