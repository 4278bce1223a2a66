//===- PackOps.h - Packs of scalars -----------------------------------------===//
//
// Part of the MAD project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef MAD_PASSES_CONVERSION_MADTOLINALG_PACKOPS_H
#define MAD_PASSES_CONVERSION_MADTOLINALG_PACKOPS_H

namespace mlir {
class ConversionTarget;
class RewritePatternSet;
} // namespace mlir

namespace mad {

class Lowering;

/// `ode.pack` and `ode.shuffle`.
void populatePackPatterns(mlir::RewritePatternSet &patterns, Lowering &lowering);
/// They are legal on scalars.
void allowPacks(mlir::ConversionTarget &target);

} // namespace mad

#endif // MAD_PASSES_CONVERSION_MADTOLINALG_PACKOPS_H
