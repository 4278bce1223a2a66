//===- VectorizeLoopsCascade.h - Long sums as sums of sums ------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sum of n rounded numbers in one accumulator is off by up to n units of what it has
// become, so that a long one loses digits. Here each accumulator takes up a block of
// steps from zero, a second one takes up the blocks, and a third one blocks of blocks:
// three times a block for up to blockSteps^3 steps. The order is fixed by the sizes. This
// is a superblock algorithm of Castaldo, Whaley and Chronopoulos, "Reducing floating
// point error in dot product using the superblock family of algorithms" (2008); for
// bounds of sums by order see Higham, "The accuracy of floating point summation" (1993).
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_TRANSFORMS_VECTORIZELOOPSCASCADE_H
#define MAD_PASSES_TRANSFORMS_VECTORIZELOOPSCASCADE_H

#include "passes/Transforms/VectorizeLoopsPlan.h"

namespace mad::vectorize {

/// Steps that one accumulator takes up: few enough for the error, enough that adding
/// up the accumulators takes no time.
constexpr int64_t blockSteps = 256;

/// Whether a combiner adds floats, so that long ones are cut.
bool isFloatSum(const Combiner &combiner);
/// -0: what adds nothing to any number. A vector or a scalar.
mlir::Value noSum(mlir::ImplicitLocOpBuilder &b, mlir::Type type);

/// A loop of a reduction.
struct CascadeLoop {
  unsigned dim;
  mlir::Value low, high;
  int64_t step = 1;
  mlir::Value inside; ///< steps that one iteration adds to an accumulator
  bool isOutermost = true, isInnermost = true;
  llvm::SmallBitVector sums = {}; ///< which of the carried values are sums
};

/// The loop, cut into blocks where it may be longer than one. A loop of unknown length
/// between others is not cut: the outermost one takes account of all it holds.
llvm::SmallVector<mlir::Value> emitCascade(BodyEmitter &outer, const CascadeLoop &loop,
                                           mlir::ValueRange initial, Carrying inside);

} // namespace mad::vectorize

#endif // MAD_PASSES_TRANSFORMS_VECTORIZELOOPSCASCADE_H
