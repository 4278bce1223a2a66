//===- VectorizeLoopsEmit.h - Loops over vectors ----------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSEMIT_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSEMIT_H

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "passes/Transforms/VectorizeLoopsBody.h"

namespace mad::vectorize {

/// Writes loops for a nest without reduction at the builder's place and gives true,
/// or writes nothing and gives false. The op itself stays.
bool emitMap(mlir::ImplicitLocOpBuilder &b, const Nest &nest);

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

mlir::Value constantIndex(mlir::ImplicitLocOpBuilder &b, int64_t value);
mlir::Value sizeOf(mlir::ImplicitLocOpBuilder &b, const Nest &nest, unsigned dim);
/// The last place from `low` on in steps of `step` that is not above `high`.
mlir::Value lastStep(mlir::ImplicitLocOpBuilder &b, mlir::Value low, mlir::Value high,
                     int64_t step);
/// Whether the range is known to be empty.
bool isEmpty(mlir::Value low, mlir::Value high);

using Inside = llvm::function_ref<void(BodyEmitter &)>;
using Carrying =
    llvm::function_ref<llvm::SmallVector<mlir::Value>(BodyEmitter &, mlir::ValueRange)>;

/// A loop over a dimension; written in place if it runs exactly once, not at all if
/// never.
void emitLoop(BodyEmitter &outer, unsigned dim, mlir::Value low, mlir::Value high, int64_t step,
              Inside inside);
/// The same, with values carried from step to step.
llvm::SmallVector<mlir::Value> emitLoop(BodyEmitter &outer, unsigned dim, mlir::Value low,
                                        mlir::Value high, int64_t step, mlir::ValueRange initial,
                                        Carrying inside);
/// Whether the last lanes of a dimension may be computed under a mask, and should.
bool wantsMaskedTail(const BodyAnalysis &analysis, unsigned dim);
/// Lanes below `high - low`.
mlir::Value emitMask(BodyEmitter &emitter, mlir::Value low, mlir::Value high, int64_t lanes);

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSEMIT_H
