//===- VectorizeLoopsSplit.h - The inside of a dimension --------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A stencil asks whether its neighbours lie inside of the array, and reads
// elsewhere when they do not. On most of a row the answer is the same. Here it is
// found where: conditions and clamps on an index become facts, each with bounds
// between which it holds. Under the facts the loads are those of neighbours.
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSSPLIT_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSSPLIT_H

#include "passes/Transforms/VectorizeLoopsBody.h"

namespace mad::vectorize {

/// Holds where plus - minus + constant >= 0.
struct Inequality {
  mlir::Value plus, minus; ///< null for 0
  int64_t constant = 0;
};

struct Split {
  Facts facts;
  llvm::SmallVector<Inequality> bounds;
};

/// Facts along `dim` under which fewer loads of the body are gathers; none if there
/// is no such gain. `fixed`: dims with one value while the others run.
Split findSplit(const BodyAnalysis &analysis, unsigned dim, const llvm::SmallBitVector &fixed);

/// From where to where (exclusively) in [0, size] the facts hold for all values of
/// the dimensions that `emitter` has no value for. `inside` is the analysis with
/// the facts.
std::pair<mlir::Value, mlir::Value> emitBounds(BodyEmitter emitter, const Split &split,
                                               const BodyAnalysis &inside, unsigned dim);

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSSPLIT_H
