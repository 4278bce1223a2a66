//===- SparseSystems.h - Factors of sparse matrices as loops ----------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_SPARSESYSTEMS_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_SPARSESYSTEMS_H

namespace mlir {
class RewritePatternSet;
} // namespace mlir

namespace mad {

class Lowering;

/// `ode.sparse_factor` and `ode.sparse_solve`.
void populateSparsePatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_SPARSESYSTEMS_H
