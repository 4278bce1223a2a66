//===- VectorizeLoopsPlan.h - How a reduction is tiled ----------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSPLAN_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSPLAN_H

#include "passes/Transforms/VectorizeLoopsEmit.h"
#include "passes/Transforms/VectorizeLoopsSplit.h"

namespace mad::vectorize {

/// One output of a reduction: how `op` takes values up in an accumulator, which is
/// its operand `accumulator`.
struct Combiner {
  mlir::Operation *op = nullptr;
  unsigned accumulator = 0;
};
/// The combiners if every output has one that allows any order, else nothing.
std::optional<llvm::SmallVector<Combiner>> freeCombiners(const Nest &nest);

/// A tile of accumulators, each a vector.
struct TilePlan {
  /// Lanes run along this dimension: a parallel one (each lane is an element of the
  /// output), or a reduction (the lanes are summed up in the end).
  unsigned vectorDim = 0;
  int64_t vectors = 1; ///< side by side along it
  /// Parallel dimensions of the tile; fewer loads than accumulators.
  struct Side {
    unsigned dim;
    int64_t size;
  };
  llvm::SmallVector<Side, 2> sides;
  double cost = 0; ///< of one combination of two vectors, in loads
};

/// The best plan, or nothing where scalars do as well.
std::optional<TilePlan> choosePlan(const BodyAnalysis &analysis, bool freeOrder);

/// Whether the loops write every output even when the reduction is empty, and need
/// not read it first: then `Nest::initials` may be used.
bool startsFresh(const Nest &nest, const TilePlan &plan);

/// Both write the loops. Without combiners the order must stay.
void emitAcross(mlir::ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
                llvm::ArrayRef<Combiner> combiners);
void emitAlong(mlir::ImplicitLocOpBuilder &b, const Nest &nest, const TilePlan &plan,
               llvm::ArrayRef<Combiner> combiners);

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSPLAN_H
