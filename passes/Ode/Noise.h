//===- Noise.h - Normally distributed numbers of a step ---------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_ODE_NOISE_H
#define MAD_PASSES_ODE_NOISE_H

#include "passes/Ode/SolveAlgebra.h"

namespace mad {

/// As dialects/Ode/README.md defines them: of a key, the number of the step, that of the system,
/// and that of the element among all states.
class Noise {
public:
  /// `system` is null where there is one system.
  Noise(SolveAlgebra &m, mlir::Value key, mlir::Value system);

  /// A number for each element of a leaf, in its type; `first` is that of its first element.
  mlir::Value normals(mlir::Value leaf, mlir::Value step, mlir::Value first);
  /// Those of processes that all states have in common: a tensor, or scalars.
  Leaves common(const DimExpr &count, mlir::Value step, bool scalars);

private:
  using Value = mlir::Value;
  using Words = std::array<Value, 4>;
  Words scalarWords(Value step, Value element, int64_t mark);
  Words tensorWords(const DimExpr &count, Value step, Value first, int64_t mark);
  Value low(Value x);
  Value normal(const Words &words);

  SolveAlgebra &m;
  Value key, system;
};

} // namespace mad

#endif // MAD_PASSES_ODE_NOISE_H
