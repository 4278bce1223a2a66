//===- PackRowBlocks.h - Products in loops over blocks of rows --------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What mad-fuse-rows makes of an attention are two products of a few rows with
// matrices that all blocks of a head share. Those matrices are packed once in front of
// the loop over the blocks; the rows are read where they are.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_PACKROWBLOCKS_H
#define MAD_PASSES_TRANSFORMS_PACKROWBLOCKS_H

#include "passes/Kernels/KernelLibrary.h"
#include "passes/Transforms/Contraction.h"

namespace mad {

/// The columns that are seen in a block, by the op that masks them (UnseenColumns.h).
using SeenColumns = llvm::DenseMap<mlir::Operation *, mlir::Value>;

/// Replaces a product in a loop over pieces, if its right factor does not change in
/// the loop right around it. Where it has too few rows or columns, it stays what it is;
/// if need be the code decides. Of what a mask rules out for a whole block only a little
/// is computed.
bool packInRowBlocks(const Contraction &product, kernels::KernelLibrary &library, int level,
                     SeenColumns &seen);

} // namespace mad

#endif // MAD_PASSES_TRANSFORMS_PACKROWBLOCKS_H
